// Package lambda collects from AWS Lambda.
package lambda

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/lambda"
)

func Calls(at collect.At) []collect.Call {
	c := lambda.NewFromConfig(at.Config)
	size := aws.Int32(50) // no page has more, whatever one asks for
	// Of replicas of Lambda@Edge there is nothing to ask: they are as their master is, and nobody can change them.
	own := collect.If(func(f *my.Function) bool { return f.Master.Get() == "" })
	return []collect.Call{{
		Op:    "lambda:ListFunctions",
		Lists: []model.Resource{&my.Function{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, lambda.NewListFunctionsPaginator(c, &lambda.ListFunctionsInput{MaxItems: size}), func(page *lambda.ListFunctionsOutput) {
				for _, f := range page.Functions {
					found(function(f))
				}
			})
		}),
	}, {
		Op:     "lambda:GetPolicy",
		Needs:  []string{"lambda.Function.Master"},
		When:   own,
		Absent: []string{"ResourceNotFoundException"},
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) error {
			out, err := c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &f.ID})
			if err != nil {
				return err
			}
			f.Policy = model.FromPtr(out.Policy)
			return nil
		}),
	}, {
		Op:    "lambda:ListAliases",
		Needs: []string{"lambda.Function.Master"},
		When:  own,
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) error {
			aliases := []my.Alias{}
			err := collect.Each(ctx, lambda.NewListAliasesPaginator(c, &lambda.ListAliasesInput{FunctionName: &f.ID, MaxItems: size}), func(page *lambda.ListAliasesOutput) {
				for _, a := range page.Aliases {
					versions := []string{aws.ToString(a.FunctionVersion)}
					if a.RoutingConfig != nil {
						versions = append(versions, slices.Sorted(maps.Keys(a.RoutingConfig.AdditionalVersionWeights))...)
					}
					aliases = append(aliases, my.Alias{Name: aws.ToString(a.Name), Versions: versions})
				}
			})
			f.Aliases = model.Known(aliases)
			return err
		}),
	}, {
		Op:    "lambda:GetPolicy#aliases",
		Needs: []string{"lambda.Function.Master", "lambda.Function.Aliases"},
		When:  collect.If(func(f *my.Function) bool { return f.Master.Get() == "" && len(f.Aliases.Get()) > 0 }),
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) (err error) {
			var names []string
			for _, a := range f.Aliases.Get() {
				names = append(names, a.Name)
			}
			f.AliasPolicies, err = policies(ctx, c, f, names)
			return err
		}),
	}, {
		Op:    "lambda:ListVersionsByFunction",
		Needs: []string{"lambda.Function.Master"},
		When:  own,
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) error {
			versions := []my.Version{}
			err := collect.Each(ctx, lambda.NewListVersionsByFunctionPaginator(c, &lambda.ListVersionsByFunctionInput{FunctionName: &f.ID, MaxItems: size}), func(page *lambda.ListVersionsByFunctionOutput) {
				for _, v := range page.Versions {
					if n := aws.ToString(v.Version); n != my.Latest {
						versions = append(versions, my.Version{Number: n, Runtime: string(v.Runtime), DeadLetterTarget: deadLetterTarget(v)})
					}
				}
			})
			f.Versions = model.Known(versions)
			return err
		}),
	}, {
		Op:    "lambda:GetPolicy#versions",
		Needs: []string{"lambda.Function.Master", "lambda.Function.Versions"},
		When:  collect.If(func(f *my.Function) bool { return f.Master.Get() == "" && len(f.Versions.Get()) > 0 }),
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) (err error) {
			var numbers []string
			for _, v := range f.Versions.Get() {
				numbers = append(numbers, v.Number)
			}
			f.VersionPolicies, err = policies(ctx, c, f, numbers)
			return err
		}),
	}, {
		Op:    "lambda:ListFunctionUrlConfigs",
		Needs: []string{"lambda.Function.Master"},
		When:  own,
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) error {
			urls := []my.URL{}
			err := collect.Each(ctx, lambda.NewListFunctionUrlConfigsPaginator(c, &lambda.ListFunctionUrlConfigsInput{FunctionName: &f.ID, MaxItems: size}), func(page *lambda.ListFunctionUrlConfigsOutput) {
				for _, u := range page.FunctionUrlConfigs {
					url := my.URL{Qualifier: my.Qualifier(aws.ToString(u.FunctionArn)), URL: aws.ToString(u.FunctionUrl), AuthType: string(u.AuthType)}
					if u.Cors != nil {
						url.Origins, url.Credentials = u.Cors.AllowOrigins, aws.ToBool(u.Cors.AllowCredentials)
					}
					urls = append(urls, url)
				}
			})
			f.URLs = model.Known(urls)
			return err
		}),
	}, {
		Op:    "lambda:ListFunctionEventInvokeConfigs",
		Needs: []string{"lambda.Function.Master"},
		When:  own,
		Do: collect.PerItem(func(ctx context.Context, f *my.Function) error {
			configs := []my.EventConfig{}
			err := collect.Each(ctx, lambda.NewListFunctionEventInvokeConfigsPaginator(c, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &f.ID, MaxItems: size}), func(page *lambda.ListFunctionEventInvokeConfigsOutput) {
				for _, e := range page.FunctionEventInvokeConfigs {
					config := my.EventConfig{Qualifier: my.Qualifier(aws.ToString(e.FunctionArn))}
					if d := e.DestinationConfig; d != nil && d.OnFailure != nil {
						config.OnFailure = aws.ToString(d.OnFailure.Destination)
					}
					configs = append(configs, config)
				}
			})
			f.EventConfigs = model.Known(configs)
			return err
		}),
	}}
}

// policies asks for the policy of each alias or version of a function. That one has none says nothing of the others, so it
// cannot be left to the driver, which knows functions only.
func policies(ctx context.Context, c *lambda.Client, f *my.Function, qualifiers []string) (unknown model.Attr[[]my.Policy], err error) {
	out := []my.Policy{}
	for _, q := range qualifiers {
		p := my.Policy{Qualifier: q}
		answer, err := c.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &f.ID, Qualifier: &q})
		var none *types.ResourceNotFoundException
		switch {
		case err == nil && answer.Policy == nil:
			return unknown, nil
		case err == nil:
			p.Text = *answer.Policy
		case !errors.As(err, &none):
			return unknown, err
		}
		out = append(out, p)
	}
	return model.Known(out), nil
}

func function(f types.FunctionConfiguration) *my.Function {
	name := aws.ToString(f.FunctionName)
	out := &my.Function{
		Meta:             model.Meta{ID: name, ARN: aws.ToString(f.FunctionArn), Name: name},
		PackageType:      model.FromString(f.PackageType),
		Runtime:          model.FromString(f.Runtime),
		Role:             model.FromPtr(f.Role),
		TimeoutSeconds:   model.FromInt(f.Timeout),
		MemoryMiB:        model.FromInt(f.MemorySize),
		KMSKey:           model.OrNone(f.KMSKeyArn),
		Layers:           model.Known([]string{}),
		DeadLetterTarget: model.Known(deadLetterTarget(f)),
		VPC:              model.Known(""),
		Subnets:          model.Known([]string{}),
		SecurityGroups:   model.Known([]string{}),
		Master:           model.OrNone(f.MasterArn),
		Variables:        model.Known([]string{}),
	}
	if f.PackageType == types.PackageTypeImage {
		out.Runtime = model.Known(string(f.Runtime))
	}
	if f.Architectures != nil {
		architectures := []string{}
		for _, a := range f.Architectures {
			architectures = append(architectures, string(a))
		}
		out.Architectures = model.Known(architectures)
	}
	if t, err := time.Parse("2006-01-02T15:04:05.999-0700", aws.ToString(f.LastModified)); err == nil {
		out.Modified = model.Known(t.UTC())
	}
	switch e := f.Environment; {
	case e != nil && e.Error != nil: // the key of the variables cannot be used, and nothing of them is told
		out.Variables = model.Attr[[]string]{}
	case e != nil:
		out.Variables = model.Known(slices.Sorted(maps.Keys(e.Variables)))
	}
	for _, l := range f.Layers {
		out.Layers = model.Known(append(out.Layers.Get(), aws.ToString(l.Arn)))
	}
	if f.TracingConfig != nil {
		out.Tracing = model.FromString(f.TracingConfig.Mode)
	}
	if v := f.VpcConfig; v != nil {
		out.VPC, out.Subnets, out.SecurityGroups = model.OrNone(v.VpcId), model.Known(v.SubnetIds), model.Known(v.SecurityGroupIds)
	}
	if l := f.LoggingConfig; l != nil {
		out.LogFormat, out.LogGroup = model.FromString(l.LogFormat), model.FromPtr(l.LogGroup)
		out.ApplicationLevel, out.SystemLevel = model.Known(string(l.ApplicationLogLevel)), model.Known(string(l.SystemLogLevel))
	}
	if f.SnapStart != nil {
		out.SnapStart = model.FromString(f.SnapStart.ApplyOn)
	}
	return out
}

// deadLetterTarget returns the queue or topic for failed events, which Lambda leaves out if there is none.
func deadLetterTarget(f types.FunctionConfiguration) string {
	if f.DeadLetterConfig == nil {
		return ""
	}
	return aws.ToString(f.DeadLetterConfig.TargetArn)
}
