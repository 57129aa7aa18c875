// Package kms collects from AWS Key Management Service.
package kms

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/kms"
)

func Calls(at collect.At) []collect.Call {
	c := kms.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:     "kms:DescribeKey",
		Lists:  []model.Resource{&my.Key{}},
		Abroad: true,
		Absent: []string{"NotFoundException"},
		Do: collect.ByReference("AWS::KMS::Key", 1, func(ref string) bool { return !my.AWSManaged(ref) },
			func(ctx context.Context, refs []string, found collect.Found) error {
				out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &refs[0]}, func(o *kms.Options) {
					if arn, ok := model.ParseARN(refs[0]); ok { // to any other region KMS would say that there is no such key
						o.Region = cmp.Or(arn.Region, o.Region)
					}
				})
				if err != nil {
					return err
				}
				if out.KeyMetadata == nil {
					found(&my.Key{}) // always there: without it the answer says nothing
					return nil
				}
				k := out.KeyMetadata
				arn, _ := model.ParseARN(aws.ToString(k.Arn))
				key := &my.Key{
					Meta:         model.Meta{ID: aws.ToString(k.KeyId), ARN: aws.ToString(k.Arn), Account: arn.Account, Region: arn.Region},
					State:        model.FromString(k.KeyState),
					Manager:      model.FromString(k.KeyManager),
					DeletionDate: model.FromPtr(k.DeletionDate),
				}
				if k.KeyState != "" && k.KeyState != types.KeyStatePendingDeletion {
					key.DeletionDate = model.OrNone(k.DeletionDate)
				}
				found(key)
				return nil
			}),
	}}
}
