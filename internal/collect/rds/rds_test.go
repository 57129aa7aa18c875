package rds

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

// arns says how the ARN of a kind goes on.
var arns = map[string]string{"DBInstance": "db", "DBCluster": "cluster", "DBSnapshot": "snapshot", "DBClusterSnapshot": "cluster-snapshot"}

// line is a line of the snapshot.
func line(kind, id, rest string) string {
	return `{"kind":"AWS::RDS::` + kind + `","id":"` + id + `","arn":"arn:aws:rds:eu-central-1:111122223333:` + arns[kind] + `:` + id + `","name":"` + id +
		`","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

// item is an item of the list answer.
func item(kind, id, rest string) string {
	return "<" + kind + "><" + kind + "Identifier>" + id + "</" + kind + "Identifier><" + kind + "Arn>arn:aws:rds:eu-central-1:111122223333:" + arns[kind] + ":" + id + "</" + kind + "Arn>" + rest + "</" + kind + ">"
}

// page is a page of the list answer.
func page(kind, marker string, items ...string) string {
	if marker != "" {
		marker = "<Marker>" + marker + "</Marker>"
	}
	return marker + "<" + kind + "s>" + strings.Join(items, "") + "</" + kind + "s>"
}

func hole(kind, rest string) string {
	return `{"unlisted":"AWS::RDS::` + kind + `","account":"111122223333","region":"eu-central-1","gap":{` + rest + `}}`
}

// run collects one kind, whose list must ask for nothing but these pages.
func run(t *testing.T, kind, first, second string) (snapshot string, requests []string) {
	t.Helper()
	manual := ""
	if strings.HasSuffix(kind, "Snapshot") {
		manual = "&SnapshotType=manual"
	}
	return collecttest.Run(t, Calls, []string{"rds." + kind}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch {
		case op == "Describe"+kind+"s" && params == "MaxRecords=100"+manual:
			return first
		case op == "Describe"+kind+"s" && params == "Marker=2&MaxRecords=100"+manual:
			return second
		}
		t.Errorf("unexpected %s with %s", op, params)
		return "!Unexpected"
	})
}

// Two pages of each kind with everything about one resource, next to those of Neptune and DocumentDB, and with nothing
// about another: then only what RDS leaves out where there is none is known.
func TestLists(t *testing.T) {
	const tagged = `<TagList><Tag><Key>environment</Key><Value>prod</Value></Tag><Tag><Key>empty</Key><Value/></Tag></TagList>`
	for _, test := range []struct{ kind, all, want, none string }{
		{"DBInstance", `<Engine>postgres</Engine><EngineVersion>17.6</EngineVersion><EngineLifecycleSupport>open-source-rds-extended-support</EngineLifecycleSupport>
			<DBInstanceClass>db.m7g.large</DBInstanceClass><DBInstanceStatus>available</DBInstanceStatus><InstanceCreateTime>2025-01-02T03:04:05.678Z</InstanceCreateTime><AvailabilityZone>eu-central-1a</AvailabilityZone>
			<ReadReplicaSourceDBInstanceIdentifier>source</ReadReplicaSourceDBInstanceIdentifier><PubliclyAccessible>false</PubliclyAccessible><Endpoint><Address>x</Address><Port>5432</Port></Endpoint>
			<DBSubnetGroup><DBSubnetGroupName>g</DBSubnetGroupName><VpcId>vpc-1</VpcId><Subnets><Subnet><SubnetIdentifier>subnet-1</SubnetIdentifier></Subnet><Subnet><SubnetIdentifier>subnet-2</SubnetIdentifier></Subnet></Subnets></DBSubnetGroup>
			<VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>
			<MultiAZ>true</MultiAZ><BackupRetentionPeriod>7</BackupRetentionPeriod><StorageEncrypted>true</StorageEncrypted><StorageEncryptionType>sse-kms</StorageEncryptionType><KmsKeyId>arn:aws:kms:eu-central-1:111122223333:key/k</KmsKeyId>
			<StorageType>gp3</StorageType><AllocatedStorage>100</AllocatedStorage><MaxAllocatedStorage>500</MaxAllocatedStorage><DBParameterGroups><DBParameterGroup><DBParameterGroupName>pg</DBParameterGroupName></DBParameterGroup></DBParameterGroups>
			<MasterUsername>shop</MasterUsername><IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled><AutoMinorVersionUpgrade>true</AutoMinorVersionUpgrade><DeletionProtection>false</DeletionProtection>
			<CopyTagsToSnapshot>true</CopyTagsToSnapshot><CertificateDetails><CAIdentifier>rds-ca-rsa2048-g1</CAIdentifier><ValidTill>2027-01-02T03:04:05Z</ValidTill></CertificateDetails><MonitoringInterval>60</MonitoringInterval>
			<EnabledCloudwatchLogsExports><member>postgresql</member></EnabledCloudwatchLogsExports><PerformanceInsightsEnabled>true</PerformanceInsightsEnabled>` + tagged,
			`,"engine":"postgres","engineVersion":"17.6","lifecycleSupport":"open-source-rds-extended-support","class":"db.m7g.large","status":"available","created":"2025-01-02T03:04:05.678Z","zone":"eu-central-1a",` +
				`"cluster":"","replicaOf":"source","publiclyAccessible":false,"port":5432,"vpc":"vpc-1","subnets":["subnet-1","subnet-2"],"securityGroups":["sg-1"],"multiAz":true,"backupRetentionDays":7,` +
				`"storageEncrypted":true,"encryptionType":"sse-kms","kmsKey":"arn:aws:kms:eu-central-1:111122223333:key/k","storageType":"gp3","allocatedGiB":100,"maxAllocatedGiB":500,"parameterGroups":["pg"],` +
				`"masterUsername":"shop","iamAuthentication":true,"autoMinorUpgrade":true,"deletionProtection":false,"copyTags":true,"certificateExpires":"2027-01-02T03:04:05Z","monitoringSeconds":60,` +
				`"logExports":["postgresql"],"performanceInsights":true,"tags":{"empty":"","environment":"prod"}`,
			`,"cluster":"","replicaOf":"","maxAllocatedGiB":0,"logExports":[]`},
		{"DBCluster", `<Engine>aurora-postgresql</Engine><EngineVersion>17.5</EngineVersion><EngineMode>provisioned</EngineMode><ClusterScalabilityType>standard</ClusterScalabilityType>
			<EngineLifecycleSupport>open-source-rds-extended-support-disabled</EngineLifecycleSupport><Status>available</Status>
			<DBClusterMembers><DBClusterMember><DBInstanceIdentifier>a</DBInstanceIdentifier><IsClusterWriter>true</IsClusterWriter></DBClusterMember><DBClusterMember><DBInstanceIdentifier>b</DBInstanceIdentifier><IsClusterWriter>false</IsClusterWriter></DBClusterMember></DBClusterMembers>
			<MultiAZ>false</MultiAZ><InternetAccessGatewayEnabled>true</InternetAccessGatewayEnabled><BackupRetentionPeriod>1</BackupRetentionPeriod><StorageEncrypted>false</StorageEncrypted><StorageEncryptionType>sse-rds</StorageEncryptionType>
			<DBClusterParameterGroup>pg</DBClusterParameterGroup><MasterUsername>postgres</MasterUsername><IAMDatabaseAuthenticationEnabled>true</IAMDatabaseAuthenticationEnabled><AutoMinorVersionUpgrade>true</AutoMinorVersionUpgrade>
			<DeletionProtection>true</DeletionProtection><CopyTagsToSnapshot>false</CopyTagsToSnapshot><EnabledCloudwatchLogsExports><member>postgresql</member></EnabledCloudwatchLogsExports>` + tagged,
			`,"engine":"aurora-postgresql","engineVersion":"17.5","engineMode":"provisioned","scalability":"standard","lifecycleSupport":"open-source-rds-extended-support-disabled","status":"available",` +
				`"members":[{"instance":"a","writer":true},{"instance":"b","writer":false}],"multiAz":false,"internetAccessGateway":true,"backupRetentionDays":1,"storageEncrypted":false,"encryptionType":"sse-rds","kmsKey":"",` +
				`"parameterGroup":"pg","masterUsername":"postgres","iamAuthentication":true,"autoMinorUpgrade":true,"deletionProtection":true,"copyTags":false,"logExports":["postgresql"],"tags":{"empty":"","environment":"prod"}`,
			`,"scalability":"","internetAccessGateway":false,"logExports":[]`},
		{"DBSnapshot", `<Engine>mysql</Engine><DBInstanceIdentifier>orders</DBInstanceIdentifier><Status>available</Status><SnapshotCreateTime>2025-01-02T03:04:05Z</SnapshotCreateTime><AllocatedStorage>20</AllocatedStorage>
			<Encrypted>true</Encrypted><StorageEncryptionType>sse-kms</StorageEncryptionType><KmsKeyId>arn:aws:kms:eu-central-1:111122223333:key/k</KmsKeyId>` + tagged,
			`,"engine":"mysql","instance":"orders","status":"available","created":"2025-01-02T03:04:05Z","allocatedGiB":20,"storageEncrypted":true,"encryptionType":"sse-kms","kmsKey":"arn:aws:kms:eu-central-1:111122223333:key/k",` +
				`"tags":{"empty":"","environment":"prod"}`, ``},
		{"DBClusterSnapshot", `<Engine>aurora-mysql</Engine><DBClusterIdentifier>shop</DBClusterIdentifier><Status>available</Status><SnapshotCreateTime>2025-01-02T03:04:05Z</SnapshotCreateTime><AllocatedStorage>0</AllocatedStorage>
			<StorageEncrypted>false</StorageEncrypted><StorageEncryptionType>none</StorageEncryptionType><TagList/>`,
			`,"engine":"aurora-mysql","cluster":"shop","status":"available","created":"2025-01-02T03:04:05Z","allocatedGiB":0,"storageEncrypted":false,"encryptionType":"none","kmsKey":"","tags":{}`, ``},
	} {
		t.Run(test.kind, func(t *testing.T) {
			got, requests := run(t, test.kind,
				page(test.kind, "2", item(test.kind, "all", test.all), item(test.kind, "graph", `<Engine>neptune</Engine>`)),
				page(test.kind, "", item(test.kind, "documents", `<Engine>docdb</Engine>`), item(test.kind, "bare", ``)))
			collecttest.Want(t, got, line(test.kind, "all", test.want), line(test.kind, "bare", test.none))
			if want := slices.Repeat([]string{"eu-central-1 Describe" + test.kind + "s"}, 2); !slices.Equal(requests, want) {
				t.Errorf("requests %q, want %q", requests, want)
			}
		})
	}
}

// Members of clusters, replicas of clusters, empty lists and instances on the way.
func TestInstances(t *testing.T) {
	for _, test := range []struct{ name, xml, want string }{
		{"member", `<DBClusterIdentifier>shop</DBClusterIdentifier>`, `,"cluster":"shop","replicaOf":"","maxAllocatedGiB":0,"logExports":[]`},
		{"replica of a cluster", `<ReadReplicaSourceDBClusterIdentifier>erp</ReadReplicaSourceDBClusterIdentifier>`, `,"cluster":"","replicaOf":"erp","maxAllocatedGiB":0,"logExports":[]`},
		{"empty lists", `<VpcSecurityGroups/><DBParameterGroups/><TagList/><DBSubnetGroup><Subnets/></DBSubnetGroup>`,
			`,"cluster":"","replicaOf":"","subnets":[],"securityGroups":[],"maxAllocatedGiB":0,"parameterGroups":[],"logExports":[],"tags":{}`},
		{"endpoint without a port yet", `<Endpoint/><CertificateDetails/>`, `,"cluster":"","replicaOf":"","maxAllocatedGiB":0,"logExports":[]`},
		{"key missing although encrypted", `<StorageEncrypted>true</StorageEncrypted>`, `,"cluster":"","replicaOf":"","storageEncrypted":true,"encryptionType":"sse-kms","maxAllocatedGiB":0,"logExports":[]`},
		{"not encrypted has no key", `<StorageEncrypted>false</StorageEncrypted>`, `,"cluster":"","replicaOf":"","storageEncrypted":false,"encryptionType":"none","kmsKey":"","maxAllocatedGiB":0,"logExports":[]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := run(t, "DBInstance", page("DBInstance", "", item("DBInstance", "i", test.xml)), "")
			collecttest.Want(t, got, line("DBInstance", "i", test.want))
		})
	}
	got, _ := run(t, "DBCluster", page("DBCluster", "", item("DBCluster", "headless", `<DBClusterMembers/>`)), "")
	collecttest.Want(t, got, line("DBCluster", "headless", `,"scalability":"","members":[],"internetAccessGateway":false,"logExports":[]`))
}

// What a list does not tell is a hole; what it told before is kept.
func TestListGaps(t *testing.T) {
	for kind := range arns {
		bare := map[string]string{"DBInstance": `,"cluster":"","replicaOf":"","maxAllocatedGiB":0,"logExports":[]`, "DBCluster": `,"scalability":"","internetAccessGateway":false,"logExports":[]`}[kind]
		call := `"call":"rds:Describe` + kind + `s"`
		denied := hole(kind, `"reason":"access-denied",`+call+`,"detail":"AccessDenied: no"`)
		one := item(kind, "x", ``)
		for _, test := range []struct {
			name, first, second string
			want                []string
		}{
			{"no member", ``, ``, nil},
			{"empty", page(kind, ""), ``, nil},
			{"an empty page is not the last", page(kind, "2"), page(kind, "", one), []string{line(kind, "x", bare)}},
			{"denied", `!AccessDenied no`, ``, []string{denied}},
			{"second page denied", page(kind, "2", one), `!AccessDenied no`, []string{line(kind, "x", bare), denied}},
			{"no ID", page(kind, "2", one), page(kind, "", "<"+kind+"><Engine>mysql</Engine></"+kind+">"), []string{line(kind, "x", bare),
				hole(kind, `"reason":"call-failed",`+call+`,"detail":"the answer lists a AWS::RDS::`+kind+` without an ID"`)}},
		} {
			t.Run(kind+" "+test.name, func(t *testing.T) {
				got, _ := run(t, kind, test.first, test.second)
				collecttest.Want(t, got, test.want...)
			})
		}
	}
}

// Each snapshot is asked by itself with whom it is shared. No value of the attribute restore is an answer, no such attribute is none.
func TestSharing(t *testing.T) {
	for kind, call := range map[string]string{"DBSnapshot": "DescribeDBSnapshotAttributes", "DBClusterSnapshot": "DescribeDBClusterSnapshotAttributes"} {
		t.Run(kind, func(t *testing.T) {
			answer := func(attributes string) string {
				return "<" + kind + "AttributesResult><" + kind + "Identifier>x</" + kind + "Identifier><" + kind + "Attributes>" + attributes + "</" + kind + "Attributes></" + kind + "AttributesResult>"
			}
			attribute := func(name, values string) string {
				return "<" + kind + "Attribute><AttributeName>" + name + "</AttributeName>" + values + "</" + kind + "Attribute>"
			}
			answers := map[string]string{
				"public":     answer(attribute("restore", `<AttributeValues><AttributeValue>444455556666</AttributeValue><AttributeValue>all</AttributeValue></AttributeValues>`)),
				"private":    answer(attribute("restore", `<AttributeValues/>`)),
				"valueless":  answer(attribute("restore", ``)),
				"unrelated":  answer(attribute("other", `<AttributeValues><AttributeValue>all</AttributeValue></AttributeValues>`)),
				"attributes": answer(``),
				"empty":      ``,
				"denied":     `!AccessDenied no`,
				"gone":       `!` + kind + `NotFound no such snapshot`,
			}
			var items []string
			for id := range answers {
				items = append(items, item(kind, id, ``))
			}
			got, requests := collecttest.Run(t, Calls, []string{"rds." + kind + ".Restore"}, []string{"eu-central-1"}, func(_, op, params string) string {
				if op == "Describe"+kind+"s" {
					return page(kind, "", items...)
				}
				a, ok := answers[strings.TrimPrefix(params, kind+"Identifier=")]
				if op != call || !ok {
					t.Errorf("unexpected %s with %s", op, params)
				}
				return a
			})
			gap := func(reason, detail string) string {
				return `,"gaps":[{"reason":"` + reason + `","call":"rds:` + call + `","detail":"` + detail + `"}]`
			}
			collecttest.Want(t, got,
				line(kind, "public", `,"restore":["444455556666","all"]`),
				line(kind, "private", `,"restore":[]`),
				line(kind, "valueless", `,"restore":[]`),
				line(kind, "unrelated", ``),
				line(kind, "attributes", ``),
				line(kind, "empty", ``),
				line(kind, "denied", gap("access-denied", "AccessDenied: no")),
				line(kind, "gone", gap("call-failed", kind+"NotFound: no such snapshot")),
			)
			if len(requests) != 1+len(answers) {
				t.Errorf("requests %q", requests)
			}
		})
	}
}
