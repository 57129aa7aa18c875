package report

import (
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/sqs"
)

// An account by hand, and rules that find in it what it says.

const account = "111122223333"

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func place(region string) model.Place { return model.Place{Account: account, Region: region} }

// snapshot holds resources of an account; all kinds were listed.
func snapshot(regions []string, resources ...model.Resource) *engine.Snapshot {
	h := engine.Header{Partition: "aws", Start: start, Caller: "arn:aws:sts::" + account + ":assumed-role/audit/me",
		Listed: []model.Kind{"AWS::SQS::Queue", "AWS::EC2::Volume", "AWS::EC2::Instance"}}
	for _, r := range regions {
		h.Read = append(h.Read, place(r))
	}
	s := engine.NewSnapshot(h)
	for _, r := range resources {
		s.Put(r)
	}
	return s
}

// The number of messages is the verdict on a queue: the severity of its failure, or one of these.
const (
	passes  = 0
	exempt  = -1
	unknown = -2
)

// queue returns a queue; key is what clears its failure.
func queue(region, name string, messages int, key string) *sqs.Queue {
	q := &sqs.Queue{Meta: model.Meta{ID: "https://" + region + "/" + name, Name: name, ARN: "arn:aws:sqs:" + region + ":" + account + ":" + name, Account: account, Region: region},
		Messages: model.Known(messages), KMSKey: model.Known(key)}
	if messages == unknown {
		q.Messages = model.Attr[int]{}
		q.Gaps = []*model.Gap{{Reason: model.AccessDenied, Call: "sqs:GetQueueAttributes", Detail: "AccessDenied: no"}}
	}
	return q
}

func queueRule(id string, worst engine.Severity, pillars ...engine.Pillar) engine.Rule {
	return engine.Rule{ID: id, Title: "Queues are " + id, Severity: min(engine.Low, worst), Worst: worst, Pillars: pillars, Reads: []string{"sqs.Queue.Messages"},
		Check: engine.Each(func(_ *engine.View, q *sqs.Queue) engine.Verdict { return judgeQueue(q, worst) })}
}

func judgeQueue(q *sqs.Queue, worst engine.Severity) engine.Verdict {
	switch n := q.Messages.Get(); n {
	case passes:
		return engine.Pass()
	case exempt:
		return engine.NotApplicable("is exempt")
	default:
		v := engine.Fail("is bad").As(min(engine.Severity(n), worst)).With("monthlyCostUSD", 1.1)
		v.FixKey, _ = q.KMSKey.Lookup()
		return v
	}
}

// accountRule fails each account.
var accountRule = engine.Rule{ID: "cloudtrail-on", Title: "Trails are on", Severity: engine.High, Worst: engine.High, Pillars: []engine.Pillar{engine.Security},
	Reads: []string{"cloudtrail.Account"},
	Check: engine.Each(func(*engine.View, *cloudtrail.Account) engine.Verdict { return engine.Fail("no trail") })}

// volumeRule fails each volume.
var volumeRule = engine.Rule{ID: "ec2-volume-gone", Title: "There are no volumes", Severity: engine.Medium, Worst: engine.Medium, Pillars: []engine.Pillar{engine.CostOptimization},
	Reads: []string{"ec2.Volume"},
	Check: engine.Each(func(*engine.View, *ec2.Volume) engine.Verdict { return engine.Fail("is there") })}

// volume returns a volume on an instance of an Auto Scaling group, if there is a group.
func volume(id, group string) []model.Resource {
	return []model.Resource{
		&ec2.Volume{Meta: model.Meta{ID: id, Account: account, Region: "eu-west-1"}, Attachments: model.Known(ec2.Attachments{{Instance: "i-" + id}})},
		&ec2.Instance{Meta: model.Meta{ID: "i-" + id, Account: account, Region: "eu-west-1"}, AutoScalingGroup: model.Known(group)},
	}
}

func hole(kind model.Kind, region string, reason model.Reason, call string) engine.Hole {
	return engine.Hole{Kind: kind, Place: place(region), Gap: &model.Gap{Reason: reason, Call: call, Detail: "said no in " + region}}
}

// judge reports on a snapshot in memory, which cannot fail.
func judge(s *engine.Snapshot, rules []engine.Rule, f Filter) *Report {
	r, err := New("test", engine.Whole(s), rules, Options{Filter: f})
	if err != nil {
		panic(err)
	}
	return r
}

// find returns what a report finds in memory.
func find(r *Report, prefix string) []Result {
	found, err := r.Find(prefix)
	if err != nil {
		panic(err)
	}
	return found
}
