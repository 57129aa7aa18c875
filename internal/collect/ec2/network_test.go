package ec2

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const account = "111122223333"

// resource is a line of the snapshot about something that may belong to another account.
func resource(kind, arnKind, id, name, owner, rest string) string {
	if name != "" {
		name = `,"name":"` + name + `"`
	}
	shared := ""
	if owner != account {
		shared = `,"shared":["` + account + `"]`
	}
	return `{"kind":"AWS::EC2::` + kind + `","id":"` + id + `","arn":"arn:aws:ec2:eu-central-1:` + owner + `:` + arnKind + `/` + id + `"` + name +
		`,"account":"` + owner + `","region":"eu-central-1"` + shared + rest + `}`
}

// TestLists collects each kind from two pages. What EC2 always tells is unknown if it is missing, and what another account owns is
// kept as its own.
func TestLists(t *testing.T) {
	const ours, theirs = `<ownerId>111122223333</ownerId>`, `<ownerId>999988887777</ownerId>`
	for _, test := range []struct {
		read, op, params string
		first, second    string
		want             []string
	}{
		{"ec2.NetworkInterface", "DescribeNetworkInterfaces", "IncludeManagedResources=true&MaxResults=1000",
			`<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>` + ours + `<status>in-use</status><interfaceType>interface</interfaceType>
				<requesterManaged>false</requesterManaged><sourceDestCheck>true</sourceDestCheck><attachment><instanceId>i-1</instanceId><status>attached</status></attachment>
				<association><publicIp>203.0.113.9</publicIp></association><groupSet><item><groupId>sg-1</groupId><groupName>web</groupName></item></groupSet>
				<privateIpAddressesSet><item><privateIpAddress>10.0.0.4</privateIpAddress><association><publicIp>203.0.113.9</publicIp></association></item></privateIpAddressesSet>
				<ipv6AddressesSet><item><ipv6Address>fd00::1</ipv6Address></item></ipv6AddressesSet><tagSet><item><key>Name</key><value>web</value></item></tagSet></item></networkInterfaceSet>`,
			`<networkInterfaceSet><item><networkInterfaceId>eni-2</networkInterfaceId>` + theirs + `<groupSet/></item><item><networkInterfaceId>eni-3</networkInterfaceId><association><publicIp>127.1.2.3</publicIp></association></item></networkInterfaceSet>`,
			[]string{
				resource("NetworkInterface", "network-interface", "eni-1", "web", account, `,"status":"in-use","type":"interface","requesterManaged":false,"instance":"i-1","vpc":"vpc-1","subnet":"subnet-1","groups":["sg-1"],`+
					`"publicAddresses":["203.0.113.9"],"sourceDestCheck":true,"tags":{"Name":"web"}`),
				resource("NetworkInterface", "network-interface", "eni-2", "", "999988887777", `,"instance":"","groups":[],"publicAddresses":[],"tags":{}`),
				resource("NetworkInterface", "network-interface", "eni-3", "", account, `,"instance":"","publicAddresses":["127.1.2.3"],"tags":{}`),
			}},
		{"ec2.SecurityGroup", "DescribeSecurityGroups", "MaxResults=1000",
			`<securityGroupInfo><item>` + ours + `<groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId><ipPermissions>
				<item><ipProtocol>tcp</ipProtocol><fromPort>443</fromPort><toPort>444</toPort><groups><item><groupId>sg-9</groupId></item></groups><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>
					<ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges><prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item>
				<item><ipProtocol>-1</ipProtocol><groups/><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges><ipv6Ranges/><prefixListIds/></item></ipPermissions><ipPermissionsEgress/></item></securityGroupInfo>`,
			`<securityGroupInfo><item>` + theirs + `<groupId>sg-2</groupId><groupName>shared</groupName><ipPermissions><item><ipProtocol>tcp</ipProtocol></item></ipPermissions><ipPermissionsEgress><item/></ipPermissionsEgress></item>
				<item><groupId>sg-3</groupId></item></securityGroupInfo>`,
			[]string{
				resource("SecurityGroup", "security-group", "sg-1", "web", account, `,"groupName":"web","vpc":"vpc-1","inbound":[{"protocol":"tcp","from":443,"to":444,"ipv4":["0.0.0.0/0"],"ipv6":["::/0"],"prefixLists":["pl-1"],"groups":["sg-9"]},`+
					`{"protocol":"-1","from":-1,"to":-1,"ipv4":["10.0.0.0/8"]}],"outbound":[],"tags":{}`),
				resource("SecurityGroup", "security-group", "sg-2", "shared", "999988887777", `,"groupName":"shared","tags":{}`),
				resource("SecurityGroup", "security-group", "sg-3", "", account, `,"tags":{}`),
			}},
		{"ec2.Subnet", "DescribeSubnets", "MaxResults=1000",
			`<subnetSet><item><subnetId>subnet-1</subnetId>` + ours + `<state>available</state><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/24</cidrBlock><ipv6Native>false</ipv6Native><availableIpAddressCount>250</availableIpAddressCount>
				<availabilityZone>eu-central-1a</availabilityZone><defaultForAz>false</defaultForAz><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item></subnetSet>`,
			`<subnetSet><item><subnetId>subnet-2</subnetId>` + theirs + `<ipv6Native>true</ipv6Native></item></subnetSet>`,
			[]string{
				resource("Subnet", "subnet", "subnet-1", "", account, `,"state":"available","vpc":"vpc-1","zone":"eu-central-1a","cidr":"10.0.0.0/24","ipv6Only":false,"free":250,"mapPublicIp":true,"default":false,"tags":{}`),
				resource("Subnet", "subnet", "subnet-2", "", "999988887777", `,"cidr":"","ipv6Only":true,"tags":{}`),
			}},
		{"ec2.VPC", "DescribeVpcs", "MaxResults=1000",
			`<vpcSet><item><vpcId>vpc-1</vpcId>` + ours + `<state>available</state><cidrBlock>10.0.0.0/16</cidrBlock><isDefault>false</isDefault><tagSet><item><key>Name</key><value>shop</value></item></tagSet></item></vpcSet>`,
			`<vpcSet><item><vpcId>vpc-2</vpcId>` + theirs + `</item></vpcSet>`,
			[]string{
				resource("VPC", "vpc", "vpc-1", "shop", account, `,"state":"available","cidr":"10.0.0.0/16","default":false,"tags":{"Name":"shop"}`),
				resource("VPC", "vpc", "vpc-2", "", "999988887777", `,"tags":{}`),
			}},
		{"ec2.FlowLog", "DescribeFlowLogs", "MaxResults=1000",
			`<flowLogSet><item><flowLogId>fl-1</flowLogId><resourceId>vpc-1</resourceId><flowLogStatus>ACTIVE</flowLogStatus><trafficType>ALL</trafficType><deliverLogsStatus>FAILED</deliverLogsStatus>
				<deliverLogsErrorMessage>Access error</deliverLogsErrorMessage><logDestinationType>s3</logDestinationType></item></flowLogSet>`,
			`<flowLogSet><item><flowLogId>fl-2</flowLogId><resourceId>tgw-1</resourceId></item><item><flowLogId>fl-3</flowLogId><resourceId>eni-1</resourceId></item></flowLogSet>`,
			[]string{
				resource("FlowLog", "vpc-flow-log", "fl-1", "", account, `,"resource":"vpc-1","status":"ACTIVE","traffic":"ALL","delivery":"FAILED","deliveryError":"Access error","destinationType":"s3"`),
				resource("FlowLog", "vpc-flow-log", "fl-2", "", account, `,"resource":"tgw-1","traffic":"","deliveryError":""`),
				resource("FlowLog", "vpc-flow-log", "fl-3", "", account, `,"resource":"eni-1","deliveryError":""`),
			}},
		{"ec2.VPCEndpoint", "DescribeVpcEndpoints", "MaxResults=1000",
			`<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId>` + ours + `<vpcEndpointType>Gateway</vpcEndpointType><vpcId>vpc-1</vpcId><serviceName>com.amazonaws.eu-central-1.s3</serviceName><state>available</state>
				<policyDocument>{}</policyDocument><routeTableIdSet><item>rtb-1</item></routeTableIdSet><subnetIdSet/><privateDnsEnabled>false</privateDnsEnabled></item></vpcEndpointSet>`,
			`<vpcEndpointSet><item><vpcEndpointId>vpce-2</vpcEndpointId></item></vpcEndpointSet>`,
			[]string{
				resource("VPCEndpoint", "vpc-endpoint", "vpce-1", "", account, `,"state":"available","type":"Gateway","service":"com.amazonaws.eu-central-1.s3","vpc":"vpc-1","routeTables":["rtb-1"],"subnets":[],"privateDns":false,"policy":"{}","tags":{}`),
				resource("VPCEndpoint", "vpc-endpoint", "vpce-2", "", account, `,"service":"","policy":"","tags":{}`),
			}},
		{"ec2.RouteTable", "DescribeRouteTables", "MaxResults=100",
			`<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId>` + ours + `<routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId><state>active</state></item>
				<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item>
				<item><destinationIpv6CidrBlock>::/0</destinationIpv6CidrBlock><egressOnlyInternetGatewayId>eigw-1</egressOnlyInternetGatewayId><state>blackhole</state></item>
				<item><destinationPrefixListId>pl-1</destinationPrefixListId><gatewayId>vpce-1</gatewayId><state>active</state></item></routeSet>
				<associationSet><item><main>true</main></item><item><main>false</main><subnetId>subnet-1</subnetId></item></associationSet></item></routeTableSet>`,
			`<routeTableSet><item><routeTableId>rtb-2</routeTableId>` + theirs + `<associationSet/></item></routeTableSet>`,
			[]string{
				resource("RouteTable", "route-table", "rtb-1", "", account, `,"vpc":"vpc-1","main":true,"subnets":["subnet-1"],"routes":[{"destination":"10.0.0.0/16","target":"local","state":"active"},{"destination":"0.0.0.0/0","target":"nat-1","state":"active"},`+
					`{"destination":"::/0","target":"eigw-1","state":"blackhole"},{"destination":"pl-1","target":"vpce-1","state":"active"}],"tags":{}`),
				resource("RouteTable", "route-table", "rtb-2", "", "999988887777", `,"main":false,"subnets":[],"tags":{}`),
			}},
		{"ec2.Image", "DescribeImages", "IncludeDisabled=true&MaxResults=1000&Owner.1=self",
			`<imagesSet><item><imageId>ami-1</imageId><imageOwnerId>111122223333</imageOwnerId><imageState>disabled</imageState><isPublic>true</isPublic><name>web</name><creationDate>2025-01-02T03:04:05.000Z</creationDate>
				<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><snapshotId>snap-1</snapshotId></ebs></item><item><deviceName>/dev/sdb</deviceName><virtualName>ephemeral0</virtualName></item></blockDeviceMapping></item></imagesSet>`,
			`<imagesSet><item><imageId>ami-2</imageId></item></imagesSet>`,
			[]string{
				`{"kind":"AWS::EC2::Image","id":"ami-1","arn":"arn:aws:ec2:eu-central-1::image/ami-1","name":"web","account":"111122223333","region":"eu-central-1",` +
					`"state":"disabled","public":true,"created":"2025-01-02T03:04:05Z","snapshots":["snap-1"],"tags":{}}`,
				`{"kind":"AWS::EC2::Image","id":"ami-2","arn":"arn:aws:ec2:eu-central-1::image/ami-2","account":"111122223333","region":"eu-central-1","tags":{}}`,
			}},
	} {
		t.Run(test.op, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{test.read}, []string{"eu-central-1"}, func(_, op, params string) string {
				switch params {
				case test.params:
					return test.first + `<nextToken>2</nextToken>`
				case page(test.params):
					return test.second
				}
				t.Errorf("unexpected %s with %s", op, params)
				return "!Unexpected"
			})
			collecttest.Want(t, got, test.want...)
			if want := []string{"eu-central-1 " + test.op, "eu-central-1 " + test.op}; !slices.Equal(requests, want) {
				t.Errorf("requests %q, want %q", requests, want)
			}
		})
	}
}

// page is the request for the second page.
func page(params string) string {
	parts := append(strings.Split(params, "&"), "NextToken=2")
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// Addresses have no pages. EC2 leaves out what an address is not associated with.
func TestAddresses(t *testing.T) {
	got, _ := collecttest.Run(t, Calls, []string{"ec2.Address"}, []string{"eu-central-1"}, func(_, _, params string) string {
		if params != "" {
			t.Errorf("params %q", params)
		}
		return `<addressesSet><item><publicIp>203.0.113.9</publicIp><allocationId>eipalloc-1</allocationId><associationId>eipassoc-1</associationId><instanceId>i-1</instanceId><networkInterfaceId>eni-1</networkInterfaceId>
				<publicIpv4Pool>amazon</publicIpv4Pool><domain>vpc</domain><tagSet><item><key>Name</key><value>web</value></item></tagSet></item>
			<item><publicIp>203.0.113.10</publicIp><allocationId>eipalloc-2</allocationId><serviceManaged>alb</serviceManaged></item></addressesSet>`
	})
	collecttest.Want(t, got,
		resource("EIP", "elastic-ip", "eipalloc-1", "web", account, `,"ip":"203.0.113.9","association":"eipassoc-1","instance":"i-1","interface":"eni-1","pool":"amazon","manager":"","tags":{"Name":"web"}`),
		resource("EIP", "elastic-ip", "eipalloc-2", "", account, `,"ip":"203.0.113.10","association":"","instance":"","interface":"","pool":"","manager":"alb","tags":{}`))
}

// Own snapshots, and which of them are public, take one list each. An emulator shows those of others too, and all among the public ones:
// these are asked about one by one. Without the list of the public ones nothing is known of any: all of them could be.
func TestSnapshots(t *testing.T) {
	const own, public = "MaxResults=1000&Owner.1=self", "MaxResults=1000&Owner.1=self&RestorableBy.1=all"
	snapshot := func(id, owner string) string {
		return `<item><snapshotId>` + id + `</snapshotId><ownerId>` + owner + `</ownerId><status>completed</status><encrypted>false</encrypted><volumeId>vol-1</volumeId><volumeSize>8</volumeSize>
			<startTime>2025-01-02T03:04:05.000Z</startTime><storageTier>standard</storageTier><description>for ami-1</description></item>`
	}
	line := func(id, public string) string {
		gaps := ""
		if public != "" && public[0] == '!' {
			public, gaps = "", `,"gaps":[{"reason":"access-denied","call":"ec2:DescribeSnapshotAttribute","detail":"UnauthorizedOperation: no"}]`
		}
		if public != "" {
			public = `,"public":` + public
		}
		return `{"kind":"AWS::EC2::Snapshot","id":"` + id + `","arn":"arn:aws:ec2:eu-central-1::snapshot/` + id + `","account":"111122223333","region":"eu-central-1"` + gaps + `,"state":"completed"` + public +
			`,"encrypted":false,"volume":"vol-1","sizeGiB":8,"started":"2025-01-02T03:04:05Z","tier":"standard","text":"for ami-1","tags":{}}`
	}
	attribute := func(id string) string { return "Attribute=createVolumePermission&SnapshotId=" + id }
	denied := func() string {
		return hole("Snapshot", `"reason":"access-denied","call":"ec2:DescribeSnapshots","detail":"UnauthorizedOperation: no"`)
	}
	whole := map[string]string{
		public:              `<snapshotSet>` + snapshot("snap-1", account) + snapshot("snap-other", "999988887777") + `</snapshotSet><nextToken>2</nextToken>`,
		page(public):        `<snapshotSet>` + snapshot("snap-3", account) + snapshot("snap-4", account) + snapshot("snap-5", account) + `</snapshotSet>`,
		own:                 `<snapshotSet>` + snapshot("snap-1", account) + snapshot("snap-2", account) + snapshot("snap-other", "999988887777") + `</snapshotSet><nextToken>2</nextToken>`,
		page(own):           `<snapshotSet>` + snapshot("snap-3", account) + snapshot("snap-4", account) + snapshot("snap-5", account) + `</snapshotSet>`,
		attribute("snap-1"): `<createVolumePermission><item><userId>999988887777</userId></item><item><group>all</group></item></createVolumePermission>`,
		attribute("snap-3"): `<createVolumePermission/>`,
		attribute("snap-4"): `<createVolumePermission><item><userId>999988887777</userId></item></createVolumePermission>`,
		attribute("snap-5"): `<snapshotId>snap-5</snapshotId>`,
	}
	for _, test := range []struct {
		name, fails string
		want        []string
	}{
		{"all", "", []string{line("snap-1", "true"), line("snap-2", "false"), line("snap-3", "false"), line("snap-4", "false"), line("snap-5", "")}},
		{"an attribute denied", attribute("snap-1"), []string{line("snap-1", "!"), line("snap-2", "false"), line("snap-3", "false"), line("snap-4", "false"), line("snap-5", "")}},
		{"public ones denied", public, []string{denied()}},
		{"second page of public ones denied", page(public), []string{denied()}},
		{"own ones denied", own, []string{denied()}},
		{"second page of own ones denied", page(own), []string{line("snap-1", "true"), line("snap-2", "false"), denied()}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"ec2.Snapshot", "ec2.Snapshot.Public"}, []string{"eu-central-1"}, func(_, op, params string) string {
				if params == test.fails {
					return "!UnauthorizedOperation no"
				}
				if whole[params] == "" {
					t.Errorf("unexpected %s with %s", op, params)
				}
				return whole[params]
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}

// What is set for a region is asked once there.
func TestRegion(t *testing.T) {
	const call = "ec2:GetSnapshotBlockPublicAccessState"
	for _, test := range []struct{ answer, want string }{
		{`<state>block-all-sharing</state><managedBy>declarative-policy</managedBy>`, `,"snapshotBlock":"block-all-sharing","snapshotBlockSet":"declarative-policy"`},
		{`<requestId>x</requestId>`, ``},
		{`!UnauthorizedOperation no`, `,"gaps":[{"reason":"access-denied","call":"` + call + `","detail":"UnauthorizedOperation: no"}]`},
		{`!UnsupportedOperation not here`, `,"gaps":[{"reason":"call-failed","call":"` + call + `","detail":"UnsupportedOperation: not here"}]`},
	} {
		got, _ := collecttest.Run(t, Calls, []string{"ec2.Region.SnapshotBlock"}, []string{"eu-central-1"}, func(_, _, _ string) string { return test.answer })
		collecttest.Want(t, got, `{"kind":"AWS::EC2::Region","id":"eu-central-1","account":"111122223333","region":"eu-central-1"`+test.want+`}`)
	}
}

// Prefix lists are asked for by the groups that name them: each once, all pages of it.
func TestPrefixLists(t *testing.T) {
	answers := map[string]string{
		"MaxResults=1000": `<securityGroupInfo><item><groupId>sg-1</groupId><ipPermissions><item><ipProtocol>-1</ipProtocol><prefixListIds>` +
			`<item><prefixListId>pl-1</prefixListId></item><item><prefixListId>pl-gone</prefixListId></item><item><prefixListId>pl-denied</prefixListId></item></prefixListIds></item></ipPermissions></item>` +
			`<item><groupId>sg-2</groupId><ipPermissions><item><ipProtocol>-1</ipProtocol><prefixListIds><item><prefixListId>pl-1</prefixListId></item></prefixListIds></item></ipPermissions></item></securityGroupInfo>`,
		"MaxResults=100&PrefixListId=pl-1":             `<entrySet><item><cidr>10.0.0.0/8</cidr></item></entrySet><nextToken>2</nextToken>`,
		"MaxResults=100&NextToken=2&PrefixListId=pl-1": `<entrySet><item><cidr>0.0.0.0/0</cidr></item></entrySet>`,
		"MaxResults=100&PrefixListId=pl-gone":          `!InvalidPrefixListID.NotFound no such list`,
		"MaxResults=100&PrefixListId=pl-denied":        `!UnauthorizedOperation no`,
	}
	got, requests := collecttest.Run(t, Calls, []string{"ec2.SecurityGroup.Inbound", "ec2.PrefixList.CIDRs"}, []string{"eu-central-1"}, func(_, _, params string) string { return answers[params] })
	for _, line := range []string{
		`{"kind":"AWS::EC2::PrefixList","id":"pl-1","account":"111122223333","region":"eu-central-1","cidrs":["10.0.0.0/8","0.0.0.0/0"]}`,
		`{"absent":"AWS::EC2::PrefixList","account":"111122223333","region":"eu-central-1","id":"pl-gone"}`,
		`{"unlisted":"AWS::EC2::PrefixList","account":"111122223333","region":"eu-central-1","id":"pl-denied","gap":{"reason":"access-denied","call":"ec2:GetManagedPrefixListEntries","detail":"UnauthorizedOperation: no"}}`,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("missing %s", line)
		}
	}
	if len(requests) != 5 {
		t.Errorf("requests %q", requests)
	}
}
