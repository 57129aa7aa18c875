package lambda

import (
	"errors"
	"fmt"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/lambda"
)

type runtimeSupported struct {
	WarnDays int               `json:"warn_days"`
	EndDates map[string]string `json:"end_dates"` // runtime -> date, where AWS has changed it since
}

func (p *runtimeSupported) Validate() error {
	if p.WarnDays < 0 {
		return errors.New("warn_days must not be negative")
	}
	for runtime, date := range p.EndDates {
		if _, err := time.Parse(time.DateOnly, date); err != nil || runtime == "" {
			return fmt.Errorf("end_dates says %q of runtime %q, but should say a date like 2027-06-30", date, runtime)
		}
	}
	return nil
}

// ends returns when a runtime ends, "" if that is not scheduled; ok is false if it is not known.
func (p *runtimeSupported) ends(runtime string) (date string, ok bool) {
	if date, ok = p.EndDates[runtime]; !ok {
		date, ok = lambda.Runtimes.Ends[runtime]
	}
	return date, ok
}

var _ = Rules.Add(engine.Rule{
	ID:       "lambda-runtime-supported",
	Title:    "Lambda functions use supported runtimes",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence, engine.Reliability},
	Why: "From its deprecation date on a runtime gets no more security patches and no support, so that each hole found in the language or the operating system stays open. Some months later the function can no " +
		"longer be updated at all: not even to put right what fails.",
	Fix: engine.Fix{
		Text: "Test the function with a current runtime, with its dependencies and layers rebuilt for it, then change the runtime together with the code. An alias lets you move the traffic over bit by bit, and back. " +
			"For Go use provided.al2023 with a binary called bootstrap.",
		CLI: `aws lambda update-function-configuration --function-name <function> --runtime <runtime>
aws lambda wait function-updated-v2 --function-name <function>
aws lambda update-function-code --function-name <function> --zip-file fileb://<package>.zip`,
		IaC: `resource "aws_lambda_function" "<name>" {
  runtime = "python3.13"
}`,
		Breaks: "Code that uses what the language has dropped, native libraries that were built for an older Amazon Linux, and versions of the AWS SDK that come with the runtime: Node.js 18 and later have only version 3. " +
			"Between the two commands the old code runs on the new runtime: publish a version first and let the callers' alias point to it.",
		Undo: `aws lambda update-function-configuration --function-name <function> --runtime <before>
That works as long as Lambda does not block updates to it. Otherwise point the alias back at the version that was published before.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"lambda.Function.Master", "lambda.Function.PackageType", "lambda.Function.Runtime", "lambda.Function.Modified"},

	// The API does not tell when a runtime ends: internal/model/lambda/runtimes.json does.
	Check: engine.EachWith(runtimeSupported{WarnDays: 90, EndDates: map[string]string{}}, func(v *engine.View, p *runtimeSupported, f *lambda.Function) engine.Verdict {
		if why := replica(f); why != "" {
			return engine.NotApplicable(why)
		}
		if f.PackageType.Get() == "Image" {
			return engine.NotApplicable("is a container image: its runtime is inside")
		}
		runtime := f.Runtime.Get()
		date, ok := p.ends(runtime)
		if !ok {
			return engine.Unsure(model.TooLittleData, fmt.Sprintf("runtime %s is not in the table of %s: say in end_dates when it ends", runtime, lambda.Runtimes.Date))
		}
		if date == "" {
			return engine.Pass()
		}
		end, err := time.Parse(time.DateOnly, date)
		if err != nil {
			return engine.Unsure(model.TooLittleData, err.Error())
		}
		left := end.Sub(v.Now().UTC().Truncate(24*time.Hour)) / (24 * time.Hour)
		switch {
		case left <= 0:
			return engine.Fail(fmt.Sprintf("runtime %s is deprecated since %s: it gets no more security patches. Move to a current one", runtime, date)).
				With("runtime", f.Runtime).With("deprecated", date).With("lastModified", f.Modified).With("datesAsOf", lambda.Runtimes.Date)
		case int(left) <= p.WarnDays:
			return engine.Fail(fmt.Sprintf("runtime %s will be deprecated on %s, in %d days. Move to a current one", runtime, date, left)).
				With("runtime", f.Runtime).With("deprecated", date).With("lastModified", f.Modified).With("datesAsOf", lambda.Runtimes.Date).As(engine.Low)
		}
		return engine.Pass()
	}),
})
