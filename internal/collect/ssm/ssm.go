// Package ssm collects from AWS Systems Manager.
package ssm

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/ssm"
)

func Calls(at collect.At) []collect.Call {
	c := ssm.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "ssm:DescribeParameters", // own ones, without values
		Lists: []model.Resource{&my.Parameter{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := ssm.NewDescribeParametersPaginator(c, &ssm.DescribeParametersInput{MaxResults: aws.Int32(50)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, p := range page.Parameters {
					name, arn := aws.ToString(p.Name), aws.ToString(p.ARN)
					if arn == "" && name != "" { // one that begins with a slash has it once
						arn = at.ARN("ssm", "parameter/"+strings.TrimPrefix(name, "/"))
					}
					parameter := &my.Parameter{
						Meta:        model.Meta{ID: name, ARN: arn, Name: name},
						Type:        model.FromString(p.Type),
						DataType:    model.FromString(aws.ToString(p.DataType)),
						Description: model.OrNone(p.Description),
						KMSKey:      model.FromString(aws.ToString(p.KeyId)), // a SecureString always has one
					}
					if p.Type == types.ParameterTypeString || p.Type == types.ParameterTypeStringList {
						parameter.KMSKey = model.OrNone(p.KeyId)
					}
					found(parameter)
				}
			}
			return nil
		}),
	}}
}
