// Package guardduty collects from Amazon GuardDuty.
package guardduty

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/guardduty"
)

func Calls(at collect.At) []collect.Call {
	c := guardduty.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "guardduty:ListDetectors",
		Lists: []model.Resource{&my.Detector{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := guardduty.NewListDetectorsPaginator(c, &guardduty.ListDetectorsInput{MaxResults: aws.Int32(50)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, id := range page.DetectorIds {
					found(&my.Detector{Meta: model.Meta{ID: id, ARN: at.ARN("guardduty", "detector/"+id)}})
				}
			}
			return nil
		}),
	}, {
		Op: "guardduty:GetDetector",
		Do: collect.PerItem(func(ctx context.Context, d *my.Detector) error {
			out, err := c.GetDetector(ctx, &guardduty.GetDetectorInput{DetectorId: &d.ID})
			if err != nil {
				return err
			}
			d.Status = model.FromString(out.Status)
			d.Frequency = model.FromString(out.FindingPublishingFrequency)
			if t, err := time.Parse(time.RFC3339, aws.ToString(out.CreatedAt)); err == nil {
				d.Created = model.Known(t)
			}
			if out.Status == "" {
				return nil // an answer without it says nothing of features and tags either
			}
			d.Tags = model.Known(out.Tags)
			features := map[string]bool{}
			for _, f := range out.Features {
				features[string(f.Name)] = f.Status == types.FeatureStatusEnabled
				for _, a := range f.AdditionalConfiguration {
					features[string(f.Name)+"/"+string(a.Name)] = a.Status == types.FeatureStatusEnabled
				}
			}
			if out.Features != nil {
				d.Features = model.Known(features)
			}
			return nil
		}),
	}, {
		Op:    "guardduty:GetAdministratorAccount", // who alone can turn a suspended detector on again; of others nobody asks
		Needs: []string{"guardduty.Detector.Status"},
		When:  collect.If(func(d *my.Detector) bool { return d.Status.Get() == string(types.DetectorStatusDisabled) }),
		Do: collect.PerItem(func(ctx context.Context, d *my.Detector) error {
			out, err := c.GetAdministratorAccount(ctx, &guardduty.GetAdministratorAccountInput{DetectorId: &d.ID})
			if err != nil {
				return err
			}
			if out.Administrator == nil { // left out if there is none
				d.Administrator = model.Known("")
			} else {
				d.Administrator = model.FromPtr(out.Administrator.AccountId)
			}
			return nil
		}),
	}}
}
