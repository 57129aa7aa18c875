package cloudwatch

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudwatch"
)

type hasActions struct {
	RequireOKAction               bool `json:"require_ok_action"`
	RequireInsufficientDataAction bool `json:"require_insufficient_data_action"`
}

func (p *hasActions) Reads() (reads []string) {
	if p.RequireOKAction {
		reads = append(reads, "cloudwatch.Alarm.OKActions")
	}
	if p.RequireInsufficientDataAction {
		reads = append(reads, "cloudwatch.Alarm.NoDataActions")
	}
	return reads
}

// parents finds the composite alarms that hear an alarm, by its name or ARN.
var parents = engine.NewIndex((*cloudwatch.Alarm).Children)

var _ = Rules.Add(engine.Rule{
	ID:       "cloudwatch-alarm-has-actions",
	Title:    "CloudWatch alarms do something, or reach somebody, when they go off",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.OperationalExcellence, engine.Reliability},
	Why: "An alarm without an action, with its actions switched off, or with a topic that nobody has subscribed to turns red in the console and nowhere else. " +
		"People count on it all the same, and learn of the failure from their customers.",
	Fix: engine.Fix{
		Text: "Give the alarm a topic with a confirmed subscription, or another action, and switch its actions on. If its topic reaches nobody, subscribe somebody; a subscription by mail must be confirmed by a link. Delete alarms that nobody wants to hear.",
		CLI: `# no single call adds an action: get the alarm, edit the copy down to what put-metric-alarm takes, put it back
aws cloudwatch describe-alarms --alarm-names <alarm> --query 'MetricAlarms[0]' > alarm.json
aws cloudwatch put-metric-alarm --cli-input-json file://<edited>.json
# if its actions are switched off
aws cloudwatch enable-alarm-actions --alarm-names <alarm>
# if its topic reaches nobody
aws sns subscribe --topic-arn <topic-arn> --protocol email --notification-endpoint <address>`,
		IaC: `# Terraform
resource "aws_cloudwatch_metric_alarm" "<name>" {
  actions_enabled = true
  alarm_actions   = [aws_sns_topic.<name>.arn]
}`,
		Breaks: "Nothing stops, but an alarm that goes off often wakes people from then on: look at its history first with describe-alarm-history. Actions may have been switched off on purpose, for maintenance.",
		Undo: `aws cloudwatch put-metric-alarm --cli-input-json file://<as-before>.json
# or, if they were switched off
aws cloudwatch disable-alarm-actions --alarm-names <alarm>`,
		Effect: engine.Replaces,
	},
	Reads: []string{"cloudwatch.Alarm.Description", "cloudwatch.Alarm.ActionsEnabled", "cloudwatch.Alarm.AlarmActions", "cloudwatch.Alarm.Rule", "cloudwatch.Alarm.Suppressor", "sns.Subscribers.Confirmed"},

	Check: engine.EachWith(hasActions{}, func(v *engine.View, p *hasActions, a *cloudwatch.Alarm) engine.Verdict {
		if a.TargetTracking() {
			return engine.Pass().Note("belongs to a target tracking scaling policy, which made it")
		}
		why := mute(v, a)
		if why == "" {
			switch {
			case p.RequireOKAction && len(a.OKActions.Get()) == 0:
				return engine.Fail("OKActions is empty: nobody is told when it is over. Add an action").With("okActions", a.OKActions)
			case p.RequireInsufficientDataAction && len(a.NoDataActions.Get()) == 0:
				return engine.Fail("InsufficientDataActions is empty: nobody is told when there is nothing to measure. Add an action").With("insufficientDataActions", a.NoDataActions)
			}
			return engine.Pass()
		}
		heard := func(name string) (*cloudwatch.Alarm, bool) {
			return parents.At(v, name).First(func(parent *cloudwatch.Alarm) bool { return parent != a })
		}
		for _, name := range []string{a.Name, a.ARN} {
			if parent, ok := heard(name); ok {
				return engine.Pass().Note("the composite alarm " + parent.Name + " hears it, and acts in its place")
			}
		}
		fail := engine.Fail("nothing happens when it goes off: "+why+". Let it reach somebody, or delete it").With("actionsEnabled", a.ActionsEnabled).With("alarmActions", a.AlarmActions)
		if actions := a.AlarmActions.Get(); a.ActionsEnabled.Get() && len(actions) > 0 {
			fail.FixKey = actions[0] // one subscription does for all its alarms
		}
		return fail
	}),
})
