// Package cloudformation collects from AWS CloudFormation.
package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/cloudformation"
)

func Calls(at collect.At) []collect.Call {
	c := cloudformation.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "cloudformation:DescribeStacks", // of all stacks that are not deleted
		Lists: []model.Resource{&my.Stack{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := cloudformation.NewDescribeStacksPaginator(c, &cloudformation.DescribeStacksInput{})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, s := range page.Stacks {
					id := aws.ToString(s.StackId)
					tags := make(map[string]string, len(s.Tags))
					for _, t := range s.Tags {
						tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
					}
					stack := &my.Stack{
						Meta:         model.Meta{ID: id, ARN: id, Name: aws.ToString(s.StackName)},
						Status:       model.FromString(s.StackStatus),
						StatusReason: model.OrNone(s.StackStatusReason),
						Root:         model.OrNone(s.RootId),
						Tags:         model.Known(tags),
						Topics:       model.Known(s.NotificationARNs),
						Protected:    model.FromPtr(s.EnableTerminationProtection),
						Role:         model.OrNone(s.RoleARN),
					}
					if d := s.DriftInformation; d != nil {
						stack.Drift, stack.DriftChecked = model.FromString(d.StackDriftStatus), model.OrNone(d.LastCheckTimestamp)
					}
					if s.CreationTime != nil {
						began := *s.CreationTime
						for _, t := range []*time.Time{s.LastUpdatedTime, s.DeletionTime} {
							if t != nil && t.After(began) {
								began = *t
							}
						}
						stack.Began = model.Known(began)
					}
					found(stack)
				}
			}
			return nil
		}),
	}, {
		Op:    "cloudformation:DescribeStackEvents",
		Needs: []string{"cloudformation.Stack.Status"},
		When:  collect.If(func(s *my.Stack) bool { return my.EventsRead(s.Status.Get()) }),
		Do: collect.PerItem(func(ctx context.Context, s *my.Stack) error {
			var since time.Time
			failures, events := []my.Failure{}, 0
			pages := cloudformation.NewDescribeStackEventsPaginator(c, &cloudformation.DescribeStackEventsInput{StackName: &s.ID})
			for began := false; !began && pages.HasMorePages(); { // newest first, back to where the last operation began
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				events += len(page.StackEvents)
				for _, e := range page.StackEvents {
					if e.Timestamp == nil { // always there: without it the newest event is not the newest
						return errors.New("the answer has an event without a time")
					}
					own := aws.ToString(e.PhysicalResourceId) == s.ID
					switch status := string(e.ResourceStatus); {
					case own && since.IsZero() && status == s.Status.Get():
						since = *e.Timestamp
					case own && begins(e.ResourceStatus):
						began = true
					case !own && strings.HasSuffix(status, "_FAILED"):
						failures = append(failures, my.Failure{LogicalID: aws.ToString(e.LogicalResourceId), Type: aws.ToString(e.ResourceType),
							Status: status, Reason: aws.ToString(e.ResourceStatusReason), Time: *e.Timestamp})
					}
					if began {
						break
					}
				}
			}
			if began, ok := s.Began.Lookup(); events == 0 && ok && began.After(at.Start.Add(-kept)) {
				return errors.New("the answer has no event, although the last operation began less than 90 days ago")
			}
			slices.Reverse(failures)
			s.Since, s.Failures = model.Known(since), model.Known(failures)
			return nil
		}),
	}}
}

// kept is how long CloudFormation keeps events. Source: CloudFormation User Guide, "Monitor stack progress".
const kept = 90 * 24 * time.Hour

// begins reports whether a stack comes into this status by somebody's request rather than by a failure.
func begins(s types.ResourceStatus) bool {
	switch s {
	case types.ResourceStatusCreateInProgress, types.ResourceStatusUpdateInProgress, types.ResourceStatusDeleteInProgress, types.ResourceStatusImportInProgress:
		return true
	}
	return false
}
