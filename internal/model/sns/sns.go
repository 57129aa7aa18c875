// Package sns holds the resources of Amazon SNS.
package sns

import "awsscanner/internal/model"

// A Topic is an SNS topic. Its ID is its ARN. A name that ends in ".fifo" makes it a FIFO topic.
type Topic struct {
	model.Meta `call:"sns:ListTopics"`
	Policy     model.Attr[string]            `json:"policy,omitzero"    call:"sns:GetTopicAttributes"`
	KMSKey     model.Attr[string]            `json:"kmsKey,omitzero"    call:"sns:GetTopicAttributes" ref:"AWS::KMS::Key"` // "" if none
	Confirmed  model.Attr[int]               `json:"confirmed,omitzero" call:"sns:GetTopicAttributes"`                     // subscriptions
	Pending    model.Attr[int]               `json:"pending,omitzero"   call:"sns:GetTopicAttributes"`                     // subscriptions that nobody has confirmed
	LogsOf     model.Attr[[]string]          `json:"logsOf,omitzero"    call:"sns:GetTopicAttributes"`                     // protocols of which failed deliveries are logged: HTTP, Firehose, Lambda, Application, SQS
	Tags       model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

func (*Topic) Kind() model.Kind { return "AWS::SNS::Topic" }
