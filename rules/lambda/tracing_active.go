package lambda

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/lambda"
)

type tracingActive struct {
	AcceptLayers []string `json:"accept_layers"` // globs of layer names
}

func (p *tracingActive) Validate() error { return engine.CheckGlobs("accept_layers", p.AcceptLayers) }

var _ = Rules.Add(engine.Rule{
	ID:       "lambda-tracing-active",
	Title:    "Lambda functions are traced",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Low,
	Pillars:  []engine.Pillar{engine.OperationalExcellence, engine.PerformanceEfficiency},
	Why: "When a request is slow or fails, a trace shows at once which of the functions, queues and databases on its way took the time, and how much of it was a cold start. Logs of single functions have to be " +
		"put together by hand for that, if they share an ID at all.",
	Fix: engine.Fix{
		Text: "Set the tracing mode to Active, which samples a request a second and 5 percent of the rest, and let the role of the function write to X-Ray. PassThrough only follows callers that sample. " +
			"Or add the layer of an OpenTelemetry distribution; names of other layers that trace belong into accept_layers.",
		CLI: `aws iam attach-role-policy --role-name <role> --policy-arn arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess
aws lambda update-function-configuration --function-name <function> --tracing-config Mode=Active`,
		IaC: `resource "aws_lambda_function" "<name>" {
  tracing_config {
    mode = "Active"
  }
}`,
		Breaks: "Nothing stops: without the permission there are just no traces. Traces are charged by number, after 100000 free ones a month; each takes a few milliseconds.",
		Undo:   `aws lambda update-function-configuration --function-name <function> --tracing-config Mode=PassThrough`,
		Effect: engine.Additive,
	},
	Reads: []string{"lambda.Function.Master", "lambda.Function.Tracing", "lambda.Function.Layers"},

	Check: engine.EachWith(tracingActive{AcceptLayers: []string{"AWSOpenTelemetryDistro*", "aws-otel-*", "opentelemetry-*", "Datadog-Extension*", "NewRelic*"}},
		func(_ *engine.View, p *tracingActive, f *lambda.Function) engine.Verdict {
			if why := replica(f); why != "" {
				return engine.NotApplicable(why)
			}
			if mode, _ := f.Tracing.Lookup(); mode == "Active" {
				return engine.Pass()
			}
			if len(p.AcceptLayers) > 0 {
				for _, arn := range f.Layers.Get() {
					if name := layerName(arn); engine.MatchAny(p.AcceptLayers, name) {
						return engine.Pass().Note("traced by the layer " + name)
					}
				}
			}
			if mode := f.Tracing.Get(); mode != "PassThrough" {
				return engine.Unsure(model.TooLittleData, "the tracing mode is "+mode)
			}
			return engine.Fail("the tracing mode is PassThrough: the function is traced only if its caller samples the request, and no layer traces it. Set it to Active").
				With("tracingMode", f.Tracing).With("layers", f.Layers)
		}),
})

// layerName returns the name in arn:aws:lambda:eu-central-1:184161586896:layer:opentelemetry-nodejs-0_13_0:1.
func layerName(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 {
		return arn
	}
	return parts[6]
}
