// Package cloudwatchlogs holds the resources of Amazon CloudWatch Logs.
package cloudwatchlogs

import "awsscanner/internal/model"

// A LogGroup is a log group of the account. Its ID is its name; its ARN has no ":*" at the end.
type LogGroup struct {
	model.Meta    `call:"cloudwatchlogs:DescribeLogGroups"`
	Class         model.Attr[string]            `json:"class,omitzero"         call:"cloudwatchlogs:DescribeLogGroups"`                     // STANDARD, INFREQUENT_ACCESS, ESSENTIALS or DELIVERY
	KMSKey        model.Attr[string]            `json:"kmsKey,omitzero"        call:"cloudwatchlogs:DescribeLogGroups" ref:"AWS::KMS::Key"` // "" if none: then AWS encrypts with a key of its own
	RetentionDays model.Attr[int]               `json:"retentionDays,omitzero" call:"cloudwatchlogs:DescribeLogGroups"`                     // 0: for ever
	StoredBytes   model.Attr[int64]             `json:"storedBytes,omitzero"   call:"cloudwatchlogs:DescribeLogGroups"`
	Tags          model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

func (*LogGroup) Kind() model.Kind { return "AWS::Logs::LogGroup" }
