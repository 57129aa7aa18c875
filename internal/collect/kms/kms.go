// Package kms collects from AWS Key Management Service.
package kms

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/kms"
)

func Calls(at collect.At) []collect.Call {
	c := kms.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "kms:ListKeys",
		Lists: []model.Resource{&my.Key{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := kms.NewListKeysPaginator(c, &kms.ListKeysInput{Limit: aws.Int32(1000)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, k := range page.Keys {
					found(&my.Key{Meta: model.Meta{ID: aws.ToString(k.KeyId), ARN: aws.ToString(k.KeyArn)}})
				}
			}
			return nil
		}),
	}, {
		Op:     "kms:DescribeKey",
		Lists:  []model.Resource{&my.Key{}},
		Abroad: true,
		Absent: []string{"NotFoundException"},
		Do: collect.ByReference("AWS::KMS::Key", 1, func(ref string) bool { return !my.AWSManaged(ref) },
			func(ctx context.Context, refs []string, found collect.Found) error {
				out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &refs[0]}, inRegionOf(refs[0]))
				if err != nil {
					return err
				}
				if out.KeyMetadata == nil {
					found(&my.Key{}) // always there: without it the answer says nothing
					return nil
				}
				found(metadata(out.KeyMetadata))
				return nil
			}),
	}, {
		Op:    "kms:GetKeyPolicy",
		Needs: []string{"kms.Key.Manager"},
		When:  collect.If(func(k *my.Key) bool { return k.Account == at.Account && k.Manager.Get() == "CUSTOMER" }), // it does not tell of keys of others
		Do: collect.PerItem(func(ctx context.Context, k *my.Key) error {
			// A key has one policy. KMS takes its name for granted; endpoints that only resemble it do not.
			out, err := c.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &k.ARN, PolicyName: aws.String("default")}, inRegionOf(k.ARN))
			if err == nil {
				k.Policy = model.FromPtr(out.Policy)
			}
			return err
		}),
	}, {
		Op:    "kms:GetKeyRotationStatus",
		Needs: []string{"kms.Key.Manager", "kms.Key.State", "kms.Key.Spec", "kms.Key.Origin", "kms.Key.PrimaryARN"},
		When: collect.If(func(k *my.Key) bool {
			return k.Account == at.Account && k.Manager.Get() == "CUSTOMER" && k.CannotRotate() == ""
		}),
		Do: collect.PerItem(func(ctx context.Context, k *my.Key) error {
			told := false
			out, err := c.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: &k.ARN}, inRegionOf(k.ARN), tells(`"KeyRotationEnabled"`, &told))
			if err != nil || !told {
				return err
			}
			k.Rotates, k.RotationDays = model.Known(out.KeyRotationEnabled), model.Known(0)
			if out.KeyRotationEnabled { // "the default value is 365 days", and was the only one until 2024. Source: API reference, GetKeyRotationStatus
				k.RotationDays = model.Known(int(cmp.Or(aws.ToInt32(out.RotationPeriodInDays), 365)))
			}
			return nil
		}),
	}}
}

// tells looks for a member in the answer: of one that the SDK keeps as a bool it makes false if it is not there.
func tells(member string, told *bool) func(*kms.Options) {
	return func(o *kms.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error {
			return s.Deserialize.Add(middleware.DeserializeMiddlewareFunc("tells", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
				middleware.DeserializeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleDeserialize(ctx, in)
				if response, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil {
					var body []byte
					if body, err = io.ReadAll(response.Body); err == nil {
						*told = bytes.Contains(body, []byte(member))
						err = response.Body.Close()
					}
					response.Body = io.NopCloser(bytes.NewReader(body))
				}
				return out, metadata, err
			}), middleware.After)
		})
	}
}

// inRegionOf sends a request to the region of a key: to any other one KMS would say that there is no such key.
func inRegionOf(ref string) func(*kms.Options) {
	return func(o *kms.Options) {
		if arn, ok := model.ParseARN(ref); ok {
			o.Region = cmp.Or(arn.Region, o.Region)
		}
	}
}

func metadata(k *types.KeyMetadata) *my.Key {
	arn, _ := model.ParseARN(aws.ToString(k.Arn))
	out := &my.Key{
		Meta:         model.Meta{ID: aws.ToString(k.KeyId), ARN: aws.ToString(k.Arn), Account: arn.Account, Region: arn.Region},
		State:        model.FromString(k.KeyState),
		Manager:      model.FromString(k.KeyManager),
		DeletionDate: model.FromPtr(k.DeletionDate),
		DeletionDays: days(k.PendingDeletionWindowInDays),
		Created:      model.FromPtr(k.CreationDate),
		Spec:         model.FromString(k.KeySpec),
		Usage:        model.FromString(k.KeyUsage),
		Origin:       model.FromString(k.Origin),
		MultiRegion:  model.FromPtr(k.MultiRegion),
	}
	if k.KeyState != "" && k.KeyState != types.KeyStatePendingDeletion {
		out.DeletionDate = model.OrNone(k.DeletionDate)
	}
	if k.KeyState != "" && k.KeyState != types.KeyStatePendingReplicaDeletion {
		out.DeletionDays = model.Known(0)
	}
	if k.MultiRegion == nil && k.MultiRegionConfiguration == nil && isUUID(out.ID) {
		out.MultiRegion = model.Known(false)
	}
	if m := k.MultiRegionConfiguration; m != nil && m.PrimaryKey != nil {
		out.PrimaryARN = model.FromPtr(m.PrimaryKey.Arn)
	} else if multi, known := out.MultiRegion.Lookup(); known && !multi {
		out.PrimaryARN = model.Known("")
	}
	return out
}

// isUUID reports whether a key ID is one like most: those of multi-Region keys begin with mrk-, which tells them apart where nothing else
// is told. Source: KMS Developer Guide, "Multi-Region keys in AWS KMS".
func isUUID(id string) bool {
	return len(id) == 36 && strings.Count(id, "-") == 4 && !strings.HasPrefix(id, "mrk-")
}

func days(n *int32) (unknown model.Attr[int]) {
	if n == nil {
		return unknown
	}
	return model.Known(int(*n))
}
