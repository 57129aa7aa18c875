package ec2

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/price"
)

type volumeNotOnStopped struct {
	StoppedDays int        `json:"stopped_days"`
	ExemptTags  exemptTags `json:"exempt_tags"`
}

func (p *volumeNotOnStopped) Validate() error {
	if p.StoppedDays < 0 {
		return errors.New("stopped_days must be at least 0")
	}
	return p.ExemptTags.check()
}

func (p *volumeNotOnStopped) Reads() []string {
	return p.ExemptTags.reads("ec2.Volume.Tags", "ec2.Instance.Tags")
}

var _ = Rules.Add(engine.Rule{
	ID:       "ec2-ebs-volume-not-on-stopped-instance",
	Title:    "EBS volumes are not left attached to long-stopped instances",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.CostOptimization, engine.OperationalExcellence, engine.Sustainability},
	Why: "A stopped instance costs nothing, but its volumes are charged in full. An instance that nobody has started for a month is mostly forgotten: " +
		"it misses every patch, and its data is kept without an owner.",
	Fix: engine.Fix{
		Text: "Ask the owner whether the instance is still needed. If not, take snapshots of its volumes and terminate it; volumes without DeleteOnTermination stay and " +
			"have to be deleted too. If only this volume is not needed, take a snapshot, detach and delete it. An instance that is kept on purpose can be tagged and named in exempt_tags.",
		CLI: `aws ec2 create-snapshot --volume-id <volume-id> --description "before deletion"
aws ec2 wait snapshot-completed --snapshot-ids <snapshot-id>
aws ec2 detach-volume --volume-id <volume-id>
aws ec2 wait volume-available --volume-ids <volume-id>
aws ec2 delete-volume --volume-id <volume-id>`,
		IaC: `# Terraform: apply this first, then remove the resource and its aws_volume_attachment. The snapshot stays
resource "aws_ebs_volume" "this" {
  final_snapshot = true
}`,
		Breaks: "Without its root volume the instance cannot start again, and what a hibernated instance had in memory is lost. An instance that is started for the end of " +
			"the year or a disaster only looks just the same: check with its owner, and that the snapshot is complete.",
		Undo: `aws ec2 create-volume --snapshot-id <snapshot-id> --availability-zone <zone> --volume-type <type>
aws ec2 attach-volume --volume-id <new-volume-id> --instance-id <instance-id> --device <device>`,
		Effect: engine.Destroys,
	},
	Reads: []string{"ec2.Volume.Attachments", "ec2.Volume.Created", "ec2.Volume.Type", "ec2.Volume.SizeGiB", "ec2.Volume.IOPS", "ec2.Volume.ThroughputMiBs",
		"ec2.Instance.State", "ec2.Instance.StateReason", "ec2.Instance.TransitionReason", "ec2.Instance.Launched", "ec2.Instance.RootDevice", "ec2.Instance.AutoScalingGroup"},

	// A multi-attach volume is idle only if all of its instances are stopped, and only since the last of them was.
	Check: engine.EachWith(volumeNotOnStopped{StoppedDays: 30, ExemptTags: exemptTags{}}, func(v *engine.View, p *volumeNotOnStopped, vol *ec2.Volume) engine.Verdict {
		attached := slices.DeleteFunc(slices.Clone(vol.Attachments.Get()), func(a ec2.Attachment) bool { return a.State != "attached" && a.State != "busy" })
		if len(attached) == 0 {
			return engine.NotApplicable("attached to no instance")
		}
		excuses := []func() string{func() string { return p.ExemptTags.excuse("the volume", vol.Tags) }}
		for _, a := range attached {
			excuses = append(excuses, func() string { return p.excuse(v, a.Instance) })
		}
		var excuse string
		if engine.Of(excuses).Any(func(f func() string) bool { excuse = f(); return excuse != "" }) {
			return engine.NotApplicable(excuse)
		}
		var instances []*ec2.Instance
		for _, a := range attached {
			i, _ := engine.Find[*ec2.Instance](v, a.Instance)
			instances = append(instances, i)
		}
		days := func(t time.Time) float64 { return max(0, v.Now().Sub(t).Hours()/24) }
		recent := func(t time.Time) bool { return days(t) <= float64(p.StoppedDays) }
		if p.StoppedDays == 0 {
			return describe(v, vol, attached, instances)
		}
		if i, ok := engine.Of(instances).First(func(i *ec2.Instance) bool { since, _ := stopped(i); return recent(since) }); ok {
			since, sure := stopped(i)
			how := "has been stopped for"
			if !sure {
				how = "was stopped within the last"
			}
			return engine.Pass().Note(fmt.Sprintf("instance %s %s %d days, no more than %d", i.ID, how, int(days(since)), p.StoppedDays))
		}
		if engine.Of(instances).All(func(i *ec2.Instance) bool { _, sure := stopped(i); return sure }) {
			return describe(v, vol, attached, instances)
		}
		if recent(vol.Created.Get()) {
			return engine.Pass().Note(fmt.Sprintf("on a stopped instance, duration unknown, but the volume is no more than %d days old", p.StoppedDays))
		}
		return describe(v, vol, attached, instances).As(engine.Low).With("certain", false)
	}),
})

// excuse says why a volume may be on an instance.
func (p *volumeNotOnStopped) excuse(v *engine.View, id string) string {
	if id == "" {
		return "attached to a resource that AWS manages"
	}
	i, ok := engine.Find[*ec2.Instance](v, id)
	if !ok { // the list shows stopped and, for an hour, terminated ones; other accounts cannot attach the volume
		return "attached to " + id + ", an instance that is not there any more"
	}
	if state := i.State.Get(); state != "stopped" {
		return "instance " + id + " is " + state
	}
	if group := i.AutoScalingGroup.Get(); group != "" { // a warm pool keeps stopped instances by design
		return "instance " + id + " is stopped and started by its Auto Scaling group " + group
	}
	return p.ExemptTags.excuse("instance "+id, i.Tags)
}

var stopTime = regexp.MustCompile(`\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)`)

// stopped returns when a stopped instance was stopped or, if that is not sure, when it was last started: it was stopped
// some time after. EC2 gives the time in a text, "User initiated (2026-01-31 09:15:02 GMT)", and leaves it out or the text
// empty if a service or EC2 itself stopped the instance. The text is of the last transition, so it needs no other witness.
func stopped(i *ec2.Instance) (since time.Time, sure bool) {
	if m := stopTime.FindStringSubmatch(i.TransitionReason.Get()); m != nil {
		if since, err := time.Parse(time.DateTime, m[1]); err == nil {
			return since, true
		}
	}
	return i.Launched.Get(), false
}

// describe makes the failure of a volume on stopped instances. Nothing that it reads need be known.
func describe(v *engine.View, vol *ec2.Volume, attached []ec2.Attachment, instances []*ec2.Instance) engine.Verdict {
	var ids, texts []string
	var evidence []map[string]any
	for k, i := range instances {
		text, since := "stopped, duration unknown", any("unknown")
		if reason, known := i.TransitionReason.Lookup(); known && (i.Launched.IsKnown() || stopTime.MatchString(reason)) {
			if t, sure := stopped(i); sure {
				text = fmt.Sprintf("stopped on %s, %d days ago", t.Format(time.DateOnly), max(0, int(v.Now().Sub(t).Hours()/24)))
				since = t
			} else {
				text += ", last started on " + t.Format(time.DateOnly)
				since = "unknown, after its start on " + t.Format(time.RFC3339)
			}
		}
		reason, _ := i.StateReason.Lookup()
		if reason == "Client.UserInitiatedHibernate" {
			text += ", hibernated"
		}
		root := i.RootDevice.Evidence()
		if device, ok := i.RootDevice.Lookup(); ok {
			root = attached[k].Device == device
		}
		ids = append(ids, i.ID)
		texts = append(texts, i.ID+" ("+text+")")
		evidence = append(evidence, map[string]any{"id": i.ID, "stoppedSince": since, "stateReason": i.StateReason.Evidence(),
			"device": attached[k].Device, "rootVolume": root, "deleteOnTermination": attached[k].DeleteOnTermination})
	}
	cost, text := any("unknown"), ""
	if usd, ok := monthly(vol); ok {
		cost, text = cents(usd), fmt.Sprintf(" It costs about %.2f USD a month (%s).", usd, price.Basis())
	}
	fail := engine.Fail("attached to "+strings.Join(texts, ", ")+": take a snapshot and delete the volume, or terminate the instance."+text).
		With("instances", evidence).With("type", vol.Type).With("sizeGiB", vol.SizeGiB).With("created", vol.Created).
		With("monthlyCostUSD", cost).With("monthlyCostBasis", "estimate, "+price.Basis())
	slices.Sort(ids)
	fail.FixKey = strings.Join(ids, ",")
	return fail
}
