// Package seen asks AWS which deployments it has seen.
package seen

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	cdtypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/smithy-go"

	"awsscanner/internal/ships"
)

// Ask reads what a region of an account has seen, and takes it into the history. What cannot be read is a gap; the error is for what stops all.
func Ask(ctx context.Context, h *ships.History, cfg aws.Config, account string) error {
	h.Read = append(h.Read, ships.Place{Account: account, Region: cfg.Region})
	for _, ask := range []func(context.Context, *ships.History, aws.Config, string) (call string, err error){stacks, deployments} {
		call, err := ask(ctx, h, cfg, account)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			h.Gaps = append(h.Gaps, ships.Gap{Account: account, Region: cfg.Region, Call: call, Why: why(call, err)})
		}
	}
	return nil
}

// why says in words why a call failed.
func why(call string, err error) string {
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && strings.Contains(api.ErrorCode(), "AccessDenied"):
		return call + " was denied: grant " + call
	case errors.As(err, &api):
		return call + " failed: " + api.ErrorCode()
	}
	return call + " failed: it was not reached"
}

// stacks reads operations of stacks that are there.
func stacks(ctx context.Context, h *ships.History, cfg aws.Config, account string) (call string, err error) {
	c := cloudformation.NewFromConfig(cfg)
	for p := cloudformation.NewDescribeStacksPaginator(c, &cloudformation.DescribeStacksInput{}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return "cloudformation:DescribeStacks", err
		}
		for _, s := range page.Stacks {
			if s.RootId != nil || s.StackId == nil { // nested: its root tells
				continue
			}
			latest := aws.ToTime(s.CreationTime)
			for _, t := range []*time.Time{s.LastUpdatedTime, s.DeletionTime} {
				if t != nil && t.After(latest) {
					latest = *t
				}
			}
			if latest.Before(h.From.AddDate(0, 0, -1)) { // an operation takes less than a day
				continue
			}
			tags := map[string]string{}
			for _, t := range s.Tags {
				tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
			}
			var events []cftypes.StackEvent
			old := false
			for p := cloudformation.NewDescribeStackEventsPaginator(c, &cloudformation.DescribeStackEventsInput{StackName: s.StackId}); !old && p.HasMorePages(); { // the newest first
				page, err := p.NextPage(ctx)
				if err != nil {
					return "cloudformation:DescribeStackEvents", err
				}
				for _, e := range page.StackEvents {
					if aws.ToString(e.PhysicalResourceId) == *s.StackId && e.Timestamp != nil {
						events = append(events, e)
						old = old || e.Timestamp.Before(h.From)
					}
				}
			}
			slices.Reverse(events)
			operations(h, ships.Deployment{Tool: "cloudformation", Account: account, Region: cfg.Region, What: aws.ToString(s.StackName), Tags: tags}, events)
		}
	}
	return "", nil
}

// operations makes deployments of the events of a stack itself, the oldest first. That it is deleted or imported is none.
func operations(h *ships.History, of ships.Deployment, events []cftypes.StackEvent) {
	var x *ships.Deployment
	var failed time.Time // without a rollback so far
	end := func(at time.Time, outcome ships.Outcome) {
		if x != nil && !at.Before(h.From) && !at.After(h.To) {
			x.Ended, x.Outcome = at, outcome
			h.Deployments = append(h.Deployments, *x)
		}
		x, failed = nil, time.Time{}
	}
	for _, e := range events {
		switch e.ResourceStatus {
		case cftypes.ResourceStatusCreateInProgress, cftypes.ResourceStatusUpdateInProgress:
			if !failed.IsZero() {
				end(failed, ships.Failed)
			}
			if x == nil { // a stack made by a change set says so twice
				y := of
				y.Began = *e.Timestamp
				x = &y
			}
		case cftypes.ResourceStatusCreateComplete, cftypes.ResourceStatusUpdateComplete:
			end(*e.Timestamp, ships.Succeeded)
		case "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_FAILED", cftypes.ResourceStatusCreateFailed:
			end(*e.Timestamp, ships.Failed)
		case cftypes.ResourceStatusUpdateFailed:
			failed = *e.Timestamp // without a rollback it stays so; with one the end of that tells
		case cftypes.ResourceStatusDeleteInProgress, cftypes.ResourceStatusImportInProgress:
			x = nil
		}
	}
	if !failed.IsZero() {
		end(failed, ships.Failed)
	}
	if x != nil && !x.Began.Before(h.From) {
		x.Outcome = ships.Running
		h.Deployments = append(h.Deployments, *x)
	}
}

// atOnce is how many deployments CodeDeploy tells of at once.
const atOnce = 25

// deployments reads those of CodeDeploy.
func deployments(ctx context.Context, h *ships.History, cfg aws.Config, account string) (call string, err error) {
	c := codedeploy.NewFromConfig(cfg)
	var ids []string
	for p := codedeploy.NewListDeploymentsPaginator(c, &codedeploy.ListDeploymentsInput{CreateTimeRange: &cdtypes.TimeRange{Start: &h.From, End: &h.To}}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			return "codedeploy:ListDeployments", err
		}
		ids = append(ids, page.Deployments...)
	}
	for some := range slices.Chunk(ids, atOnce) {
		out, err := c.BatchGetDeployments(ctx, &codedeploy.BatchGetDeploymentsInput{DeploymentIds: some})
		if err != nil {
			return "codedeploy:BatchGetDeployments", err
		}
		for _, d := range out.DeploymentsInfo {
			x := ships.Deployment{Tool: "codedeploy", Account: account, Region: cfg.Region, What: aws.ToString(d.ApplicationName) + "/" + aws.ToString(d.DeploymentGroupName), Began: aws.ToTime(d.CreateTime), Ended: aws.ToTime(d.CompleteTime)}
			switch d.Status {
			case cdtypes.DeploymentStatusSucceeded:
				x.Outcome = ships.Succeeded
			case cdtypes.DeploymentStatusFailed:
				x.Outcome = ships.Failed
			case cdtypes.DeploymentStatusStopped:
				x.Outcome = ships.Stopped
				if d.RollbackInfo != nil && d.RollbackInfo.RollbackDeploymentId != nil {
					x.Outcome = ships.Failed
				}
			default:
				x.Outcome = ships.Running
			}
			if d.Creator == cdtypes.DeploymentCreatorCodeDeployRollback { // the end of a failure, and nothing that anybody shipped
				continue
			}
			if x.Outcome == ships.Running || x.Ended.Before(x.Began) {
				x.Outcome, x.Ended = ships.Running, time.Time{}
			}
			h.Deployments = append(h.Deployments, x)
		}
	}
	return "", nil
}
