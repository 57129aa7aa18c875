// Package secretsmanager collects from AWS Secrets Manager. It asks for no value of any secret.
package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/secretsmanager"
)

func Calls(at collect.At) []collect.Call {
	c := secretsmanager.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "secretsmanager:ListSecrets",
		Lists: []model.Resource{&my.Secret{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			// Secrets that are scheduled for deletion can be restored, and still need their key.
			pages := secretsmanager.NewListSecretsPaginator(c, &secretsmanager.ListSecretsInput{IncludePlannedDeletion: aws.Bool(true), MaxResults: aws.Int32(100)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, s := range page.SecretList {
					found(secret(s))
				}
			}
			return nil
		}),
	}}
}

// secret copies what the list tells. What does not apply is left out. Sources: API reference, SecretListEntry, and for RotationEnabled,
// which is left out if rotation was never configured, DescribeSecret.
func secret(s types.SecretListEntry) *my.Secret {
	name := aws.ToString(s.Name)
	out := &my.Secret{
		Meta:          model.Meta{ID: name, ARN: aws.ToString(s.ARN), Name: name},
		KMSKey:        model.OrNone(s.KmsKeyId),
		Rotates:       model.OrNone(s.RotationEnabled),
		RotationDays:  model.Known(0),
		Schedule:      model.Known(""),
		OwningService: model.OrNone(s.OwningService),
		PrimaryRegion: model.OrNone(s.PrimaryRegion),
		Created:       model.FromPtr(s.CreatedDate),
		Deleted:       model.OrNone(s.DeletedDate),
		LastAccessed:  model.OrNone(s.LastAccessedDate),
		LastChanged:   model.FromPtr(s.LastChangedDate),
		LastRotated:   model.OrNone(s.LastRotatedDate),
		NextRotation:  model.OrNone(s.NextRotationDate),
	}
	if r := s.RotationRules; r != nil {
		out.Schedule = model.OrNone(r.ScheduleExpression)
		if r.AutomaticallyAfterDays != nil {
			out.RotationDays = model.Known(int(*r.AutomaticallyAfterDays))
		}
	}
	tags := map[string]string{}
	for _, t := range s.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	out.Tags = model.Known(tags)
	return out
}
