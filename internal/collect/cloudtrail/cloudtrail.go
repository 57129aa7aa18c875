// Package cloudtrail collects from AWS CloudTrail.
package cloudtrail

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/cloudtrail"
)

func Calls(at collect.At) []collect.Call {
	c := cloudtrail.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:     "cloudtrail:DescribeTrails", // has no pages
		Lists:  []model.Resource{&my.Trail{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			// With shadows, because the home of a trail, or its owner, may not be part of the scan.
			out, err := c.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{IncludeShadowTrails: aws.Bool(true)})
			if err != nil {
				return err
			}
			for _, t := range out.TrailList {
				id := aws.ToString(t.TrailARN)
				arn, _ := model.ParseARN(id)
				found(&my.Trail{
					Meta:                model.Meta{ID: id, ARN: id, Name: aws.ToString(t.Name), Account: arn.Account, Region: cmp.Or(aws.ToString(t.HomeRegion), arn.Region)},
					MultiRegion:         model.FromPtr(t.IsMultiRegionTrail),
					Organization:        model.FromPtr(t.IsOrganizationTrail),
					GlobalServiceEvents: model.FromPtr(t.IncludeGlobalServiceEvents),
					Bucket:              model.FromPtr(t.S3BucketName),
					LogFileValidation:   model.FromPtr(t.LogFileValidationEnabled),
					KMSKey:              model.OrNone(t.KmsKeyId),
					LogGroupARN:         model.OrNone(t.CloudWatchLogsLogGroupArn),
				})
			}
			return nil
		}),
	}, {
		Op: "cloudtrail:GetTrailStatus",
		Do: collect.PerItem(func(ctx context.Context, t *my.Trail) error {
			out, err := c.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: &t.ARN}, atHome(t))
			if err != nil {
				return err
			}
			t.Logging = model.FromPtr(out.IsLogging)
			if out.IsLogging == nil {
				return nil // an answer without it says nothing of deliveries either
			}
			t.DeliveryError = model.OrNone(out.LatestDeliveryError)
			t.LogsDeliveryError = model.OrNone(out.LatestCloudWatchLogsDeliveryError)
			t.LastDelivery = model.OrNone(out.LatestDeliveryTime)
			t.LastLogsDelivery = model.OrNone(out.LatestCloudWatchLogsDeliveryTime)
			return nil
		}),
	}, {
		Op: "cloudtrail:GetEventSelectors",
		Do: collect.PerItem(func(ctx context.Context, t *my.Trail) error {
			out, err := c.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: &t.ARN}, atHome(t))
			if err != nil {
				return err
			}
			if out.TrailARN == nil || out.EventSelectors == nil && out.AdvancedEventSelectors == nil { // always there, of one sort or the other
				return nil
			}
			t.Selectors, t.AdvancedSelectors = basic(out.EventSelectors), advanced(out.AdvancedEventSelectors)
			return nil
		}),
	}, {
		Op:     "cloudtrail:ListEventDataStores",
		Lists:  []model.Resource{&my.EventDataStore{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := cloudtrail.NewListEventDataStoresPaginator(c, &cloudtrail.ListEventDataStoresInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, s := range page.EventDataStores {
					id := aws.ToString(s.EventDataStoreArn)
					arn, _ := model.ParseARN(id) // which names the owner: an administrator of the organization need not be it
					found(&my.EventDataStore{Meta: model.Meta{ID: id, ARN: id, Name: aws.ToString(s.Name), Account: arn.Account}})
				}
			}
			return nil
		}),
	}, {
		// The list answer has only name and ARN: its other members are deprecated and no longer filled.
		Op: "cloudtrail:GetEventDataStore",
		Do: collect.PerItem(func(ctx context.Context, s *my.EventDataStore) error {
			out, err := c.GetEventDataStore(ctx, &cloudtrail.GetEventDataStoreInput{EventDataStore: &s.ARN})
			if err != nil {
				return err
			}
			if out.EventDataStoreArn == nil { // always there
				return nil
			}
			s.Status = model.FromString(out.Status)
			s.MultiRegion = model.FromPtr(out.MultiRegionEnabled)
			if out.AdvancedEventSelectors != nil {
				s.AdvancedSelectors = advanced(out.AdvancedEventSelectors)
			}
			return nil
		}),
	}}
}

// basic returns selectors, if each has what AWS always tells.
func basic(in []types.EventSelector) (unknown model.Attr[[]my.Selector]) {
	out := []my.Selector{}
	for _, s := range in {
		if s.ReadWriteType == "" || s.IncludeManagementEvents == nil {
			return unknown
		}
		sel := my.Selector{ReadWriteType: string(s.ReadWriteType), ManagementEvents: *s.IncludeManagementEvents, ExcludedSources: s.ExcludeManagementEventSources}
		for _, d := range s.DataResources {
			sel.DataResources = append(sel.DataResources, my.DataResource{Type: aws.ToString(d.Type), Values: d.Values})
		}
		out = append(out, sel)
	}
	return model.Known(out)
}

// atHome sends a request to the home region of a trail, be it scanned or not, and whoever owns the trail: in others
// CloudTrail does not find all of it.
func atHome(t *my.Trail) func(*cloudtrail.Options) {
	return func(o *cloudtrail.Options) { o.Region = cmp.Or(t.Region, o.Region) }
}

// advanced returns selectors, if each has fields, and each of these a name.
func advanced(in []types.AdvancedEventSelector) (unknown model.Attr[[]my.AdvancedSelector]) {
	out := []my.AdvancedSelector{}
	for _, s := range in {
		var sel my.AdvancedSelector
		for _, f := range s.FieldSelectors {
			if f.Field == nil {
				return unknown
			}
			sel.Fields = append(sel.Fields, my.FieldSelector{Field: *f.Field, Equals: f.Equals, StartsWith: f.StartsWith, EndsWith: f.EndsWith,
				NotEquals: f.NotEquals, NotStartsWith: f.NotStartsWith, NotEndsWith: f.NotEndsWith})
		}
		if len(sel.Fields) == 0 {
			return unknown
		}
		out = append(out, sel)
	}
	return model.Known(out)
}
