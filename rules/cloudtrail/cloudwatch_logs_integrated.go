package cloudtrail

import (
	"errors"
	"fmt"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model"
	"awsscanner/internal/model/cloudtrail"
)

type logsIntegrated struct {
	MaxAgeHours int    `json:"max_age_hours"`
	Scope       string `json:"scope"` // any: one multi-region trail that delivers does for all; all: each must
}

func (p *logsIntegrated) Validate() error {
	if p.Scope != "any" && p.Scope != "all" {
		return fmt.Errorf("scope is %q, but must be any or all", p.Scope)
	}
	if p.MaxAgeHours < 1 {
		return errors.New("max_age_hours must be at least 1")
	}
	return nil
}

func (p *logsIntegrated) Reads() []string {
	if p.Scope == "any" {
		return []string{"cloudtrail.Trail.MultiRegion"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "cloudtrail-cloudwatch-logs-integrated",
	Title:    "CloudTrail trails deliver to CloudWatch Logs, and lately did",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "In a bucket events lie until somebody looks for them. In CloudWatch Logs metric filters can raise an alarm within minutes, and Logs Insights can search them. " +
		"Where that is set up but no longer works, alarms that people count on stay silent.",
	Fix: engine.Fix{
		Text: "Give the trail a log group and a role that lets CloudTrail create streams and put events there. If it has both and does not deliver, repair what the error names: mostly the role, or a log group that was deleted. " +
			"Where something else raises alarms on the bucket, as a SIEM does, exclude the rule.",
		CLI: `aws cloudtrail get-trail-status --region <home-region> --name <trail-arn> # LatestCloudWatchLogsDeliveryError tells what is wrong
aws cloudtrail update-trail --region <home-region> --name <trail-arn> --cloud-watch-logs-log-group-arn "<log-group-arn>:*" --cloud-watch-logs-role-arn <role-arn>`,
		IaC: `# Terraform
resource "aws_cloudtrail" "<name>" {
  cloud_watch_logs_group_arn = "${aws_cloudwatch_log_group.<name>.arn}:*"
  cloud_watch_logs_role_arn  = aws_iam_role.<name>.arn
}`,
		Breaks: "Nothing stops. CloudWatch Logs charges for each GB that comes in, which data events make dear: see with get-event-selectors what the trail records, and set a retention for the log group.",
		Undo:   `aws cloudtrail update-trail --region <home-region> --name <trail-arn> --cloud-watch-logs-log-group-arn "" --cloud-watch-logs-role-arn ""`,
		Effect: engine.Additive,
	},
	Reads: []string{"cloudtrail.Trail.Logging", "cloudtrail.Trail.LogGroupARN", "cloudtrail.Trail.LogsDeliveryError", "cloudtrail.Trail.LastLogsDelivery", "cloudtrail.Trail.LastDelivery"},

	Organization: true, // the organization's trail belongs to another account

	// That the log group exists need not be asked: CloudTrail tells if it does not.
	Check: engine.EachWith(logsIntegrated{MaxAgeHours: 24, Scope: "any"}, func(v *engine.View, p *logsIntegrated, t *cloudtrail.Trail) engine.Verdict {
		if !t.Logging.Get() {
			return engine.NotApplicable("is not logging: there is nothing to deliver")
		}
		state := p.state(v, t)
		switch {
		case state == delivers:
			return engine.Pass()
		case p.Scope == "any" && engine.Everywhere[*cloudtrail.Trail](v).Any(func(other *cloudtrail.Trail) bool {
			return other != t && !facts.Either(
				func() bool { return !other.MultiRegion.Get() },
				func() bool { return !other.Logging.Get() },
				func() bool { return p.state(v, other) != delivers },
			)
		}):
			return engine.NotApplicable("another trail, which records all regions, delivers to CloudWatch Logs")
		case state == idle:
			return engine.Unsure(model.TooLittleData, fmt.Sprintf("has delivered nothing for %d hours, to its bucket neither", p.MaxAgeHours))
		case state == none:
			return engine.Fail("CloudWatchLogsLogGroupArn is not set: events go to a bucket only, where no alarm watches them. Give the trail a log group and a role")
		}
		return engine.Fail("delivers to "+t.LogGroupARN.Get()+" no longer: "+state+". Repair its role or its log group").With("latestCloudWatchLogsDeliveryError", t.LogsDeliveryError).
			With("latestCloudWatchLogsDeliveryTime", t.LastLogsDelivery).As(engine.Medium)
	}),
})

// What becomes of the events of a trail; anything else says why they do not come to CloudWatch Logs.
const (
	delivers = "delivers"
	none     = "has no log group"
	idle     = "delivers nothing to anywhere"
)

func (p *logsIntegrated) state(v *engine.View, t *cloudtrail.Trail) string {
	late := func(last time.Time) bool { return v.Now().Sub(last) > time.Duration(p.MaxAgeHours)*time.Hour }
	switch {
	case t.LogGroupARN.Get() == "":
		return none
	case t.LogsDeliveryError.Get() != "":
		return t.LogsDeliveryError.Get()
	case !late(t.LastLogsDelivery.Get()):
		return delivers
	case late(t.LastDelivery.Get()): // perhaps there was no event
		return idle
	case t.LastLogsDelivery.Get().IsZero():
		return "it never has"
	}
	return "the last events came " + t.LastLogsDelivery.Get().Format(time.DateTime)
}
