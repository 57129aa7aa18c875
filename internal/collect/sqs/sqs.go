// Package sqs collects from Amazon SQS.
package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/sqs"
)

func Calls(at collect.At) []collect.Call {
	c := sqs.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "sqs:ListQueues",
		Lists: []model.Resource{&my.Queue{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			// Without MaxResults there is no second page: the list ends after 1000.
			pages := sqs.NewListQueuesPaginator(c, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, url := range page.QueueUrls {
					name := path.Base(url)
					found(&my.Queue{Meta: model.Meta{ID: url, ARN: at.ARN("sqs", name), Name: name}})
				}
			}
			return nil
		}),
	}, {
		Op: "sqs:GetQueueAttributes",
		Do: collect.PerItem(func(ctx context.Context, q *my.Queue) error {
			out, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
				QueueUrl:       &q.ID,
				AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
			})
			if err != nil {
				return err
			}
			if out.Attributes["QueueArn"] == "" { // always there: without it, what else is missing says nothing
				return nil
			}
			return fill(q, out.Attributes)
		}),
	}}
}

// fill copies attributes. Policies are JSON in a text, and left out if there is none.
func fill(q *my.Queue, attributes map[string]string) error {
	var redrive struct {
		DeadLetterTargetArn string
		MaxReceiveCount     json.RawMessage // number or text
	}
	if err := decode(attributes, "RedrivePolicy", &redrive); err != nil {
		return err
	}
	receives := 0
	if len(redrive.MaxReceiveCount) > 0 {
		text := string(redrive.MaxReceiveCount)
		if unquoted, err := strconv.Unquote(text); err == nil {
			text = unquoted
		}
		var err error
		if receives, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("maxReceiveCount of RedrivePolicy: %w", err)
		}
	}
	var allow struct{ RedrivePermission string }
	if err := decode(attributes, "RedriveAllowPolicy", &allow); err != nil {
		return err
	}
	q.DeadLetterARN = model.Known(redrive.DeadLetterTargetArn)
	q.MaxReceives = model.Known(receives)
	q.RedriveAllow = model.Known(allow.RedrivePermission)
	q.Policy = model.Known(attributes["Policy"])
	q.KMSKey = model.Known(attributes["KmsMasterKeyId"])
	if s, ok := attributes["SqsManagedSseEnabled"]; ok {
		q.ManagedSSE = model.Known(s == "true")
	}
	for name, to := range map[string]*model.Attr[int]{
		"ApproximateNumberOfMessages": &q.Messages, "ApproximateNumberOfMessagesNotVisible": &q.InFlight, "MessageRetentionPeriod": &q.RetentionSecs,
		"VisibilityTimeout": &q.VisibilitySecs, "ReceiveMessageWaitTimeSeconds": &q.WaitSecs,
	} {
		if n, err := strconv.Atoi(attributes[name]); err == nil {
			*to = model.Known(n)
		}
	}
	if secs, err := strconv.ParseInt(attributes["CreatedTimestamp"], 10, 64); err == nil {
		q.Created = model.Known(time.Unix(secs, 0).UTC())
	}
	return nil
}

func decode(attributes map[string]string, name string, into any) error {
	if s := attributes[name]; s != "" {
		if err := json.Unmarshal([]byte(s), into); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
