package lambda

import (
	"fmt"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/lambda"
	"awsscanner/internal/model/sqs"
)

type asyncFailure struct {
	Strict bool `json:"strict"` // functions that no service invokes asynchronously, too
}

// asynchronous are the services that hand events over without waiting for the answer, and need a policy for it. Sources: Lambda
// Developer Guide, "Invoking Lambda with events from other AWS services"; CloudWatch User Guide, "Alarm actions".
var asynchronous = []string{"codecommit", "config", "events", "iot", "lambda.alarms.cloudwatch", "logs", "s3", "ses", "sns"}

var _ = Rules.Add(engine.Rule{
	ID:       "lambda-async-failure-destination",
	Title:    "Asynchronously invoked Lambda functions keep failed events",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Pillars:  []engine.Pillar{engine.Reliability, engine.OperationalExcellence},
	Why: "An event from S3, SNS or EventBridge that the function fails to process is tried twice more within minutes, and is then dropped: the sender was long told that all is well. An hour with a bug or a database " +
		"that is down loses the events of that hour, unless something keeps them.",
	Fix: engine.Fix{
		Text: "Name an SQS queue as the destination on failure, and let an alarm watch it. A destination gets the event together with the error, a dead-letter queue the event alone. It is set for the function or the alias that the " +
			"service invokes. The role of the function must be allowed to send to it.",
		CLI: `aws lambda put-function-event-invoke-config --function-name <function> --destination-config '{"OnFailure":{"Destination":"<queue-arn>"}}'   # --qualifier <alias>
# or, from the next version on
aws lambda update-function-configuration --function-name <function> --dead-letter-config TargetArn=<queue-arn>`,
		IaC: `resource "aws_lambda_function_event_invoke_config" "<name>" {
  function_name = aws_lambda_function.<name>.function_name
  destination_config {
    on_failure {
      destination = aws_sqs_queue.<name>.arn
    }
  }
}`,
		Breaks: "Nothing stops. put-function-event-invoke-config takes the place of all that was set for asynchronous invocation before: look with get-function-event-invoke-config, and use update-function-event-invoke-config if there is something.",
		Undo:   `aws lambda update-function-event-invoke-config --function-name <function> --destination-config '{"OnFailure":{}}'`,
		Effect: engine.Additive,
	},
	Reads: []string{"lambda.Function.Master", "lambda.Function.Policy", "lambda.Function.Aliases", "lambda.Function.AliasPolicies", "lambda.Function.EventConfigs", "lambda.Function.DeadLetterTarget",
		"lambda.Function.Versions", "sqs.Queue"},

	Check: engine.EachWith(asyncFailure{}, func(v *engine.View, p *asyncFailure, f *lambda.Function) engine.Verdict {
		if why := replica(f); why != "" {
			return engine.NotApplicable(why)
		}
		var lost []string
		sources := 0
		fails := attached(f, false).Count(func(policy func() granting) bool {
			g := policy()
			services := senders(g)
			if len(services) == 0 && !(p.Strict && g.qualifier == "") {
				return false
			}
			sources++
			why := loses(v, f, g.qualifier)
			if why == "" {
				return false
			}
			from := "events"
			if len(services) > 0 {
				from += " from " + strings.Join(services, ", ")
			}
			lost = append(lost, fmt.Sprintf("%s to %s: %s", from, g.of(), why))
			return true
		}).AtLeast(1)
		switch {
		case fails:
			return engine.Fail(join(lost)+". Name a queue as the destination on failure").With("deadLetterTarget", f.DeadLetterTarget).With("eventInvokeConfigs", f.EventConfigs)
		case sources == 0:
			return engine.NotApplicable("neither its policy nor that of an alias lets a service invoke it asynchronously")
		}
		return engine.Pass()
	}),
})

// senders returns the services that a policy lets invoke a function asynchronously: logs.amazonaws.com, or that of a region.
func senders(g granting) (services []string) {
	for _, s := range g.doc.Statements {
		if s.Deny || s.Principals == nil || s.Principals.Not {
			continue
		}
		for _, principal := range s.Principals.Service {
			name, _, _ := strings.Cut(principal, ".amazonaws.com")
			if strings.HasPrefix(name, "logs.") {
				name = "logs"
			}
			if slices.Contains(asynchronous, name) && !slices.Contains(services, principal) {
				services = append(services, principal)
			}
		}
	}
	slices.Sort(services)
	return services
}

// loses says why a failed event to a function or an alias of it is lost, or "". Events for an alias are treated as the alias says,
// or else as the version behind it, which has its dead-letter queue from when it was published.
func loses(v *engine.View, f *lambda.Function, qualifier string) string {
	for _, c := range f.EventConfigs.Get() {
		if c.Qualifier == qualifier && c.OnFailure != "" {
			return missing(v, "the destination on failure", c.OnFailure)
		}
	}
	for _, version := range behind(f, qualifier) {
		target := f.DeadLetterTarget.Get
		if version != lambda.Latest {
			target = func() string { return published(f, version) }
		}
		if target() == "" {
			return "no destination on failure and no dead-letter queue keeps those that fail"
		}
		if why := missing(v, "the dead-letter queue", target()); why != "" {
			return why
		}
	}
	return ""
}

// behind returns the versions that a function or an alias leads to.
func behind(f *lambda.Function, qualifier string) []string {
	if qualifier == "" {
		return []string{lambda.Latest}
	}
	for _, a := range f.Aliases.Get() {
		if a.Name == qualifier {
			return a.Versions
		}
	}
	return nil
}

// published returns the dead-letter target of a version.
func published(f *lambda.Function, number string) string {
	for _, v := range f.Versions.Get() {
		if v.Number == number {
			return v.DeadLetterTarget
		}
	}
	panic(tooLittle("lambda:ListVersionsByFunction", "there is an alias of version "+number+", which is not listed"))
}

// missing says that a target does not exist, or "". Of topics, buses and buckets nobody knows here.
func missing(v *engine.View, what, target string) string {
	arn, ok := model.ParseARN(target)
	if !ok || arn.Service != "sqs" {
		return ""
	}
	if _, exists := engine.Find[*sqs.Queue](v, target); !exists {
		return what + " " + target + " does not exist"
	}
	return ""
}
