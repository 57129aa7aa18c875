package ec2

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-instance-imdsv2-required",
	Title:    "EC2 instances require IMDSv2",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.High,
	Pillars:  []engine.Pillar{engine.Security},
	Why: "The first version of the metadata service answers any plain request from the instance. A web application that can be made to fetch a URL, or a proxy that is too open, hands the " +
		"credentials of the instance role to whoever asks. The second version wants a session token first, which such a request cannot get.",
	Fix: engine.Fix{
		Text: "Watch the metric MetadataNoToken for some days: while it is 0 no software on the instance uses the first version. Then require tokens. Set the same in the launch template and in the image, " +
			"and as the default of the account in each region, or the next instance is open again.",
		CLI: `aws ec2 modify-instance-metadata-options --instance-id <instance-id> --http-tokens required --http-endpoint enabled
aws ec2 modify-instance-metadata-defaults --http-tokens required`,
		IaC: `# Terraform, of aws_launch_template alike
resource "aws_instance" "this" {
  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "required"
  }
}`,
		Breaks: "Software with an SDK from before November 2019 gets no credentials any more. Containers on a bridge network need a hop limit of 2. Check that MetadataNoToken in CloudWatch " +
			"(namespace AWS/EC2) has been 0 over a whole period of the business, and the packet analyzer of AWS if it is not.",
		Undo:   "aws ec2 modify-instance-metadata-options --instance-id <instance-id> --http-tokens optional",
		Effect: engine.Replaces,
	},
	Reads: []string{"ec2.Instance.State", "ec2.Instance.MetadataTokens", "ec2.Instance.MetadataEndpoint", "ec2.Instance.Profile", "ec2.Instance.PublicAddresses",
		"ec2.Instance.Manager", "ec2.Instance.AutoScalingGroup"},

	// Stolen credentials need a role, an attack from outside an address: without both it is one layer that is weak, and a stopped
	// instance answers nobody.
	Check: engine.Each(func(_ *engine.View, i *ec2.Instance) engine.Verdict {
		if gone(i) {
			return engine.NotApplicable("it is " + i.State.Get())
		}
		if why := managed(i.Manager); why != "" {
			return engine.NotApplicable(why)
		}
		if either(func() bool { return i.MetadataTokens.Get() == "required" }, func() bool { return i.MetadataEndpoint.Get() == "disabled" }) {
			return engine.Pass()
		}
		role := func() bool { return i.Profile.Get() != "" }
		public := func() bool { return len(i.PublicAddresses.Get()) > 0 }
		fail := engine.Fail("HttpTokens is optional: the instance answers IMDSv1. Require tokens, once MetadataNoToken is 0")
		if i.State.Get() != "stopped" && either(role, public) {
			var has []string
			if profile, _ := i.Profile.Lookup(); profile != "" {
				has = append(has, "the role of "+profile)
			}
			if addresses, _ := i.PublicAddresses.Lookup(); len(addresses) > 0 {
				has = append(has, "the public address "+addresses[0])
			}
			fail = engine.Fail("HttpTokens is optional, and the instance has " + strings.Join(has, " and ") + ": one request that an attacker can forge shows him its metadata, " +
				"credentials of a role included. Require tokens, once MetadataNoToken is 0").As(engine.High)
		}
		fail = fail.With("httpTokens", i.MetadataTokens).With("instanceProfile", i.Profile).With("publicAddresses", i.PublicAddresses).With("state", i.State)
		return ofGroup(fail, i)
	}),
})
