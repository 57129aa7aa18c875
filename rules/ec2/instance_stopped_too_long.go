package ec2

import (
	"errors"
	"fmt"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
)

type stoppedTooLong struct {
	StoppedDays int        `json:"stopped_days"`
	ExemptTags  exemptTags `json:"exempt_tags"`
}

func (p *stoppedTooLong) Validate() error {
	if p.StoppedDays < 0 {
		return errors.New("stopped_days must be at least 0")
	}
	return p.ExemptTags.check()
}

func (p *stoppedTooLong) Reads() []string { return p.ExemptTags.reads("ec2.Instance.Tags") }

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-instance-stopped-too-long",
	Title:    "Stopped instances are removed after the allowed time",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.Security, engine.Sustainability},
	Why: "An instance that nobody has started for a month has missed a month of patches, and is as weak as on its last day when somebody starts it after all. " +
		"Its volumes and Elastic IP addresses are charged meanwhile.",
	Fix: engine.Fix{
		Text: "Ask the owner. If the instance may be needed again make an image of it, then terminate it. Volumes without DeleteOnTermination and Elastic IP addresses stay: look after them too. " +
			"One that is kept on purpose can be tagged and named in exempt_tags.",
		CLI: `aws ec2 create-image --instance-id <instance-id> --name <name>
aws ec2 wait image-available --image-ids <ami-id>
aws ec2 terminate-instances --instance-ids <instance-id>`,
		IaC: `# Terraform: remove the aws_instance`,
		Breaks: "The instance, its volumes with DeleteOnTermination, its instance store and its private address are gone. One that is started for the end of the year or a disaster only " +
			"looks just the same: check with its owner, and that the image is complete.",
		Undo:   "aws ec2 run-instances --image-id <ami-id> --instance-type <type> --subnet-id <subnet-id>",
		Effect: engine.Destroys,
	},
	Reads: []string{"ec2.Instance.State", "ec2.Instance.TransitionReason", "ec2.Instance.Launched", "ec2.Instance.AutoScalingGroup", "ec2.Instance.Manager"},

	// What its volumes and addresses cost is told by the rules about these.
	Check: engine.EachWith(stoppedTooLong{StoppedDays: 30, ExemptTags: exemptTags{}}, func(v *engine.View, p *stoppedTooLong, i *ec2.Instance) engine.Verdict {
		if gone(i) {
			return engine.NotApplicable("it is " + i.State.Get())
		}
		if i.State.Get() != "stopped" {
			return engine.Pass()
		}
		if why := managed(i.Manager); why != "" {
			return engine.NotApplicable(why)
		}
		if group := i.AutoScalingGroup.Get(); group != "" { // a warm pool keeps stopped instances by design
			return engine.NotApplicable("its Auto Scaling group " + group + " stops and starts it")
		}
		if why := p.ExemptTags.excuse("the instance", i.Tags); why != "" {
			return engine.NotApplicable(why)
		}
		since, sure := stopped(i)
		days := max(0, v.Now().Sub(since).Hours()/24)
		switch {
		case days <= float64(p.StoppedDays):
			return engine.Pass().Note(fmt.Sprintf("stopped %d days ago at most, no more than %d", int(days), p.StoppedDays))
		case !sure: // it may have been stopped yesterday
			return engine.Fail("stopped, duration unknown, last started on "+since.Format(time.DateOnly)+": make an image of it if it is needed again, and terminate it").With("certain", false)
		}
		return engine.Fail(fmt.Sprintf("stopped on %s, %d days ago: make an image of it if it is needed again, and terminate it", since.Format(time.DateOnly), int(days))).
			With("stoppedSince", since)
	}),
})
