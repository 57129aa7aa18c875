// Package sqs holds the resources of Amazon SQS.
package sqs

import (
	"time"

	"awsscanner/internal/model"
)

// A Queue is an SQS queue. Its ID is its URL. A name that ends in ".fifo" makes it a FIFO queue.
type Queue struct {
	model.Meta     `call:"sqs:ListQueues"`
	DeadLetterARN  model.Attr[string]            `json:"deadLetterArn,omitzero" call:"sqs:GetQueueAttributes"`                     // "" if none
	MaxReceives    model.Attr[int]               `json:"maxReceives,omitzero"   call:"sqs:GetQueueAttributes"`                     // 0 without dead-letter queue
	RedriveAllow   model.Attr[string]            `json:"redriveAllow,omitzero"  call:"sqs:GetQueueAttributes"`                     // allowAll, byQueue or denyAll; "" if nothing is said
	Policy         model.Attr[string]            `json:"policy,omitzero"        call:"sqs:GetQueueAttributes"`                     // "" if none
	KMSKey         model.Attr[string]            `json:"kmsKey,omitzero"        call:"sqs:GetQueueAttributes" ref:"AWS::KMS::Key"` // "" if none
	ManagedSSE     model.Attr[bool]              `json:"managedSse,omitzero"    call:"sqs:GetQueueAttributes"`
	Messages       model.Attr[int]               `json:"messages,omitzero"      call:"sqs:GetQueueAttributes"` // approximate number of visible ones
	InFlight       model.Attr[int]               `json:"inFlight,omitzero"      call:"sqs:GetQueueAttributes"` // approximate number of those that somebody has received and not deleted
	RetentionSecs  model.Attr[int]               `json:"retentionSeconds,omitzero"  call:"sqs:GetQueueAttributes"`
	VisibilitySecs model.Attr[int]               `json:"visibilitySeconds,omitzero" call:"sqs:GetQueueAttributes"`
	WaitSecs       model.Attr[int]               `json:"waitSeconds,omitzero"   call:"sqs:GetQueueAttributes"` // 0: short polling
	Created        model.Attr[time.Time]         `json:"created,omitzero"       call:"sqs:GetQueueAttributes"`
	Tags           model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

func (*Queue) Kind() model.Kind { return "AWS::SQS::Queue" }
