package ec2

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

// line is a line of the snapshot about a volume or an instance.
func line(kind, id, name, rest string) string {
	if name != "" {
		name = `,"name":"` + name + `"`
	}
	return `{"kind":"AWS::EC2::` + kind + `","id":"` + id + `","arn":"arn:aws:ec2:eu-central-1:111122223333:` + strings.ToLower(kind) + `/` + id + `"` + name +
		`,"account":"111122223333","region":"eu-central-1"` + rest + `}`
}

func hole(kind, rest string) string {
	return `{"unlisted":"AWS::EC2::` + kind + `","account":"111122223333","region":"eu-central-1","gap":{` + rest + `}}`
}

// run collects one kind, whose list must ask for nothing but these pages.
func run(t *testing.T, kind, first, second string) (snapshot string, requests []string) {
	t.Helper()
	return collecttest.Run(t, Calls, []string{"ec2." + kind}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch {
		case op == "Describe"+kind+"s" && params == "MaxResults=1000":
			return first
		case op == "Describe"+kind+"s" && params == "MaxResults=1000&NextToken=2":
			return second
		}
		t.Errorf("unexpected %s with %s", op, params)
		return "!Unexpected"
	})
}

// Two pages of volumes, and everything about them.
func TestVolumes(t *testing.T) {
	got, requests := run(t, "Volume", `<volumeSet><item>
			<volumeId>vol-1</volumeId><size>8</size><snapshotId/><availabilityZone>eu-central-1a</availabilityZone><status>in-use</status><createTime>2025-01-02T03:04:05.000Z</createTime>
			<attachmentSet><item><volumeId>vol-1</volumeId><instanceId>i-1</instanceId><device>/dev/xvda</device><status>attached</status><attachTime>2025-01-02T03:04:05.000Z</attachTime><deleteOnTermination>true</deleteOnTermination></item></attachmentSet>
			<tagSet><item><key>Name</key><value>root</value></item><item><key>empty</key><value/></item></tagSet>
			<volumeType>gp3</volumeType><iops>3000</iops><throughput>125</throughput><encrypted>true</encrypted><kmsKeyId>arn:aws:kms:eu-central-1:111122223333:key/k</kmsKeyId><multiAttachEnabled>false</multiAttachEnabled>
		</item></volumeSet><nextToken>2</nextToken>`,
		`<volumeSet><item>
			<volumeId>vol-2</volumeId><size>100</size><status>in-use</status><createTime>2025-01-02T03:04:05.000Z</createTime>
			<attachmentSet><item><instanceId>i-1</instanceId><device>/dev/sdf</device><status>attached</status><deleteOnTermination>false</deleteOnTermination></item>
				<item><instanceId>i-2</instanceId><device>/dev/sdg</device><status>detaching</status><deleteOnTermination>false</deleteOnTermination></item></attachmentSet>
			<volumeType>io2</volumeType><iops>64000</iops><encrypted>false</encrypted><multiAttachEnabled>true</multiAttachEnabled>
		</item><item>
			<volumeId>vol-3</volumeId><size>500</size><status>available</status><createTime>2025-01-02T03:04:05.000Z</createTime><attachmentSet/>
			<volumeType>st1</volumeType><encrypted>false</encrypted><multiAttachEnabled>false</multiAttachEnabled>
		</item></volumeSet>`)
	collecttest.Want(t, got,
		line("Volume", "vol-1", "root", `,"state":"in-use","type":"gp3","sizeGiB":8,"iops":3000,"throughputMiBs":125,"encrypted":true,"kmsKey":"arn:aws:kms:eu-central-1:111122223333:key/k","created":"2025-01-02T03:04:05Z","multiAttach":false,`+
			`"attachments":[{"instance":"i-1","device":"/dev/xvda","state":"attached","deleteOnTermination":true}],"manager":"","tags":{"Name":"root","empty":""}`),
		line("Volume", "vol-2", "", `,"state":"in-use","type":"io2","sizeGiB":100,"iops":64000,"throughputMiBs":0,"encrypted":false,"kmsKey":"","created":"2025-01-02T03:04:05Z","multiAttach":true,`+
			`"attachments":[{"instance":"i-1","device":"/dev/sdf","state":"attached","deleteOnTermination":false},{"instance":"i-2","device":"/dev/sdg","state":"detaching","deleteOnTermination":false}],"manager":"","tags":{}`),
		line("Volume", "vol-3", "", `,"state":"available","type":"st1","sizeGiB":500,"iops":0,"throughputMiBs":0,"encrypted":false,"kmsKey":"","created":"2025-01-02T03:04:05Z","multiAttach":false,"attachments":[],"manager":"","tags":{}`),
	)
	if want := []string{"eu-central-1 DescribeVolumes", "eu-central-1 DescribeVolumes"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What EC2 always tells is unknown if it is missing. Tags it leaves out if there are none; IOPS and throughput of the types
// that have none; the key of a volume that is not encrypted; and a set of attachments is missing or empty alike.
func TestVolumeMembersMissing(t *testing.T) {
	const attached = `<instanceId>i-1</instanceId><device>/dev/sdf</device><status>attached</status>`
	const attachment = `,"attachments":[{"instance":"i-1","device":"/dev/sdf","state":"attached","deleteOnTermination":false}]`
	for _, test := range []struct{ name, xml, want string }{
		{"everything", ``, `,"manager":"","tags":{}`},
		{"gp2", `<volumeType>gp2</volumeType>`, `,"type":"gp2","throughputMiBs":0,"manager":"","tags":{}`},
		{"gp3", `<volumeType>gp3</volumeType>`, `,"type":"gp3","manager":"","tags":{}`},
		{"io1", `<volumeType>io1</volumeType>`, `,"type":"io1","throughputMiBs":0,"manager":"","tags":{}`},
		{"io2", `<volumeType>io2</volumeType>`, `,"type":"io2","throughputMiBs":0,"manager":"","tags":{}`},
		{"sc1", `<volumeType>sc1</volumeType>`, `,"type":"sc1","iops":0,"throughputMiBs":0,"manager":"","tags":{}`},
		{"standard", `<volumeType>standard</volumeType>`, `,"type":"standard","iops":0,"throughputMiBs":0,"manager":"","tags":{}`},
		{"a new type", `<volumeType>gp9</volumeType>`, `,"type":"gp9","manager":"","tags":{}`},
		{"key of an encrypted volume", `<encrypted>true</encrypted>`, `,"encrypted":true,"manager":"","tags":{}`},
		{"attachments of a volume in use", `<status>in-use</status>`, `,"state":"in-use","manager":"","tags":{}`},
		{"empty attachments of a volume in use", `<status>in-use</status><attachmentSet/>`, `,"state":"in-use","manager":"","tags":{}`},
		{"attachments of a volume not in use", `<status>creating</status>`, `,"state":"creating","attachments":[],"manager":"","tags":{}`},
		{"empty attachments without a state", `<attachmentSet/>`, `,"manager":"","tags":{}`},
		{"a managed one", `<operator><managed>true</managed><principal>eks.amazonaws.com</principal></operator>`, `,"manager":"eks.amazonaws.com","tags":{}`},
		{"manager of a managed one", `<operator><managed>true</managed></operator>`, `,"tags":{}`},
		{"one that nobody manages", `<operator><managed>false</managed></operator>`, `,"manager":"","tags":{}`},
		{"whole attachment", `<status>in-use</status><attachmentSet><item>` + attached + `</item></attachmentSet>`, `,"state":"in-use"` + attachment + `,"manager":"","tags":{}`},
		{"state of an attachment", `<status>in-use</status><attachmentSet><item>` + attached + `</item><item><instanceId>i-2</instanceId></item></attachmentSet>`, `,"state":"in-use","manager":"","tags":{}`},
		{"instance of an attachment", `<status>in-use</status><attachmentSet><item><device>/dev/sdf</device><status>attached</status></item></attachmentSet>`, `,"state":"in-use","manager":"","tags":{}`},
		{"instance that a service of AWS manages", `<status>in-use</status><attachmentSet><item><associatedResource>arn:aws:ecs:x</associatedResource><status>attached</status></item></attachmentSet>`,
			`,"state":"in-use","attachments":[{"instance":"","device":"","state":"attached","deleteOnTermination":false}],"manager":"","tags":{}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := run(t, "Volume", `<volumeSet><item><volumeId>vol-1</volumeId>`+test.xml+`</item></volumeSet>`, "")
			collecttest.Want(t, got, line("Volume", "vol-1", "", test.want))
		})
	}
}

// Two pages and several reservations of instances. EC2 leaves out the tags, the Auto Scaling group among them, and the
// reason of the state if there is none; other members that are missing are unknown.
func TestInstances(t *testing.T) {
	got, requests := run(t, "Instance", `<reservationSet><item><reservationId>r-1</reservationId><ownerId>111122223333</ownerId><instancesSet>
			<item><instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>80</code><name>stopped</name></instanceState><reason>User initiated (2025-11-01 10:00:00 GMT)</reason>
				<launchTime>2025-01-02T03:04:05.000Z</launchTime><stateReason><code>Client.UserInitiatedHibernate</code><message>Client.UserInitiatedHibernate: User initiated hibernate</message></stateReason>
				<rootDeviceType>ebs</rootDeviceType><rootDeviceName>/dev/xvda</rootDeviceName>
				<instanceType>m7i.large</instanceType><placement><availabilityZone>eu-central-1a</availabilityZone><tenancy>default</tenancy></placement><instanceLifecycle>spot</instanceLifecycle>
				<metadataOptions><state>applied</state><httpTokens>optional</httpTokens><httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>
				<iamInstanceProfile><arn>arn:aws:iam::111122223333:instance-profile/web</arn><id>AIPAEXAMPLE</id></iamInstanceProfile><ipAddress>203.0.113.9</ipAddress><vpcId>vpc-1</vpcId><subnetId>subnet-1</subnetId>
				<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><ipv6AddressesSet><item><ipv6Address>2a05:d014::1</ipv6Address></item><item><ipv6Address>fd00::1</ipv6Address></item></ipv6AddressesSet>
					<privateIpAddressesSet><item><privateIpAddress>10.0.0.4</privateIpAddress><association><publicIp>203.0.113.9</publicIp></association></item>
						<item><privateIpAddress>10.0.0.5</privateIpAddress><association><publicIp>203.0.113.10</publicIp></association></item></privateIpAddressesSet></item></networkInterfaceSet>
				<operator><managed>true</managed><principal>eks.amazonaws.com</principal></operator></item>
			<item><instanceId>i-2</instanceId><imageId>ami-2</imageId><instanceState><code>16</code><name>running</name></instanceState><reason/><launchTime>2025-01-02T03:04:05.000Z</launchTime><rootDeviceName>/dev/sda1</rootDeviceName>
				<tagSet><item><key>aws:autoscaling:groupName</key><value>web</value></item><item><key>Name</key><value>web-1</value></item></tagSet></item>
		</instancesSet></item></reservationSet><nextToken>2</nextToken>`,
		`<reservationSet><item><instancesSet><item><instanceId>i-3</instanceId></item></instancesSet></item>
			<item><instancesSet><item><instanceId>i-4</instanceId><instanceState/><stateReason/></item></instancesSet></item></reservationSet>`)
	collecttest.Want(t, got,
		line("Instance", "i-1", "", `,"state":"stopped","stateReason":"Client.UserInitiatedHibernate","transitionReason":"User initiated (2025-11-01 10:00:00 GMT)","launched":"2025-01-02T03:04:05Z","rootDevice":"/dev/xvda","image":"ami-1","autoScalingGroup":"","type":"m7i.large","tenancy":"default","metadataTokens":"optional","metadataEndpoint":"enabled","metadataHops":2,"profile":"arn:aws:iam::111122223333:instance-profile/web",`+
			`"publicAddresses":["203.0.113.9","203.0.113.10","2a05:d014::1"],"vpc":"vpc-1","subnet":"subnet-1","lifecycle":"spot","manager":"eks.amazonaws.com","tags":{}`),
		line("Instance", "i-2", "web-1", `,"state":"running","stateReason":"","transitionReason":"","launched":"2025-01-02T03:04:05Z","rootDevice":"/dev/sda1","image":"ami-2","autoScalingGroup":"web","profile":"","publicAddresses":[],"vpc":"","subnet":"","lifecycle":"","manager":"","tags":{"Name":"web-1","aws:autoscaling:groupName":"web"}`),
		line("Instance", "i-3", "", `,"stateReason":"","transitionReason":"","autoScalingGroup":"","profile":"","publicAddresses":[],"vpc":"","subnet":"","lifecycle":"","manager":"","tags":{}`),
		line("Instance", "i-4", "", `,"transitionReason":"","autoScalingGroup":"","profile":"","publicAddresses":[],"vpc":"","subnet":"","lifecycle":"","manager":"","tags":{}`),
	)
	if want := []string{"eu-central-1 DescribeInstances", "eu-central-1 DescribeInstances"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q", requests, want)
	}
}

// What a list does not tell is a hole; what it told before is kept.
func TestListGaps(t *testing.T) {
	for _, kind := range []struct{ name, empty, one, nameless, want string }{
		{"Volume", `<volumeSet/>`, `<volumeSet><item><volumeId>x-1</volumeId></item></volumeSet>`, `<volumeSet><item><size>8</size></item></volumeSet>`, `,"manager":"","tags":{}`},
		{"Instance", `<reservationSet/>`, `<reservationSet><item><instancesSet><item><instanceId>x-1</instanceId></item></instancesSet></item></reservationSet>`,
			`<reservationSet><item><instancesSet><item><imageId>ami-1</imageId></item></instancesSet></item></reservationSet>`,
			`,"stateReason":"","transitionReason":"","autoScalingGroup":"","profile":"","publicAddresses":[],"vpc":"","subnet":"","lifecycle":"","manager":"","tags":{}`},
	} {
		one := line(kind.name, "x-1", "", kind.want)
		call := `"call":"ec2:Describe` + kind.name + `s"`
		denied := hole(kind.name, `"reason":"access-denied",`+call+`,"detail":"UnauthorizedOperation: no"`)
		for _, test := range []struct {
			name, first, second string
			want                []string
		}{
			{"no member", ``, ``, nil},
			{"empty", kind.empty, ``, nil},
			{"an empty page is not the last", kind.empty + `<nextToken>2</nextToken>`, kind.one, []string{one}},
			{"denied", `!UnauthorizedOperation no`, ``, []string{denied}},
			{"second page denied", kind.one + `<nextToken>2</nextToken>`, `!UnauthorizedOperation no`, []string{one, denied}},
			{"no ID", kind.one + `<nextToken>2</nextToken>`, kind.nameless, []string{one,
				hole(kind.name, `"reason":"call-failed",`+call+`,"detail":"the answer lists a AWS::EC2::`+kind.name+` without an ID"`)}},
		} {
			t.Run(kind.name+" "+test.name, func(t *testing.T) {
				got, _ := run(t, kind.name, test.first, test.second)
				collecttest.Want(t, got, test.want...)
			})
		}
	}
}
