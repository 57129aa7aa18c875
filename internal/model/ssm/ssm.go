// Package ssm holds the resources of AWS Systems Manager.
package ssm

import "awsscanner/internal/model"

// A Parameter is a parameter of Parameter Store, without its value, which is never read. Its ID is its name.
type Parameter struct {
	model.Meta  `call:"ssm:DescribeParameters"`
	Type        model.Attr[string]            `json:"type,omitzero"        call:"ssm:DescribeParameters"`                     // String, StringList or SecureString
	DataType    model.Attr[string]            `json:"dataType,omitzero"    call:"ssm:DescribeParameters"`                     // text, aws:ec2:image, aws:ssm:integration
	Description model.Attr[string]            `json:"description,omitzero" call:"ssm:DescribeParameters"`                     // "" if none
	KMSKey      model.Attr[string]            `json:"kmsKey,omitzero"      call:"ssm:DescribeParameters" ref:"AWS::KMS::Key"` // "" unless SecureString
	Tags        model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

func (*Parameter) Kind() model.Kind { return "AWS::SSM::Parameter" }
