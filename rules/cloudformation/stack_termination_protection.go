package cloudformation

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudformation"
)

type terminationProtection struct {
	ExemptTags engine.TagGlobs `json:"exempt_tags"`
}

func (p *terminationProtection) Validate() error { return p.ExemptTags.Check("exempt_tags") }

var _ = Rules.Add(engine.Rule{
	ID:       "cloudformation-stack-termination-protection",
	Title:    "Root stacks have termination protection",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.Reliability, engine.OperationalExcellence},
	Why: "One call, or one click on the wrong line, deletes a stack with all that it holds and does not retain: databases, buckets, networks. " +
		"With termination protection the deletion is refused until somebody has taken the protection away on purpose.",
	Fix: engine.Fix{
		Text:   "Turn on termination protection for the root stack: nested stacks follow it. Tag stacks that come and go, and name the tag in exempt_tags.",
		CLI:    `aws cloudformation update-termination-protection --stack-name <stack> --enable-termination-protection`,
		IaC:    `# No template can say it of its own stack: use the command or, with the AWS CDK, new MyStack(app, "<name>", { terminationProtection: true }).`,
		Breaks: "Pipelines and scripts that delete the stack are refused from then on, cdk destroy among them: search them for deletions of this stack first. Updates go on as before.",
		Undo:   "aws cloudformation update-termination-protection --stack-name <stack> --no-enable-termination-protection",
		Effect: engine.Additive,
	},
	Reads: []string{"cloudformation.Stack.Status", "cloudformation.Stack.Root", "cloudformation.Stack.Protected", "cloudformation.Stack.Tags"},

	Check: engine.EachWith(terminationProtection{ExemptTags: engine.TagGlobs{"environment": {"dev", "sandbox", "test"}}},
		func(_ *engine.View, p *terminationProtection, s *cloudformation.Stack) engine.Verdict {
			if why := beside(s); why != "" {
				return engine.NotApplicable(why)
			}
			if s.Protected.Get() {
				return engine.Pass()
			}
			if tag := p.ExemptTags.Find(s.Tags); tag != "" {
				return engine.NotApplicable("has the tag " + tag + " of exempt_tags")
			}
			return engine.Fail("EnableTerminationProtection is false: one call deletes the stack and all in it that is not retained. Turn it on").With("enableTerminationProtection", s.Protected)
		}),
})
