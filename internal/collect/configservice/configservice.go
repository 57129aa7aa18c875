// Package configservice collects from AWS Config.
package configservice

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/configservice/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/configservice"
)

func Calls(at collect.At) []collect.Call {
	c := configservice.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "configservice:DescribeConfigurationRecorders", // has no pages: without names it tells of the account's own, of which there is one at most
		Lists: []model.Resource{&my.ConfigurationRecorder{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			out, err := c.DescribeConfigurationRecorders(ctx, &configservice.DescribeConfigurationRecordersInput{})
			if err != nil {
				return err
			}
			for _, r := range out.ConfigurationRecorders {
				name := aws.ToString(r.Name)
				recorder := &my.ConfigurationRecorder{
					Meta:    model.Meta{ID: name, ARN: aws.ToString(r.Arn), Name: name},
					Service: model.OrNone(r.ServicePrincipal),
					Role:    model.FromPtr(r.RoleARN),
				}
				if g := r.RecordingGroup; g != nil {
					recorder.Strategy = strategy(g)
					recorder.IncludeIAM = model.Known(g.IncludeGlobalResourceTypes)
					recorder.Types = model.Known(texts(g.ResourceTypes))
					recorder.Excluded = model.Known([]string{})
					if g.ExclusionByResourceTypes != nil {
						recorder.Excluded = model.Known(texts(g.ExclusionByResourceTypes.ResourceTypes))
					}
				}
				if m := r.RecordingMode; m != nil {
					recorder.Frequency = model.FromString(m.RecordingFrequency)
				}
				found(recorder)
			}
			return nil
		}),
	}, {
		Op: "configservice:DescribeConfigurationRecorderStatus",
		Do: collect.PerRegion(func(ctx context.Context, recorders []*my.ConfigurationRecorder) error {
			out, err := c.DescribeConfigurationRecorderStatus(ctx, &configservice.DescribeConfigurationRecorderStatusInput{})
			if err != nil {
				return err
			}
			for _, s := range out.ConfigurationRecordersStatus {
				for _, r := range recorders {
					if r.ID != aws.ToString(s.Name) {
						continue
					}
					r.Recording = model.Known(s.Recording)
					r.LastStatus = model.Known(string(s.LastStatus))
					r.LastError = model.Known(failure(s.LastErrorCode, s.LastErrorMessage))
					r.StatusChange = model.OrNone(s.LastStatusChangeTime)
				}
			}
			return nil
		}),
	}, {
		Op:    "configservice:DescribeDeliveryChannels", // has no pages
		Lists: []model.Resource{&my.DeliveryChannel{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			out, err := c.DescribeDeliveryChannels(ctx, &configservice.DescribeDeliveryChannelsInput{})
			if err != nil {
				return err
			}
			for _, d := range out.DeliveryChannels {
				name := aws.ToString(d.Name)
				channel := &my.DeliveryChannel{
					Meta:      model.Meta{ID: name, Name: name},
					Bucket:    model.FromPtr(d.S3BucketName),
					Topic:     model.OrNone(d.SnsTopicARN),
					Snapshots: model.Known(""),
				}
				if p := d.ConfigSnapshotDeliveryProperties; p != nil {
					channel.Snapshots = model.Known(string(p.DeliveryFrequency))
				}
				found(channel)
			}
			return nil
		}),
	}, {
		Op: "configservice:DescribeDeliveryChannelStatus",
		Do: collect.PerRegion(func(ctx context.Context, channels []*my.DeliveryChannel) error {
			out, err := c.DescribeDeliveryChannelStatus(ctx, &configservice.DescribeDeliveryChannelStatusInput{})
			if err != nil {
				return err
			}
			for _, s := range out.DeliveryChannelsStatus {
				for _, d := range channels {
					if d.ID != aws.ToString(s.Name) {
						continue
					}
					d.History, d.Snapshot = export(s.ConfigHistoryDeliveryInfo), export(s.ConfigSnapshotDeliveryInfo)
					if i := s.ConfigStreamDeliveryInfo; i != nil {
						d.Stream = model.Known(my.Delivery{Status: string(i.LastStatus), Error: failure(i.LastErrorCode, i.LastErrorMessage)})
					} else {
						d.Stream = model.Known(my.Delivery{})
					}
				}
			}
			return nil
		}),
	}}
}

// strategy returns the recording strategy. Recorders from before there were strategies have none, but say the same by other members.
func strategy(g *types.RecordingGroup) model.Attr[string] {
	switch {
	case g.RecordingStrategy != nil && g.RecordingStrategy.UseOnly != "":
		return model.FromString(g.RecordingStrategy.UseOnly)
	case g.AllSupported:
		return model.FromString(types.RecordingStrategyTypeAllSupportedResourceTypes)
	case len(g.ResourceTypes) > 0:
		return model.FromString(types.RecordingStrategyTypeInclusionByResourceTypes)
	}
	return model.Attr[string]{}
}

func export(i *types.ConfigExportDeliveryInfo) model.Attr[my.Delivery] {
	if i == nil { // before the first
		return model.Known(my.Delivery{})
	}
	return model.Known(my.Delivery{Status: string(i.LastStatus), Error: failure(i.LastErrorCode, i.LastErrorMessage), Success: aws.ToTime(i.LastSuccessfulTime)})
}

func failure(code, message *string) string {
	return strings.TrimSuffix(strings.TrimPrefix(aws.ToString(code)+": "+aws.ToString(message), ": "), ": ")
}

func texts[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}
