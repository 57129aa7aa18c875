// Package ec2 holds the resources of Amazon EC2, EBS and VPC.
package ec2

import (
	"time"

	"awsscanner/internal/model"
)

// A Volume is an EBS volume.
type Volume struct {
	model.Meta     `call:"ec2:DescribeVolumes"`
	State          model.Attr[string]            `json:"state,omitzero"          call:"ec2:DescribeVolumes"`
	Type           model.Attr[string]            `json:"type,omitzero"           call:"ec2:DescribeVolumes"` // gp3, gp2, io1, io2, st1, sc1, standard
	SizeGiB        model.Attr[int]               `json:"sizeGiB,omitzero"        call:"ec2:DescribeVolumes"`
	IOPS           model.Attr[int]               `json:"iops,omitzero"           call:"ec2:DescribeVolumes"` // 0 if the type has none
	ThroughputMiBs model.Attr[int]               `json:"throughputMiBs,omitzero" call:"ec2:DescribeVolumes"` // 0 if the type has none
	Encrypted      model.Attr[bool]              `json:"encrypted,omitzero"      call:"ec2:DescribeVolumes"`
	KMSKey         model.Attr[string]            `json:"kmsKey,omitzero"         call:"ec2:DescribeVolumes" ref:"AWS::KMS::Key"` // "" if none
	Created        model.Attr[time.Time]         `json:"created,omitzero"        call:"ec2:DescribeVolumes"`
	MultiAttach    model.Attr[bool]              `json:"multiAttach,omitzero"    call:"ec2:DescribeVolumes"`
	Attachments    model.Attr[Attachments]       `json:"attachments,omitzero"    call:"ec2:DescribeVolumes" part:"AWS::EC2::Instance"`
	Tags           model.Attr[map[string]string] `json:"tags,omitzero"           call:"ec2:DescribeVolumes"`
}

// An Attachment is a volume on an instance.
type Attachment struct {
	Instance            string `json:"instance"`
	Device              string `json:"device"`
	State               string `json:"state"` // attaching, attached, detaching, busy
	DeleteOnTermination bool   `json:"deleteOnTermination"`
}

// Attachments are the instances that a volume is on; more than one if it is multi-attach.
type Attachments []Attachment

// References returns the IDs of the instances.
func (a Attachments) References() []string {
	ids := make([]string, len(a))
	for i := range a {
		ids[i] = a[i].Instance
	}
	return ids
}

// An Instance is an EC2 instance.
type Instance struct {
	model.Meta       `call:"ec2:DescribeInstances"`
	State            model.Attr[string]            `json:"state,omitzero"            call:"ec2:DescribeInstances"` // pending, running, stopping, stopped, ...
	StateReason      model.Attr[string]            `json:"stateReason,omitzero"      call:"ec2:DescribeInstances"` // code, as Client.UserInitiatedHibernate; "" if none
	TransitionReason model.Attr[string]            `json:"transitionReason,omitzero" call:"ec2:DescribeInstances"` // text with the time of stopping; may be ""
	Launched         model.Attr[time.Time]         `json:"launched,omitzero"         call:"ec2:DescribeInstances"` // last start
	RootDevice       model.Attr[string]            `json:"rootDevice,omitzero"       call:"ec2:DescribeInstances"` // "/dev/xvda"
	Image            model.Attr[string]            `json:"image,omitzero"            call:"ec2:DescribeInstances"`
	AutoScalingGroup model.Attr[string]            `json:"autoScalingGroup,omitzero" call:"ec2:DescribeInstances" owner:""` // "" if none
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"ec2:DescribeInstances"`
}

func (*Volume) Kind() model.Kind   { return "AWS::EC2::Volume" }
func (*Instance) Kind() model.Kind { return "AWS::EC2::Instance" }
