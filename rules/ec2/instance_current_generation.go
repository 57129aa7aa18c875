package ec2

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

//go:embed families.json
var familiesFile []byte

// former are the instance families of former generations, and what AWS advises in their place.
var former = formerFamilies()

func formerFamilies() (f struct {
	Date       string            `json:"date"`
	Source     string            `json:"source"`
	Successors map[string]string `json:"successors"`
}) {
	if err := json.Unmarshal(familiesFile, &f); err != nil {
		panic("families.json: " + err.Error())
	}
	return f
}

type currentGeneration struct {
	OldFamilies []string `json:"old_families"`
}

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-instance-current-generation",
	Title:    "EC2 instances use types of current generations",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.PerformanceEfficiency, engine.Sustainability},
	Why: "A newer generation does the same work for less money and less power. Old ones run short in some zones, so that a stopped instance may not start again, " +
		"and lack what newer ones have by design, such as memory that is encrypted.",
	Fix: engine.Fix{
		Text: "Choose the size of the successor that fits what the instance really uses. Types since the fifth generation need drivers for ENA and NVMe in the image, and name disks otherwise. " +
			"Then stop the instance, change its type and start it; in an Auto Scaling group change the launch template and refresh the instances.",
		CLI: `aws ec2 stop-instances --instance-ids <instance-id>
aws ec2 wait instance-stopped --instance-ids <instance-id>
aws ec2 modify-instance-attribute --instance-id <instance-id> --instance-type <type>
aws ec2 start-instances --instance-ids <instance-id>`,
		IaC: `# Terraform, stops and starts the instance
resource "aws_instance" "this" {
  instance_type = "m7i.large"
}`,
		Breaks: "The instance is down meanwhile, loses what is on instance store and its public address unless that is an Elastic IP. Without the drivers it does not start: run the " +
			"AWSSupport-MigrateXenToNitroLinux or the Windows runbook of Systems Manager first. Reserved instances of the old family no longer count.",
		Undo:   "The same with the old type.",
		Effect: engine.Downtime,
	},
	Reads: []string{"ec2.Instance.Type", "ec2.Instance.State", "ec2.Instance.Tenancy", "ec2.Instance.Manager", "ec2.Instance.AutoScalingGroup"},

	Check: engine.EachWith(currentGeneration{OldFamilies: slices.Sorted(maps.Keys(former.Successors))}, func(_ *engine.View, p *currentGeneration, i *ec2.Instance) engine.Verdict {
		if gone(i) {
			return engine.NotApplicable("it is " + i.State.Get())
		}
		if why := managed(i.Manager); why != "" {
			return engine.NotApplicable(why)
		}
		if i.Tenancy.Get() == "host" {
			return engine.NotApplicable("on a dedicated host, which sets the family")
		}
		family, _, _ := strings.Cut(i.Type.Get(), ".")
		if !slices.Contains(p.OldFamilies, family) {
			return engine.Pass()
		}
		text := i.Type.Get() + " is of a former generation: change it to a current one"
		if next := former.Successors[family]; next != "" {
			text += ", such as " + next
		}
		fail := engine.Fail(text).With("instanceType", i.Type).With("state", i.State).With("familiesAsOf", former.Date)
		return ofGroup(fail, i)
	}),
})
