package cloudformation

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model/cloudformation"
)

type notification struct {
	RequireConfirmedSubscription bool `json:"require_confirmed_subscription"`
}

func (p *notification) Reads() []string {
	if p.RequireConfirmedSubscription {
		return []string{"sns.Subscribers.Confirmed"}
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "cloudformation-stack-notification",
	Title:    "Root stacks send their events to an SNS topic that somebody receives",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.OperationalExcellence, engine.Security},
	Why: "A deployment that fails at night, or a change that nobody announced, is seen only by who happens to look at the console. " +
		"With a topic each event of a stack comes to the people, or the chat, that answer for it.",
	Fix: engine.Fix{
		Text: "Give the root stack a topic with a confirmed subscription: nested stacks send theirs along. Where EventBridge rules on CloudFormation Stack Status Change do the same for all stacks, exclude this rule, which does not see them.",
		CLI: `aws sns list-subscriptions-by-topic --topic-arn <topic-arn>
aws cloudformation update-stack --stack-name <stack> --use-previous-template --notification-arns <topic-arn>... --parameters ParameterKey=<key>,UsePreviousValue=true... --capabilities <as-before>`,
		IaC: `# No template can say it of its own stack: name the topics with each deployment (aws cloudformation deploy --notification-arns). Terraform, of a stack that it manages
resource "aws_cloudformation_stack" "<name>" {
  name              = "<stack>"
  notification_arns = ["<topic-arn>"]
}`,
		Breaks: "An update without other changes is made at once and touches no resource. Parameters that are not named fall back to their defaults: name each with UsePreviousValue. Each event is a message: use a filter, or a topic of its own.",
		Undo: `The same update with the topics that the stack had before, or with none:
aws cloudformation update-stack --stack-name <stack> --use-previous-template --notification-arns '[]' --parameters ParameterKey=<key>,UsePreviousValue=true... --capabilities <as-before>`,
		Effect: engine.Additive,
	},
	Reads: []string{"cloudformation.Stack.Status", "cloudformation.Stack.Root", "cloudformation.Stack.Topics"},

	Check: engine.EachWith(notification{RequireConfirmedSubscription: true}, func(v *engine.View, p *notification, s *cloudformation.Stack) engine.Verdict {
		if why := beside(s); why != "" {
			return engine.NotApplicable(why)
		}
		topics := s.Topics.Get()
		if len(topics) == 0 {
			return engine.Fail("NotificationARNs is empty: nobody is told what becomes of the stack. Give it a topic")
		}
		heard := engine.Of(topics).Any(func(topic string) bool { return !p.RequireConfirmedSubscription || facts.Unheard(v, topic) == "" })
		if heard {
			return engine.Pass()
		}
		var texts []string
		for _, topic := range topics {
			texts = append(texts, topic+" "+facts.Unheard(v, topic))
		}
		fail := engine.Fail("nobody receives the events of the stack: "+strings.Join(texts, "; ")+". Subscribe somebody to it").With("notificationARNs", s.Topics)
		fail.FixKey = topics[0] // one subscription does for all its stacks
		return fail
	}),
})
