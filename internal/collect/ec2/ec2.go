// Package ec2 collects from Amazon EC2, EBS and VPC.
package ec2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/ec2"
)

// pageSize is what EC2 recommends against throttling; some operations allow no more.
const pageSize = 1000

func Calls(at collect.At) []collect.Call {
	c := ec2.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "ec2:DescribeVolumes",
		Lists: []model.Resource{&my.Volume{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := ec2.NewDescribeVolumesPaginator(c, &ec2.DescribeVolumesInput{MaxResults: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, v := range page.Volumes {
					found(volume(at, v))
				}
			}
			return nil
		}),
	}, {
		Op:    "ec2:DescribeInstances",
		Lists: []model.Resource{&my.Instance{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := ec2.NewDescribeInstancesPaginator(c, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(pageSize)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, r := range page.Reservations {
					for _, i := range r.Instances {
						found(instance(at, r, i))
					}
				}
			}
			return nil
		}),
	}}
}

func volume(at collect.At, v types.Volume) *my.Volume {
	id, t := aws.ToString(v.VolumeId), tags(v.Tags)
	out := &my.Volume{
		Meta:        model.Meta{ID: id, ARN: arn(at, "volume/", id), Name: t["Name"]},
		State:       model.FromString(v.State),
		Type:        model.FromString(v.VolumeType),
		SizeGiB:     integer(v.Size),
		Encrypted:   model.FromPtr(v.Encrypted),
		KMSKey:      model.FromPtr(v.KmsKeyId),
		Created:     model.FromPtr(v.CreateTime),
		MultiAttach: model.FromPtr(v.MultiAttachEnabled),
		Attachments: attachments(v),
		Tags:        model.Known(t),
	}
	if v.Encrypted != nil && !*v.Encrypted {
		out.KMSKey = model.OrNone(v.KmsKeyId)
	}
	switch v.VolumeType { // these have none of their own, and EC2 leaves them out
	case types.VolumeTypeStandard, types.VolumeTypeSt1, types.VolumeTypeSc1:
		out.IOPS, out.ThroughputMiBs = model.Known(0), model.Known(0)
	case types.VolumeTypeGp2, types.VolumeTypeIo1, types.VolumeTypeIo2:
		out.ThroughputMiBs = model.Known(0)
	}
	if v.Iops != nil {
		out.IOPS = integer(v.Iops)
	}
	if v.Throughput != nil {
		out.ThroughputMiBs = integer(v.Throughput)
	}
	return out
}

func integer(p *int32) (a model.Attr[int]) {
	if p != nil {
		a = model.Known(int(*p))
	}
	return a
}

// attachments returns those of a volume, if each tells its state, and what it is on: an instance, or what a service of
// AWS manages. An empty set and a missing one are decoded alike. Only the state of the volume tells that there is none.
func attachments(v types.Volume) (unknown model.Attr[my.Attachments]) {
	out := my.Attachments{}
	for _, a := range v.Attachments {
		if a.State == "" || a.InstanceId == nil && a.AssociatedResource == nil {
			return unknown
		}
		out = append(out, my.Attachment{Instance: aws.ToString(a.InstanceId), Device: aws.ToString(a.Device),
			State: string(a.State), DeleteOnTermination: aws.ToBool(a.DeleteOnTermination)})
	}
	if len(out) == 0 && (v.State == "" || v.State == types.VolumeStateInUse) {
		return unknown
	}
	return model.Known(out)
}

func instance(at collect.At, r types.Reservation, i types.Instance) *my.Instance {
	id, t := aws.ToString(i.InstanceId), tags(i.Tags)
	out := &my.Instance{
		Meta:             model.Meta{ID: id, ARN: arn(at, "instance/", id), Name: t["Name"], Account: aws.ToString(r.OwnerId)},
		StateReason:      model.Known(""),
		TransitionReason: model.OrNone(i.StateTransitionReason),
		Launched:         model.FromPtr(i.LaunchTime),
		RootDevice:       model.FromPtr(i.RootDeviceName),
		Image:            model.FromPtr(i.ImageId),
		AutoScalingGroup: model.Known(t["aws:autoscaling:groupName"]),
		Tags:             model.Known(t),
	}
	if i.State != nil {
		out.State = model.FromString(i.State.Name)
	}
	if i.StateReason != nil {
		out.StateReason = model.FromPtr(i.StateReason.Code)
	}
	return out
}

func arn(at collect.At, kind, id string) string {
	if id == "" {
		return ""
	}
	return at.ARN("ec2", kind+id)
}

func tags(in []types.Tag) map[string]string {
	out := make(map[string]string, len(in))
	for _, t := range in {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}
