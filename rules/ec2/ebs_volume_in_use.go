package ec2

import (
	"errors"
	"fmt"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/price"
)

type volumeInUse struct {
	GraceDays                int        `json:"grace_days"`
	CheckDeleteOnTermination bool       `json:"check_delete_on_termination"` // an attached volume must go with its instance
	ExemptTags               exemptTags `json:"exempt_tags"`
}

func (p *volumeInUse) Validate() error {
	if p.GraceDays < 0 {
		return errors.New("grace_days must be at least 0")
	}
	return p.ExemptTags.check()
}

func (p *volumeInUse) Reads() []string {
	reads := p.ExemptTags.reads("ec2.Volume.Tags")
	if p.CheckDeleteOnTermination {
		reads = append(reads, "ec2.Volume.Attachments")
	}
	return reads
}

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-ebs-volume-in-use",
	Title:    "EBS volumes are attached",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.Sustainability},
	Why: "A volume is charged for what was ordered, whether something uses it or not. One that is attached to nothing was mostly left behind by an instance that is gone, " +
		"and keeps its data without an owner.",
	Fix: engine.Fix{
		Text: "Ask for the owner by its tags, or by the instance in CloudTrail that it was detached from. Take a snapshot, which costs less, and delete the volume. " +
			"A volume that is kept on purpose can be tagged and named in exempt_tags.",
		CLI: `aws ec2 create-snapshot --volume-id <volume-id> --description "before deletion"
aws ec2 wait snapshot-completed --snapshot-ids <snapshot-id>
aws ec2 delete-volume --volume-id <volume-id>`,
		IaC: `# Terraform: so that the root volume goes with its instance
resource "aws_instance" "this" {
  root_block_device {
    delete_on_termination = true
  }
}`,
		Breaks: "Whoever means to attach the volume again has to make it anew from the snapshot. Persistent volumes of Kubernetes that are scaled to zero look just the same: look for tags " +
			"that begin with kubernetes.io/.",
		Undo:   "aws ec2 create-volume --snapshot-id <snapshot-id> --availability-zone <zone> --volume-type <type>",
		Effect: engine.Destroys,
	},
	Reads: []string{"ec2.Volume.State", "ec2.Volume.Created", "ec2.Volume.Manager", "ec2.Volume.Type", "ec2.Volume.SizeGiB", "ec2.Volume.IOPS", "ec2.Volume.ThroughputMiBs"},

	// EC2 keeps no time of detaching: the age of the volume is all there is to go by.
	Check: engine.EachWith(volumeInUse{GraceDays: 7, ExemptTags: exemptTags{}}, func(v *engine.View, p *volumeInUse, vol *ec2.Volume) engine.Verdict {
		state := vol.State.Get()
		if state != "in-use" && state != "available" {
			return engine.NotApplicable("its state is " + state)
		}
		if why := managed(vol.Manager); why != "" {
			return engine.NotApplicable(why)
		}
		if why := p.ExemptTags.excuse("the volume", vol.Tags); why != "" {
			return engine.NotApplicable(why)
		}
		if state == "in-use" {
			if p.CheckDeleteOnTermination {
				for _, a := range vol.Attachments.Get() {
					if a.Instance != "" && !a.DeleteOnTermination {
						return engine.Fail("on " + a.Instance + " without DeleteOnTermination: it stays, and is charged, when the instance goes. Set it, or name the volume in exempt_tags")
					}
				}
			}
			return engine.Pass()
		}
		if days := int(v.Now().Sub(vol.Created.Get()).Hours() / 24); days < p.GraceDays {
			return engine.Pass().Note(fmt.Sprintf("attached to nothing, but only %d days old", max(0, days)))
		}
		cost, text := any("unknown"), ""
		if usd, ok := monthly(vol); ok {
			cost, text = cents(usd), fmt.Sprintf(". It costs about %.2f USD a month (%s)", usd, price.Basis())
		}
		return engine.Fail("State is available: attached to nothing. Take a snapshot and delete it"+text).With("created", vol.Created).With("type", vol.Type).
			With("sizeGiB", vol.SizeGiB).With("monthlyCostUSD", cost).With("monthlyCostBasis", "estimate, "+price.Basis())
	}),
})
