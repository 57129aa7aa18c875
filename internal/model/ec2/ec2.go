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
	Manager        model.Attr[string]            `json:"manager,omitzero"        call:"ec2:DescribeVolumes"` // service that alone may change it, as eks.amazonaws.com; "" if none
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
	Type             model.Attr[string]            `json:"type,omitzero"             call:"ec2:DescribeInstances"`          // "m7i.large"
	Tenancy          model.Attr[string]            `json:"tenancy,omitzero"          call:"ec2:DescribeInstances"`          // default, dedicated or host
	MetadataTokens   model.Attr[string]            `json:"metadataTokens,omitzero"   call:"ec2:DescribeInstances"`          // optional or required: then only IMDSv2 answers
	MetadataEndpoint model.Attr[string]            `json:"metadataEndpoint,omitzero" call:"ec2:DescribeInstances"`          // enabled or disabled
	MetadataHops     model.Attr[int]               `json:"metadataHops,omitzero"     call:"ec2:DescribeInstances"`          // hop limit of an answer
	Profile          model.Attr[string]            `json:"profile,omitzero"          call:"ec2:DescribeInstances"`          // ARN of the instance profile, which holds the role; "" if none
	PublicAddresses  model.Attr[[]string]          `json:"publicAddresses,omitzero"  call:"ec2:DescribeInstances"`          // IPv4 and IPv6 of all interfaces
	VPC              model.Attr[string]            `json:"vpc,omitzero"              call:"ec2:DescribeInstances"`          // "" once it is terminated
	Subnet           model.Attr[string]            `json:"subnet,omitzero"           call:"ec2:DescribeInstances"`          // "" once it is terminated
	Lifecycle        model.Attr[string]            `json:"lifecycle,omitzero"        call:"ec2:DescribeInstances"`          // spot, scheduled, capacity-block; "" if on demand
	Manager          model.Attr[string]            `json:"manager,omitzero"          call:"ec2:DescribeInstances"`          // service that alone may change it, as eks.amazonaws.com; "" if none
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"ec2:DescribeInstances"`
}

// An Image is an AMI that the account owns.
type Image struct {
	model.Meta `call:"ec2:DescribeImages"`
	State      model.Attr[string]            `json:"state,omitzero"     call:"ec2:DescribeImages"` // available, disabled, pending, failed, ...
	Public     model.Attr[bool]              `json:"public,omitzero"    call:"ec2:DescribeImages"`
	Created    model.Attr[time.Time]         `json:"created,omitzero"   call:"ec2:DescribeImages"`
	Snapshots  model.Attr[[]string]          `json:"snapshots,omitzero" call:"ec2:DescribeImages"` // of its EBS devices; none if it is backed by instance store
	Tags       model.Attr[map[string]string] `json:"tags,omitzero"      call:"ec2:DescribeImages"`
}

// A Snapshot is an EBS snapshot that the account owns.
type Snapshot struct {
	model.Meta `call:"ec2:DescribeSnapshots"`
	State      model.Attr[string]            `json:"state,omitzero"     call:"ec2:DescribeSnapshots"`                               // pending, completed, error, recoverable, recovering
	Public     model.Attr[bool]              `json:"public,omitzero"    call:"ec2:DescribeSnapshots|ec2:DescribeSnapshotAttribute"` // anybody may create a volume of it, unless the region blocks that
	Encrypted  model.Attr[bool]              `json:"encrypted,omitzero" call:"ec2:DescribeSnapshots"`
	Volume     model.Attr[string]            `json:"volume,omitzero"    call:"ec2:DescribeSnapshots"` // "vol-ffffffff" if it is a copy
	SizeGiB    model.Attr[int]               `json:"sizeGiB,omitzero"   call:"ec2:DescribeSnapshots"` // of the volume
	Started    model.Attr[time.Time]         `json:"started,omitzero"   call:"ec2:DescribeSnapshots"`
	Tier       model.Attr[string]            `json:"tier,omitzero"      call:"ec2:DescribeSnapshots"` // standard or archive
	Text       model.Attr[string]            `json:"text,omitzero"      call:"ec2:DescribeSnapshots"` // its description, which names the image it was made for
	Tags       model.Attr[map[string]string] `json:"tags,omitzero"      call:"ec2:DescribeSnapshots"`
}

// An Address is an Elastic IP address. Its ID is the allocation ID.
type Address struct {
	model.Meta  `call:"ec2:DescribeAddresses"`
	IP          model.Attr[string]            `json:"ip,omitzero"          call:"ec2:DescribeAddresses"`
	Association model.Attr[string]            `json:"association,omitzero" call:"ec2:DescribeAddresses"` // "" if none
	Instance    model.Attr[string]            `json:"instance,omitzero"    call:"ec2:DescribeAddresses"` // "" if none
	Interface   model.Attr[string]            `json:"interface,omitzero"   call:"ec2:DescribeAddresses"` // "" if none
	Pool        model.Attr[string]            `json:"pool,omitzero"        call:"ec2:DescribeAddresses"` // amazon, or the pool of addresses that the account has brought along; "" if that is not told
	Manager     model.Attr[string]            `json:"manager,omitzero"     call:"ec2:DescribeAddresses"` // service that alone may release it, as alb; "" if none
	Tags        model.Attr[map[string]string] `json:"tags,omitzero"        call:"ec2:DescribeAddresses"`
}

// A NetworkInterface is an elastic network interface, whoever made it.
type NetworkInterface struct {
	model.Meta       `call:"ec2:DescribeNetworkInterfaces"`
	Status           model.Attr[string]            `json:"status,omitzero"           call:"ec2:DescribeNetworkInterfaces"` // available: attached to nothing
	Type             model.Attr[string]            `json:"type,omitzero"             call:"ec2:DescribeNetworkInterfaces"` // interface, lambda, nat_gateway, ...
	RequesterManaged model.Attr[bool]              `json:"requesterManaged,omitzero" call:"ec2:DescribeNetworkInterfaces"` // by a service of AWS
	Instance         model.Attr[string]            `json:"instance,omitzero"         call:"ec2:DescribeNetworkInterfaces"` // "" if none
	VPC              model.Attr[string]            `json:"vpc,omitzero"              call:"ec2:DescribeNetworkInterfaces"`
	Subnet           model.Attr[string]            `json:"subnet,omitzero"           call:"ec2:DescribeNetworkInterfaces"`
	Groups           model.Attr[[]string]          `json:"groups,omitzero"           call:"ec2:DescribeNetworkInterfaces"` // security groups
	PublicAddresses  model.Attr[[]string]          `json:"publicAddresses,omitzero"  call:"ec2:DescribeNetworkInterfaces"` // IPv4 and IPv6
	SourceDestCheck  model.Attr[bool]              `json:"sourceDestCheck,omitzero"  call:"ec2:DescribeNetworkInterfaces"`
	Tags             model.Attr[map[string]string] `json:"tags,omitzero"             call:"ec2:DescribeNetworkInterfaces"`
}

// A SecurityGroup is a security group of a VPC.
type SecurityGroup struct {
	model.Meta `call:"ec2:DescribeSecurityGroups"`
	GroupName  model.Attr[string]            `json:"groupName,omitzero" call:"ec2:DescribeSecurityGroups"` // "default" is that of the VPC: no other may be called so
	VPC        model.Attr[string]            `json:"vpc,omitzero"       call:"ec2:DescribeSecurityGroups"`
	Inbound    model.Attr[Permissions]       `json:"inbound,omitzero"   call:"ec2:DescribeSecurityGroups" ref:"AWS::EC2::PrefixList"`
	Outbound   model.Attr[Permissions]       `json:"outbound,omitzero"  call:"ec2:DescribeSecurityGroups" ref:"AWS::EC2::PrefixList"`
	Tags       model.Attr[map[string]string] `json:"tags,omitzero"      call:"ec2:DescribeSecurityGroups"`
}

// A Permission is the rules of a security group for some ports of a protocol: one for each peer.
type Permission struct {
	Protocol    string   `json:"protocol"` // tcp, udp, icmp, icmpv6, a number, or "-1" for all
	From        int      `json:"from"`     // port, or type of ICMP; -1 for all
	To          int      `json:"to"`
	IPv4        []string `json:"ipv4,omitempty"` // CIDRs
	IPv6        []string `json:"ipv6,omitempty"`
	PrefixLists []string `json:"prefixLists,omitempty"`
	Groups      []string `json:"groups,omitempty"`
}

// Permissions are those of one direction.
type Permissions []Permission

// References returns the IDs of the prefix lists.
func (p Permissions) References() (ids []string) {
	for i := range p {
		ids = append(ids, p[i].PrefixLists...)
	}
	return ids
}

// Rules counts as quotas do: one for each peer.
func (p Permissions) Rules() (n int) {
	for i := range p {
		n += len(p[i].IPv4) + len(p[i].IPv6) + len(p[i].PrefixLists) + len(p[i].Groups)
	}
	return n
}

// A PrefixList is a managed prefix list that a security group refers to, whoever owns it.
type PrefixList struct {
	model.Meta `call:"ec2:GetManagedPrefixListEntries" scope:"ref"`
	CIDRs      model.Attr[[]string] `json:"cidrs,omitzero" call:"ec2:GetManagedPrefixListEntries"`
}

// A Subnet is a subnet of a VPC.
type Subnet struct {
	model.Meta  `call:"ec2:DescribeSubnets"`
	State       model.Attr[string]            `json:"state,omitzero"       call:"ec2:DescribeSubnets"`
	VPC         model.Attr[string]            `json:"vpc,omitzero"         call:"ec2:DescribeSubnets"`
	Zone        model.Attr[string]            `json:"zone,omitzero"        call:"ec2:DescribeSubnets"`
	CIDR        model.Attr[string]            `json:"cidr,omitzero"        call:"ec2:DescribeSubnets"` // IPv4; "" if it has IPv6 only
	IPv6Only    model.Attr[bool]              `json:"ipv6Only,omitzero"    call:"ec2:DescribeSubnets"`
	Free        model.Attr[int]               `json:"free,omitzero"        call:"ec2:DescribeSubnets"` // IPv4 addresses
	MapPublicIP model.Attr[bool]              `json:"mapPublicIp,omitzero" call:"ec2:DescribeSubnets"`
	Default     model.Attr[bool]              `json:"default,omitzero"     call:"ec2:DescribeSubnets"` // of its zone
	Tags        model.Attr[map[string]string] `json:"tags,omitzero"        call:"ec2:DescribeSubnets"`
}

// A VPC is a virtual private cloud.
type VPC struct {
	model.Meta `call:"ec2:DescribeVpcs"`
	State      model.Attr[string]            `json:"state,omitzero"   call:"ec2:DescribeVpcs"`
	CIDR       model.Attr[string]            `json:"cidr,omitzero"    call:"ec2:DescribeVpcs"` // the first one
	Default    model.Attr[bool]              `json:"default,omitzero" call:"ec2:DescribeVpcs"`
	Tags       model.Attr[map[string]string] `json:"tags,omitzero"    call:"ec2:DescribeVpcs"`
}

// A FlowLog records traffic of a VPC, a subnet, an interface or a transit gateway.
type FlowLog struct {
	model.Meta      `call:"ec2:DescribeFlowLogs"`
	Resource        model.Attr[string] `json:"resource,omitzero"        call:"ec2:DescribeFlowLogs"` // ID of what it records
	Status          model.Attr[string] `json:"status,omitzero"          call:"ec2:DescribeFlowLogs"` // ACTIVE
	Traffic         model.Attr[string] `json:"traffic,omitzero"         call:"ec2:DescribeFlowLogs"` // ALL, ACCEPT or REJECT; "" for a transit gateway, which does not decide
	Delivery        model.Attr[string] `json:"delivery,omitzero"        call:"ec2:DescribeFlowLogs"` // SUCCESS or FAILED
	DeliveryError   model.Attr[string] `json:"deliveryError,omitzero"   call:"ec2:DescribeFlowLogs"` // "" if none
	DestinationType model.Attr[string] `json:"destinationType,omitzero" call:"ec2:DescribeFlowLogs"` // cloud-watch-logs, s3, kinesis-data-firehose
}

// A VPCEndpoint leads from a VPC to a service without the internet.
type VPCEndpoint struct {
	model.Meta  `call:"ec2:DescribeVpcEndpoints"`
	State       model.Attr[string]            `json:"state,omitzero"       call:"ec2:DescribeVpcEndpoints"` // "available", which the SDK spells Available
	Type        model.Attr[string]            `json:"type,omitzero"        call:"ec2:DescribeVpcEndpoints"` // Gateway, Interface, GatewayLoadBalancer, ...
	Service     model.Attr[string]            `json:"service,omitzero"     call:"ec2:DescribeVpcEndpoints"` // com.amazonaws.eu-central-1.s3
	VPC         model.Attr[string]            `json:"vpc,omitzero"         call:"ec2:DescribeVpcEndpoints"`
	RouteTables model.Attr[[]string]          `json:"routeTables,omitzero" call:"ec2:DescribeVpcEndpoints"` // of a gateway
	Subnets     model.Attr[[]string]          `json:"subnets,omitzero"     call:"ec2:DescribeVpcEndpoints"` // of an interface
	PrivateDNS  model.Attr[bool]              `json:"privateDns,omitzero"  call:"ec2:DescribeVpcEndpoints"`
	Policy      model.Attr[string]            `json:"policy,omitzero"      call:"ec2:DescribeVpcEndpoints"` // JSON; "" if the service supports none
	Tags        model.Attr[map[string]string] `json:"tags,omitzero"        call:"ec2:DescribeVpcEndpoints"`
}

// A RouteTable is a route table of a VPC.
type RouteTable struct {
	model.Meta `call:"ec2:DescribeRouteTables"`
	VPC        model.Attr[string]            `json:"vpc,omitzero"     call:"ec2:DescribeRouteTables"`
	Main       model.Attr[bool]              `json:"main,omitzero"    call:"ec2:DescribeRouteTables"` // of all subnets of the VPC that no other table has
	Subnets    model.Attr[[]string]          `json:"subnets,omitzero" call:"ec2:DescribeRouteTables"` // that it was given
	Routes     model.Attr[[]Route]           `json:"routes,omitzero"  call:"ec2:DescribeRouteTables"`
	Tags       model.Attr[map[string]string] `json:"tags,omitzero"    call:"ec2:DescribeRouteTables"`
}

// A Route says where the traffic to a destination goes.
type Route struct {
	Destination string `json:"destination"` // CIDR or prefix list
	Target      string `json:"target"`      // ID of a gateway, an interface, a peering connection, or "local"; ARN of a core network
	State       string `json:"state"`       // active, blackhole, filtered
}

// A Region is what is set for a whole region.
type Region struct {
	model.Meta       `scope:"region"`
	SnapshotBlock    model.Attr[string] `json:"snapshotBlock,omitzero"    call:"ec2:GetSnapshotBlockPublicAccessState"` // block-all-sharing, block-new-sharing or unblocked
	SnapshotBlockSet model.Attr[string] `json:"snapshotBlockSet,omitzero" call:"ec2:GetSnapshotBlockPublicAccessState"` // by whom: account or declarative-policy
}

func (*Volume) Kind() model.Kind           { return "AWS::EC2::Volume" }
func (*Instance) Kind() model.Kind         { return "AWS::EC2::Instance" }
func (*Image) Kind() model.Kind            { return "AWS::EC2::Image" }
func (*Snapshot) Kind() model.Kind         { return "AWS::EC2::Snapshot" }
func (*Address) Kind() model.Kind          { return "AWS::EC2::EIP" }
func (*NetworkInterface) Kind() model.Kind { return "AWS::EC2::NetworkInterface" }
func (*SecurityGroup) Kind() model.Kind    { return "AWS::EC2::SecurityGroup" }
func (*PrefixList) Kind() model.Kind       { return "AWS::EC2::PrefixList" }
func (*Subnet) Kind() model.Kind           { return "AWS::EC2::Subnet" }
func (*VPC) Kind() model.Kind              { return "AWS::EC2::VPC" }
func (*FlowLog) Kind() model.Kind          { return "AWS::EC2::FlowLog" }
func (*VPCEndpoint) Kind() model.Kind      { return "AWS::EC2::VPCEndpoint" }
func (*RouteTable) Kind() model.Kind       { return "AWS::EC2::RouteTable" }
func (*Region) Kind() model.Kind           { return "AWS::EC2::Region" }
