// Package ec2 collects from Amazon EC2, EBS and VPC.
package ec2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/ec2"
)

// pageSize is what EC2 recommends against throttling; most operations allow no more, a few only 100.
const pageSize = 1000

func Calls(at collect.At) []collect.Call {
	c := ec2.NewFromConfig(at.Config)
	size, smallSize := aws.Int32(pageSize), aws.Int32(100)
	return []collect.Call{{
		Op:    "ec2:DescribeVolumes",
		Lists: []model.Resource{&my.Volume{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeVolumesPaginator(c, &ec2.DescribeVolumesInput{MaxResults: size}), func(page *ec2.DescribeVolumesOutput) {
				for _, v := range page.Volumes {
					found(volume(at, v))
				}
			})
		}),
	}, {
		Op:    "ec2:DescribeInstances",
		Lists: []model.Resource{&my.Instance{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeInstancesPaginator(c, &ec2.DescribeInstancesInput{MaxResults: size}), func(page *ec2.DescribeInstancesOutput) {
				for _, r := range page.Reservations {
					for _, i := range r.Instances {
						found(instance(at, r, i))
					}
				}
			})
		}),
	}, {
		Op:    "ec2:DescribeImages",
		Lists: []model.Resource{&my.Image{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			in := &ec2.DescribeImagesInput{Owners: []string{"self"}, IncludeDisabled: aws.Bool(true), MaxResults: size}
			return collect.Each(ctx, ec2.NewDescribeImagesPaginator(c, in), func(page *ec2.DescribeImagesOutput) {
				for _, i := range page.Images {
					found(image(at, i))
				}
			})
		}),
	}, {
		// Two lists: of the snapshots that the account owns, and of those that it shares with everybody, which no snapshot
		// says of itself. To ask for the attribute of each would take a request each: only those in the second list are asked
		// for it, as emulators put all into that. They ignore the owner, too.
		Op:    "ec2:DescribeSnapshots",
		Lists: []model.Resource{&my.Snapshot{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			own := func(in *ec2.DescribeSnapshotsInput, take func(types.Snapshot)) error {
				in.OwnerIds, in.MaxResults = []string{"self"}, size
				return collect.Each(ctx, ec2.NewDescribeSnapshotsPaginator(c, in), func(page *ec2.DescribeSnapshotsOutput) {
					for _, s := range page.Snapshots {
						if s.OwnerId == nil || *s.OwnerId == at.Account {
							take(s)
						}
					}
				})
			}
			public := map[string]bool{}
			err := own(&ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"all"}}, func(s types.Snapshot) { public[aws.ToString(s.SnapshotId)] = true })
			if err != nil {
				return err
			}
			return own(&ec2.DescribeSnapshotsInput{}, func(s types.Snapshot) { found(snapshot(at, s, public[aws.ToString(s.SnapshotId)])) })
		}),
	}, {
		Op: "ec2:DescribeSnapshotAttribute",
		Do: collect.PerItem(func(ctx context.Context, s *my.Snapshot) error {
			out, err := c.DescribeSnapshotAttribute(ctx, &ec2.DescribeSnapshotAttributeInput{SnapshotId: &s.ID, Attribute: types.SnapshotAttributeNameCreateVolumePermission})
			if err != nil {
				return err
			}
			if out.CreateVolumePermissions != nil { // always there, perhaps without entries
				s.Public = model.Known(slices.ContainsFunc(out.CreateVolumePermissions, func(p types.CreateVolumePermission) bool { return p.Group == types.PermissionGroupAll }))
			}
			return nil
		}),
	}, {
		Op: "ec2:GetSnapshotBlockPublicAccessState",
		Do: collect.PerItem(func(ctx context.Context, r *my.Region) error {
			out, err := c.GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{})
			if err != nil {
				return err
			}
			r.SnapshotBlock, r.SnapshotBlockSet = model.FromString(out.State), model.FromString(out.ManagedBy)
			return nil
		}),
	}, {
		Op:    "ec2:DescribeAddresses", // has no pages
		Lists: []model.Resource{&my.Address{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			out, err := c.DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
			if err != nil {
				return err
			}
			for _, a := range out.Addresses {
				found(address(at, a))
			}
			return nil
		}),
	}, {
		// What is in a VPC or subnet that another account shares is shown with its owner, as are interfaces of others in what
		// this account shares.
		Op:     "ec2:DescribeNetworkInterfaces",
		Lists:  []model.Resource{&my.NetworkInterface{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			in := &ec2.DescribeNetworkInterfacesInput{MaxResults: size, IncludeManagedResources: aws.Bool(true)} // they use groups and addresses too
			return collect.Each(ctx, ec2.NewDescribeNetworkInterfacesPaginator(c, in), func(page *ec2.DescribeNetworkInterfacesOutput) {
				for _, i := range page.NetworkInterfaces {
					found(networkInterface(at, i))
				}
			})
		}),
	}, {
		Op:     "ec2:DescribeSecurityGroups",
		Lists:  []model.Resource{&my.SecurityGroup{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeSecurityGroupsPaginator(c, &ec2.DescribeSecurityGroupsInput{MaxResults: size}), func(page *ec2.DescribeSecurityGroupsOutput) {
				for _, g := range page.SecurityGroups {
					found(securityGroup(at, g))
				}
			})
		}),
	}, {
		Op:     "ec2:GetManagedPrefixListEntries",
		Lists:  []model.Resource{&my.PrefixList{}},
		Absent: []string{"InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound"},
		Do: collect.ByReference("AWS::EC2::PrefixList", 1, nil, func(ctx context.Context, refs []string, found collect.Found) error {
			cidrs := []string{}
			in := &ec2.GetManagedPrefixListEntriesInput{PrefixListId: &refs[0], MaxResults: smallSize}
			err := collect.Each(ctx, ec2.NewGetManagedPrefixListEntriesPaginator(c, in), func(page *ec2.GetManagedPrefixListEntriesOutput) {
				for _, e := range page.Entries {
					cidrs = append(cidrs, aws.ToString(e.Cidr))
				}
			})
			if err == nil {
				found(&my.PrefixList{Meta: model.Meta{ID: refs[0]}, CIDRs: model.Known(cidrs)})
			}
			return err
		}),
	}, {
		Op:     "ec2:DescribeSubnets",
		Lists:  []model.Resource{&my.Subnet{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeSubnetsPaginator(c, &ec2.DescribeSubnetsInput{MaxResults: size}), func(page *ec2.DescribeSubnetsOutput) {
				for _, s := range page.Subnets {
					found(subnet(at, s))
				}
			})
		}),
	}, {
		Op:     "ec2:DescribeVpcs",
		Lists:  []model.Resource{&my.VPC{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeVpcsPaginator(c, &ec2.DescribeVpcsInput{MaxResults: size}), func(page *ec2.DescribeVpcsOutput) {
				for _, v := range page.Vpcs {
					found(vpc(at, v))
				}
			})
		}),
	}, {
		Op:    "ec2:DescribeFlowLogs",
		Lists: []model.Resource{&my.FlowLog{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeFlowLogsPaginator(c, &ec2.DescribeFlowLogsInput{MaxResults: size}), func(page *ec2.DescribeFlowLogsOutput) {
				for _, l := range page.FlowLogs {
					found(flowLog(at, l))
				}
			})
		}),
	}, {
		Op:     "ec2:DescribeVpcEndpoints",
		Lists:  []model.Resource{&my.VPCEndpoint{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeVpcEndpointsPaginator(c, &ec2.DescribeVpcEndpointsInput{MaxResults: size}), func(page *ec2.DescribeVpcEndpointsOutput) {
				for _, e := range page.VpcEndpoints {
					found(vpcEndpoint(at, e))
				}
			})
		}),
	}, {
		Op:     "ec2:DescribeRouteTables",
		Lists:  []model.Resource{&my.RouteTable{}},
		Abroad: true,
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			return collect.Each(ctx, ec2.NewDescribeRouteTablesPaginator(c, &ec2.DescribeRouteTablesInput{MaxResults: smallSize}), func(page *ec2.DescribeRouteTablesOutput) {
				for _, t := range page.RouteTables {
					found(routeTable(at, t))
				}
			})
		}),
	}}
}

func volume(at collect.At, v types.Volume) *my.Volume {
	id, t := aws.ToString(v.VolumeId), tags(v.Tags)
	out := &my.Volume{
		Meta:        model.Meta{ID: id, ARN: arn(at, "volume/", id), Name: t["Name"]},
		State:       model.FromString(v.State),
		Type:        model.FromString(v.VolumeType),
		SizeGiB:     model.FromInt(v.Size),
		Encrypted:   model.FromPtr(v.Encrypted),
		KMSKey:      model.FromPtr(v.KmsKeyId),
		Created:     model.FromPtr(v.CreateTime),
		MultiAttach: model.FromPtr(v.MultiAttachEnabled),
		Attachments: attachments(v),
		Manager:     manager(v.Operator),
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
		out.IOPS = model.FromInt(v.Iops)
	}
	if v.Throughput != nil {
		out.ThroughputMiBs = model.FromInt(v.Throughput)
	}
	return out
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
		Type:             model.FromString(i.InstanceType),
		Profile:          model.Known(""),
		PublicAddresses:  model.Known(publicAddresses(i)),
		VPC:              model.OrNone(i.VpcId),
		Subnet:           model.OrNone(i.SubnetId),
		Lifecycle:        model.Known(string(i.InstanceLifecycle)),
		Manager:          manager(i.Operator),
		Tags:             model.Known(t),
	}
	if i.Placement != nil {
		out.Tenancy = model.FromString(i.Placement.Tenancy)
	}
	if i.IamInstanceProfile != nil {
		out.Profile = model.FromPtr(i.IamInstanceProfile.Arn)
	}
	if m := i.MetadataOptions; m != nil {
		out.MetadataTokens, out.MetadataEndpoint, out.MetadataHops = model.FromString(m.HttpTokens), model.FromString(m.HttpEndpoint), model.FromInt(m.HttpPutResponseHopLimit)
	}
	if i.State != nil {
		out.State = model.FromString(i.State.Name)
	}
	if i.StateReason != nil {
		out.StateReason = model.FromPtr(i.StateReason.Code)
	}
	return out
}

// publicAddresses returns those of an instance.
func publicAddresses(i types.Instance) []string {
	all := []*string{i.PublicIpAddress}
	for _, n := range i.NetworkInterfaces {
		for _, p := range n.PrivateIpAddresses {
			if p.Association != nil {
				all = append(all, p.Association.PublicIp)
			}
		}
		for _, a := range n.Ipv6Addresses {
			all = append(all, a.Ipv6Address)
		}
	}
	return public(all)
}

// publicAddressesOf returns those of an interface.
func publicAddressesOf(i types.NetworkInterface) []string {
	var all []*string
	if i.Association != nil {
		all = append(all, i.Association.PublicIp)
	}
	for _, p := range i.PrivateIpAddresses {
		if p.Association != nil {
			all = append(all, p.Association.PublicIp)
		}
	}
	for _, a := range i.Ipv6Addresses {
		all = append(all, a.Ipv6Address)
	}
	return public(all)
}

// public picks the addresses that mean the same everywhere in the world. IPv6 has private ones too. Emulators make theirs of 127.0.0.0/8,
// which EC2 never does.
func public(addresses []*string) []string {
	out := []string{}
	for _, a := range addresses {
		ip, err := netip.ParseAddr(aws.ToString(a))
		if err == nil && (ip.IsGlobalUnicast() || ip.IsLoopback()) && !ip.IsPrivate() && !slices.Contains(out, ip.String()) {
			out = append(out, ip.String())
		}
	}
	return out
}

// manager returns the service that manages a resource in place of the account. EC2 leaves the member out, or says that
// there is none.
func manager(o *types.OperatorResponse) model.Attr[string] {
	if o == nil || !aws.ToBool(o.Managed) {
		return model.Known("")
	}
	return model.FromPtr(o.Principal)
}

func image(at collect.At, i types.Image) *my.Image {
	id, t := aws.ToString(i.ImageId), tags(i.Tags)
	out := &my.Image{
		Meta:   model.Meta{ID: id, ARN: arnWithoutAccount(at, "image/", id), Name: cmp.Or(t["Name"], aws.ToString(i.Name))},
		State:  model.FromString(i.State),
		Public: model.FromPtr(i.Public),
		Tags:   model.Known(t),
	}
	if created, err := time.Parse(time.RFC3339, aws.ToString(i.CreationDate)); err == nil {
		out.Created = model.Known(created)
	}
	if i.BlockDeviceMappings != nil {
		snapshots := []string{}
		for _, d := range i.BlockDeviceMappings {
			if d.Ebs != nil && d.Ebs.SnapshotId != nil {
				snapshots = append(snapshots, *d.Ebs.SnapshotId)
			}
		}
		out.Snapshots = model.Known(snapshots)
	}
	return out
}

// snapshot returns one that is private, or of which only its attribute tells.
func snapshot(at collect.At, s types.Snapshot, public bool) *my.Snapshot {
	id, t := aws.ToString(s.SnapshotId), tags(s.Tags)
	out := &my.Snapshot{
		Meta:      model.Meta{ID: id, ARN: arnWithoutAccount(at, "snapshot/", id), Name: t["Name"]},
		State:     model.FromString(s.State),
		Encrypted: model.FromPtr(s.Encrypted),
		Volume:    model.FromPtr(s.VolumeId),
		SizeGiB:   model.FromInt(s.VolumeSize),
		Started:   model.FromPtr(s.StartTime),
		Tier:      model.FromString(s.StorageTier),
		Text:      model.OrNone(s.Description),
		Tags:      model.Known(t),
	}
	if !public {
		out.Public = model.Known(false)
	}
	return out
}

func address(at collect.At, a types.Address) *my.Address {
	id, t := aws.ToString(a.AllocationId), tags(a.Tags)
	return &my.Address{
		Meta:        model.Meta{ID: id, ARN: arn(at, "elastic-ip/", id), Name: t["Name"]},
		IP:          model.FromPtr(a.PublicIp),
		Association: model.OrNone(a.AssociationId),
		Instance:    model.OrNone(a.InstanceId),
		Interface:   model.OrNone(a.NetworkInterfaceId),
		Pool:        model.OrNone(a.PublicIpv4Pool), // emulators know of no pools
		Manager:     model.Known(string(a.ServiceManaged)),
		Tags:        model.Known(t),
	}
}

func networkInterface(at collect.At, i types.NetworkInterface) *my.NetworkInterface {
	id, t := aws.ToString(i.NetworkInterfaceId), tags(i.TagSet)
	out := &my.NetworkInterface{
		Meta:             owned(at, "network-interface/", id, i.OwnerId, t),
		Status:           model.FromString(i.Status),
		Type:             model.FromString(i.InterfaceType),
		RequesterManaged: model.FromPtr(i.RequesterManaged),
		Instance:         model.Known(""),
		VPC:              model.FromPtr(i.VpcId),
		Subnet:           model.FromPtr(i.SubnetId),
		PublicAddresses:  model.Known(publicAddressesOf(i)),
		SourceDestCheck:  model.FromPtr(i.SourceDestCheck),
		Tags:             model.Known(t),
	}
	if i.Attachment != nil {
		out.Instance = model.OrNone(i.Attachment.InstanceId)
	}
	if i.Groups != nil {
		ids := make([]string, len(i.Groups))
		for k, g := range i.Groups {
			ids[k] = aws.ToString(g.GroupId)
		}
		out.Groups = model.Known(ids)
	}
	return out
}

func securityGroup(at collect.At, g types.SecurityGroup) *my.SecurityGroup {
	id, t := aws.ToString(g.GroupId), tags(g.Tags)
	out := &my.SecurityGroup{
		Meta:      owned(at, "security-group/", id, g.OwnerId, t),
		GroupName: model.FromPtr(g.GroupName),
		VPC:       model.FromPtr(g.VpcId),
		Inbound:   permissions(g.IpPermissions),
		Outbound:  permissions(g.IpPermissionsEgress),
		Tags:      model.Known(t),
	}
	out.Name = aws.ToString(g.GroupName) // by which people know it
	return out
}

// permissions copies the rules of one direction. EC2 writes an empty set where there are none. A permission of TCP, UDP or
// ICMP without ports would be a garbled one.
func permissions(in []types.IpPermission) (unknown model.Attr[my.Permissions]) {
	if in == nil {
		return unknown
	}
	out := my.Permissions{}
	for _, p := range in {
		q := my.Permission{Protocol: aws.ToString(p.IpProtocol), From: -1, To: -1}
		switch q.Protocol {
		case "":
			return unknown
		case "tcp", "udp", "icmp", "6", "17", "1":
			if p.FromPort == nil || p.ToPort == nil {
				return unknown
			}
		}
		if p.FromPort != nil && p.ToPort != nil {
			q.From, q.To = int(*p.FromPort), int(*p.ToPort)
		}
		for _, r := range p.IpRanges {
			q.IPv4 = append(q.IPv4, aws.ToString(r.CidrIp))
		}
		for _, r := range p.Ipv6Ranges {
			q.IPv6 = append(q.IPv6, aws.ToString(r.CidrIpv6))
		}
		for _, l := range p.PrefixListIds {
			q.PrefixLists = append(q.PrefixLists, aws.ToString(l.PrefixListId))
		}
		for _, g := range p.UserIdGroupPairs {
			q.Groups = append(q.Groups, aws.ToString(g.GroupId))
		}
		out = append(out, q)
	}
	return model.Known(out)
}

func subnet(at collect.At, s types.Subnet) *my.Subnet {
	t := tags(s.Tags)
	return &my.Subnet{
		Meta:        owned(at, "subnet/", aws.ToString(s.SubnetId), s.OwnerId, t),
		State:       model.FromString(s.State),
		VPC:         model.FromPtr(s.VpcId),
		Zone:        model.FromPtr(s.AvailabilityZone),
		CIDR:        model.OrNone(s.CidrBlock),
		IPv6Only:    model.FromPtr(s.Ipv6Native),
		Free:        model.FromInt(s.AvailableIpAddressCount),
		MapPublicIP: model.FromPtr(s.MapPublicIpOnLaunch),
		Default:     model.FromPtr(s.DefaultForAz),
		Tags:        model.Known(t),
	}
}

func vpc(at collect.At, v types.Vpc) *my.VPC {
	t := tags(v.Tags)
	return &my.VPC{
		Meta:    owned(at, "vpc/", aws.ToString(v.VpcId), v.OwnerId, t),
		State:   model.FromString(v.State),
		CIDR:    model.FromPtr(v.CidrBlock),
		Default: model.FromPtr(v.IsDefault),
		Tags:    model.Known(t),
	}
}

func flowLog(at collect.At, l types.FlowLog) *my.FlowLog {
	id := aws.ToString(l.FlowLogId)
	out := &my.FlowLog{
		Meta:            model.Meta{ID: id, ARN: arn(at, "vpc-flow-log/", id), Name: tags(l.Tags)["Name"]},
		Resource:        model.FromPtr(l.ResourceId),
		Status:          model.FromPtr(l.FlowLogStatus),
		Traffic:         model.FromString(l.TrafficType),
		Delivery:        model.FromPtr(l.DeliverLogsStatus),
		DeliveryError:   model.OrNone(l.DeliverLogsErrorMessage),
		DestinationType: model.FromString(l.LogDestinationType),
	}
	if strings.HasPrefix(aws.ToString(l.ResourceId), "tgw-") {
		out.Traffic = model.Known(string(l.TrafficType))
	}
	return out
}

func vpcEndpoint(at collect.At, e types.VpcEndpoint) *my.VPCEndpoint {
	t := tags(e.Tags)
	out := &my.VPCEndpoint{
		Meta:       owned(at, "vpc-endpoint/", aws.ToString(e.VpcEndpointId), e.OwnerId, t),
		State:      model.FromString(e.State),
		Type:       model.FromString(e.VpcEndpointType),
		Service:    model.OrNone(e.ServiceName), // a resource or a service network has none
		VPC:        model.FromPtr(e.VpcId),
		PrivateDNS: model.FromPtr(e.PrivateDnsEnabled),
		Policy:     model.OrNone(e.PolicyDocument),
		Tags:       model.Known(t),
	}
	if e.RouteTableIds != nil {
		out.RouteTables = model.Known(e.RouteTableIds)
	}
	if e.SubnetIds != nil {
		out.Subnets = model.Known(e.SubnetIds)
	}
	return out
}

func routeTable(at collect.At, r types.RouteTable) *my.RouteTable {
	t := tags(r.Tags)
	out := &my.RouteTable{
		Meta: owned(at, "route-table/", aws.ToString(r.RouteTableId), r.OwnerId, t),
		VPC:  model.FromPtr(r.VpcId),
		Tags: model.Known(t),
	}
	if r.Associations != nil {
		main, subnets := false, []string{}
		for _, a := range r.Associations {
			main = main || aws.ToBool(a.Main)
			if a.SubnetId != nil {
				subnets = append(subnets, *a.SubnetId)
			}
		}
		out.Main, out.Subnets = model.Known(main), model.Known(subnets)
	}
	if r.Routes != nil { // there is always the local one
		routes := []my.Route{}
		for _, x := range r.Routes {
			routes = append(routes, my.Route{
				Destination: first(x.DestinationCidrBlock, x.DestinationIpv6CidrBlock, x.DestinationPrefixListId),
				Target: first(x.NatGatewayId, x.TransitGatewayId, x.VpcPeeringConnectionId, x.EgressOnlyInternetGatewayId, x.CarrierGatewayId,
					x.LocalGatewayId, x.NetworkInterfaceId, x.CoreNetworkArn, x.OdbNetworkArn, x.GatewayId),
				State: string(x.State),
			})
		}
		out.Routes = model.Known(routes)
	}
	return out
}

// first returns the one of several members that EC2 fills.
func first(members ...*string) string {
	for _, m := range members {
		if m != nil {
			return *m
		}
	}
	return ""
}

// owned describes what another account may own and share.
func owned(at collect.At, kind, id string, owner *string, tags map[string]string) model.Meta {
	at.Account = cmp.Or(aws.ToString(owner), at.Account)
	return model.Meta{ID: id, ARN: arn(at, kind, id), Name: tags["Name"], Account: aws.ToString(owner)}
}

// arnWithoutAccount returns the ARN of an image or a snapshot, which have no account in it.
func arnWithoutAccount(at collect.At, kind, id string) string {
	at.Account = ""
	return arn(at, kind, id)
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
