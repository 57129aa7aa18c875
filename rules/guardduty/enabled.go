package guardduty

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model/guardduty"
)

var _ = Rules.Add(engine.Rule{
	ID:       "guardduty-enabled",
	Title:    "GuardDuty is enabled in every region",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "GuardDuty sees in the logs of AWS what few others can: stolen keys in use, instances that talk to miners or to a command server. Where it is off nobody is warned, " +
		"and intruders like to work in regions that nobody looks at.",
	Fix: engine.Fix{
		Text: "Enable GuardDuty in each region. In an organization do it once from the delegated administrator, in each region, for all members old and new; there a suspended detector of a member can be turned on only by the administrator. Where nothing may ever run, close the region by a service control policy instead.",
		CLI: `# for each region
aws guardduty create-detector --region <region> --enable
# if there is one that is suspended
aws guardduty update-detector --region <region> --detector-id <detector> --enable
# from the delegated administrator of an organization
aws guardduty update-organization-configuration --region <region> --detector-id <detector> --auto-enable-organization-members ALL`,
		IaC: `# Terraform
resource "aws_guardduty_detector" "<region>" {
  enable = true
}`,
		Breaks: "Nothing stops. Costs follow the events, flow logs and DNS queries of a region, and are next to nothing where there are none; the first 30 days are free of charge and show what it will cost.",
		Undo:   "aws guardduty update-detector --region <region> --detector-id <detector> --no-enable",
		Effect: engine.Additive,
	},
	Reads: []string{"guardduty.Region", "guardduty.Detector.Status", "guardduty.Detector.Administrator", "ec2.NetworkInterface", "cloudwatchlogs.LogGroup"},

	Check: engine.Each(func(v *engine.View, r *guardduty.Region) engine.Verdict {
		detectors := engine.Join[*guardduty.Detector](v)
		if detectors.Any(func(d *guardduty.Detector) bool { return d.Status.Get() == "ENABLED" }) {
			return engine.Pass()
		}
		fail := engine.Fail("there is no detector: nobody looks for threats here. Enable GuardDuty")
		fail.FixKey = "missing" // a script or a stack set does it in all regions
		if d, ok := detectors.First(func(*guardduty.Detector) bool { return true }); ok {
			text := "detector " + d.ID + " is suspended: nobody looks for threats here. Turn it on again"
			if admin, _ := d.Administrator.Lookup(); admin != "" {
				text += ", from the administrator account " + admin
			}
			fail = engine.Fail(text).With("status", d.Status).With("administrator", d.Administrator)
			fail.FixKey = "suspended"
		}
		if !facts.InUse(v) {
			fail.Message += ". Nothing shows that the region is in use"
			return fail.As(engine.Low)
		}
		return fail
	}),
})
