package cause

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/rules"
)

// Subjects of which nothing is looked up: accounts as such, which many resources make up.
var wholes = []string{"budgets.Account", "cloudtrail.Account", "cloudwatch.Account"}

// The table names types and attributes that there are, and each event once.
func TestTable(t *testing.T) {
	of := map[string]*model.Type{}
	for _, typ := range kinds.All {
		of[typ.Name] = typ
	}
	for name, c := range classes {
		typ := of[name]
		if typ == nil {
			t.Errorf("there is no type %s", name)
			continue
		}
		seen := map[string]bool{}
		check := func(attribute string) {
			if !slices.ContainsFunc(typ.Attrs, func(a model.Attribute) bool { return a.Name == attribute }) {
				t.Errorf("%s has no attribute %s", name, attribute)
			}
		}
		for _, x := range c.changes {
			if seen[x.event] || x.event == "" || x.asked != "" && version.ReplaceAllString(x.asked, "") != x.event || version.MatchString(x.event) {
				t.Errorf("%s: event %q %q", name, x.event, x.asked)
			}
			seen[x.event] = true
			if named := x.at != "" || c.at != "" || x.id != ""; named == c.place {
				t.Errorf("%s: nobody knows how %s names it", name, x.event)
			}
			if x.sets == begins || x.sets == anything {
				continue
			}
			for set := range strings.FieldsSeq(x.sets) {
				attribute, _, _ := strings.Cut(set, ":")
				check(attribute)
				if slices.Contains(strings.Fields(c.still), attribute) {
					t.Errorf("%s: %s changes, and stays as it is", name, attribute)
				}
			}
		}
		for attribute := range strings.FieldsSeq(c.still) {
			check(attribute)
		}
	}
}

// Of each attribute that a rule reads of its subject the table says which events change it, or that none does. Whoever adds an attribute adds it here.
func TestTableIsComplete(t *testing.T) {
	for i := range rules.All {
		subject := rules.All[i].Check.Subject.Name
		c, ok := classes[subject]
		if !ok {
			if !slices.Contains(wholes, subject) {
				t.Errorf("the table lacks %s, which %s judges", subject, rules.All[i].ID)
			}
			continue
		}
		known := strings.Fields(c.still)
		for _, x := range c.changes {
			for set := range strings.FieldsSeq(x.sets) {
				attribute, _, _ := strings.Cut(set, ":")
				known = append(known, attribute)
			}
		}
		for _, read := range rules.All[i].Needs() {
			if attribute, ok := strings.CutPrefix(read, subject+"."); ok && !slices.Contains(known, attribute) {
				t.Errorf("the table does not say which events change %s, which %s judges", read, rules.All[i].ID)
			}
		}
	}
}

const own = "111122223333"

// subject makes one of a type.
func subject(kind, id, arn, name, attributes string) Subject {
	return Subject{Type: kind, ID: id, ARN: arn, Name: name, Account: own, Region: "eu-west-1", Attributes: strings.Fields(attributes)}
}

// event makes one of a user of the account: what it says beside that is a record's members.
func event(source, name, members string) *Event {
	if members != "" {
		members = "," + members
	}
	return &Event{ID: "e-1", Name: name, Source: source + ".amazonaws.com", Record: `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::` + own + `:user/ops","accountId":"` + own + `","userName":"ops"},"recipientAccountId":"` + own + `"` + members + `}`}
}

func request(json string) string { return `"requestParameters":` + json + `,"responseElements":null` }
func response(in, out string) string {
	return `"requestParameters":` + in + `,"responseElements":` + out
}

var (
	bucket   = subject("s3.Bucket", "shop", "arn:aws:s3:::shop", "shop", "Policy PublicAccessBlock")
	queue    = subject("sqs.Queue", "https://sqs.eu-west-1.amazonaws.com/111122223333/orders", "arn:aws:sqs:eu-west-1:111122223333:orders", "orders", "Policy")
	group    = subject("ec2.SecurityGroup", "sg-1", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1", "web", "Inbound")
	instance = subject("ec2.Instance", "i-1", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "web", "MetadataTokens State")
	volume   = subject("ec2.Volume", "vol-1", "arn:aws:ec2:eu-west-1:111122223333:volume/vol-1", "", "Encrypted State")
	role     = subject("iam.Role", "app", "arn:aws:iam::111122223333:role/app", "app", "Trust")
	user     = subject("iam.User", "ops", "arn:aws:iam::111122223333:user/ops", "ops", "PasswordEnabled MFA AccessKeys")
	policy   = subject("iam.ManagedPolicy", "arn:aws:iam::111122223333:policy/p", "arn:aws:iam::111122223333:policy/p", "p", "Document")
	inline   = subject("iam.InlinePolicy", "role/app/inline", "", "inline", "Document Boundary")
	key      = subject("kms.Key", "k-1", "arn:aws:kms:eu-west-1:111122223333:key/k-1", "", "State Rotates Policy")
	function = subject("lambda.Function", "f", "arn:aws:lambda:eu-west-1:111122223333:function:f", "f", "Policy AliasPolicies URLs Tracing")
	balancer = subject("elasticloadbalancingv2.LoadBalancer", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1a", "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1a", "web", "Listeners HTTPRules")
	database = subject("rds.DBInstance", "db", "arn:aws:rds:eu-west-1:111122223333:db:db", "db", "PubliclyAccessible")
	cluster  = subject("rds.DBCluster", "cl", "arn:aws:rds:eu-west-1:111122223333:cluster:cl", "cl", "Members BackupRetentionDays")
	snapshot = subject("rds.DBSnapshot", "s", "arn:aws:rds:eu-west-1:111122223333:snapshot:s", "s", "Restore")
	image    = subject("ec2.Image", "ami-1", "arn:aws:ec2:eu-west-1::image/ami-1", "golden", "Public")
	secret   = subject("secretsmanager.Secret", "db/main", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/main-a1B2c3", "db/main", "Rotates")
	table    = subject("dynamodb.Table", "t", "arn:aws:dynamodb:eu-west-1:111122223333:table/t", "t", "PITR Scaling")
	trail    = subject("cloudtrail.Trail", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", "main", "Logging KMSKey")
	logs     = subject("cloudwatchlogs.LogGroup", "/app", "arn:aws:logs:eu-west-1:111122223333:log-group:/app", "/app", "RetentionDays KMSKey")
	topic    = subject("sns.Topic", "arn:aws:sns:eu-west-1:111122223333:news", "arn:aws:sns:eu-west-1:111122223333:news", "news", "Policy")
	account  = subject("iam.Account", own, "", "", "PasswordMinLength RootAccessKeys RootMFA")
	region   = subject("guardduty.Region", "eu-west-1", "", "", "")
	alarm    = subject("cloudwatch.Alarm", "a", "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a", "a", "ActionsEnabled")
	stack    = subject("cloudformation.Stack", "arn:aws:cloudformation:eu-west-1:111122223333:stack/net/1", "arn:aws:cloudformation:eu-west-1:111122223333:stack/net/1", "net", "Protected Status")
)

func TestMatch(t *testing.T) {
	for i, c := range []struct {
		Subject
		*Event
		want bool
	}{
		// What the request names, and nothing of a like name.
		{bucket, event("s3", "PutBucketPolicy", request(`{"bucketName":"shop","Host":"s3.eu-west-1.amazonaws.com"}`)), true},
		{bucket, event("s3", "PutBucketPolicy", request(`{"bucketName":"shop-2"}`)), false},
		{bucket, event("s3", "PutBucketPolicy", request(`{"Host":"x"}`)+`,"resources":[{"ARN":"arn:aws:s3:::shop","accountId":"111122223333"}]`), true},
		{bucket, event("s3", "DeleteBucketPublicAccessBlock", request(`{"bucketName":"shop"}`)), true},
		{role, event("iam", "UpdateAssumeRolePolicy", request(`{"roleName":"app","policyDocument":"{}"}`)), true},
		{policy, event("iam", "CreatePolicy", response(`{"policyName":"p"}`, `{"policy":{"arn":"arn:aws:iam::111122223333:policy/p"}}`)), true},
		{policy, event("iam", "SetDefaultPolicyVersion", request(`{"policyArn":"arn:aws:iam::111122223333:policy/p"}`)), true},
		{volume, event("ec2", "CreateVolume", response(`{"zone":"eu-west-1a"}`, `{"volumeId":"vol-1"}`)), true},
		{volume, event("ec2", "AttachVolume", request(`{"volumeId":"vol-1","instanceId":"i-1"}`)), true},
		{instance, event("ec2", "StopInstances", request(`{"instancesSet":{"items":[{"instanceId":"i-0"},{"instanceId":"i-1"}]}}`)), true},
		{instance, event("ec2", "RunInstances", response(`{"instancesSet":{"items":[{"imageId":"ami-1"}]}}`, `{"instancesSet":{"items":[{"instanceId":"i-1"}]}}`)), true},
		{instance, event("ec2", "ModifyInstanceMetadataOptions", request(`{"ModifyInstanceMetadataOptionsRequest":{"HttpTokens":"optional","InstanceId":"i-1"}}`)), true},
		{image, event("ec2", "ModifyImageAttribute", request(`{"imageId":"ami-1","attributeType":"launchPermission","launchPermission":{"add":{"items":[{"group":"all"}]}}}`)), true},
		{key, event("kms", "ScheduleKeyDeletion", request(`{"keyId":"k-1","pendingWindowInDays":7}`)), true},
		{key, event("kms", "PutKeyPolicy", request(`{"keyId":"alias/x"}`)+`,"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k-1","type":"AWS::KMS::Key"}]`), true},
		{key, event("kms", "PutKeyPolicy", request(`{"keyId":"alias/x"}`)+`,"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/k-2","type":"AWS::KMS::Key"}]`), false},
		{database, event("rds", "ModifyDBInstance", request(`{"dBInstanceIdentifier":"DB","publiclyAccessible":true}`)), true},
		{cluster, event("rds", "DeleteDBInstance", response(`{"dBInstanceIdentifier":"x"}`, `{"dBInstanceIdentifier":"x","dBClusterIdentifier":"cl"}`)), true},
		{cluster, event("rds", "CreateDBInstance", request(`{"dBInstanceIdentifier":"cl","dBClusterIdentifier":"other"}`)), false},
		{snapshot, event("rds", "CopyDBSnapshot", request(`{"sourceDBSnapshotIdentifier":"s","targetDBSnapshotIdentifier":"s2"}`)), false},
		{snapshot, event("rds", "ModifyDBSnapshotAttribute", request(`{"dBSnapshotIdentifier":"s","valuesToAdd":["all"]}`)), true},
		{trail, event("cloudtrail", "StopLogging", request(`{"name":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"}`)), true},
		{trail, event("cloudtrail", "StopLogging", request(`{"name":"main"}`)), true},
		{logs, event("logs", "DeleteRetentionPolicy", request(`{"logGroupName":"/app"}`)), true},
		{logs, event("logs", "AssociateKmsKey", request(`{"resourceIdentifier":"arn:aws:logs:eu-west-1:111122223333:log-group:/app:*"}`)), true},
		{topic, event("sns", "AddPermission", request(`{"topicArn":"arn:aws:sns:eu-west-1:111122223333:news","label":"x"}`)), true},
		{topic, event("sqs", "AddPermission", request(`{"topicArn":"arn:aws:sns:eu-west-1:111122223333:news"}`)), false},
		{alarm, event("monitoring", "DisableAlarmActions", request(`{"alarmNames":["b","a"]}`)), true},
		{stack, event("cloudformation", "DeleteStack", request(`{"stackName":"net"}`)), true},
		{stack, event("cloudformation", "DeleteStack", request(`{"stackName":"arn:aws:cloudformation:eu-west-1:111122223333:stack/net/2"}`)), false},
		{table, event("dynamodb", "UpdateContinuousBackups", request(`{"tableName":"t"}`)), true},
		{table, event("application-autoscaling", "DeregisterScalableTarget", request(`{"serviceNamespace":"dynamodb","resourceId":"table/t"}`)), true},
		{table, event("application-autoscaling", "RegisterScalableTarget", request(`{"resourceId":"table/t/index/i"}`)), true},
		{table, event("application-autoscaling", "RegisterScalableTarget", request(`{"resourceId":"table/t2"}`)), false},
		{secret, event("secretsmanager", "CancelRotateSecret", request(`{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:db/main"}`)), true},
		{secret, event("secretsmanager", "CancelRotateSecret", request(`{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"}`)), false},

		// Names with other parts.
		{queue, event("sqs", "AddPermission", request(`{"queueUrl":"https://eu-west-1.queue.amazonaws.com/111122223333/orders"}`)), true},
		{queue, event("sqs", "AddPermission", request(`{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/orders"}`)), false},
		{function, event("lambda", "AddPermission20150331v2", request(`{"functionName":"f:live","principal":"*"}`)), true},
		{function, event("lambda", "AddPermission20150331v2", request(`{"functionName":"arn:aws:lambda:eu-west-1:111122223333:function:f"}`)), true},
		{function, event("lambda", "AddPermission", request(`{"functionName":"111122223333:function:f:1"}`)), true},
		{function, event("lambda", "AddPermission20150331v2", request(`{"functionName":"ff"}`)), false},
		{function, event("lambda", "CreateFunctionUrlConfig", request(`{"functionName":"f","authType":"NONE"}`)), true},
		{balancer, event("elasticloadbalancing", "ModifyListener", request(`{"listenerArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/1a/2b"}`)), true},
		{balancer, event("elasticloadbalancing", "DeleteRule", request(`{"ruleArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/1a/2b/3c"}`)), true},
		{balancer, event("elasticloadbalancing", "ModifyListener", request(`{"listenerArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/1a2/2b"}`)), false},
		{balancer, event("elasticloadbalancing", "CreateLoadBalancer", response(`{"name":"web"}`, `{"loadBalancers":[{"loadBalancerArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/1a"}]}`)), true},
		{inline, event("iam", "PutRolePolicy", request(`{"roleName":"app","policyName":"inline"}`)), true},
		{inline, event("iam", "PutRolePolicy", request(`{"roleName":"app","policyName":"other"}`)), false},
		{inline, event("iam", "PutRolePolicy", request(`{"policyName":"inline"}`)), false},
		{inline, event("iam", "PutUserPolicy", request(`{"userName":"app","policyName":"inline"}`)), false},
		{inline, event("iam", "DeleteRolePermissionsBoundary", request(`{"roleName":"app"}`)), true},

		// A group that is let in is not the group that lets in.
		{group, event("ec2", "AuthorizeSecurityGroupIngress", request(`{"groupId":"sg-1","ipPermissions":{"items":[{"groups":{"items":[{"groupId":"sg-9"}]}}]}}`)), true},
		{group, event("ec2", "AuthorizeSecurityGroupIngress", request(`{"groupId":"sg-9","ipPermissions":{"items":[{"groups":{"items":[{"groupId":"sg-1"}]}}]}}`)), false},
		{group, event("ec2", "AuthorizeSecurityGroupIngress", response(`{"groupName":"default","ipPermissions":{"items":[{"groups":{"items":[{"groupId":"sg-9"}]}}]}}`,
			`{"securityGroupRuleSet":{"items":[{"groupId":"sg-1","referencedGroupInfo":{"groupId":"sg-9"}}]}}`)), true},
		{group, event("ec2", "ModifySecurityGroupRules", request(`{"ModifySecurityGroupRulesRequest":{"GroupId":"sg-1"}}`)), true},
		{group, event("ec2", "AuthorizeSecurityGroupIngress", request(`{"groupId":"web"}`)), false}, // which is a tag

		// What could not have changed what is judged.
		{bucket, event("s3", "PutBucketAcl", request(`{"bucketName":"shop"}`)), false},
		{bucket, event("s3", "PutBucketTagging", request(`{"bucketName":"shop"}`)), false},
		{group, event("ec2", "AuthorizeSecurityGroupEgress", request(`{"groupId":"sg-1"}`)), false},
		{subject("ec2.Volume", "vol-1", "", "", "Encrypted"), event("ec2", "AttachVolume", request(`{"volumeId":"vol-1"}`)), false},
		{queue, event("sqs", "SetQueueAttributes", request(`{"attributes":{"VisibilityTimeout":"100"},"queueUrl":"`+queue.ID+`"}`)), false},
		{queue, event("sqs", "SetQueueAttributes", request(`{"attributes":{"Policy":"{}"},"queueUrl":"`+queue.ID+`"}`)), true},
		{topic, event("sns", "SetTopicAttributes", request(`{"topicArn":"`+topic.ID+`","attributeName":"DisplayName","attributeValue":"Policy"}`)), false},
		{topic, event("sns", "SetTopicAttributes", request(`{"topicArn":"`+topic.ID+`","attributeName":"Policy"}`)), true},
		{database, event("rds", "ModifyDBInstance", request(`{"dBInstanceIdentifier":"db","masterUserPassword":"HIDDEN"}`)), false},
		{instance, event("ec2", "ModifyInstanceMetadataOptions", request(`{"ModifyInstanceMetadataOptionsRequest":{"HttpPutResponseHopLimit":3,"InstanceId":"i-1"}}`)), false},
		{policy, event("iam", "CreatePolicyVersion", request(`{"policyArn":"arn:aws:iam::111122223333:policy/p","setAsDefault":false}`)), false},
		{policy, event("iam", "CreatePolicyVersion", request(`{"policyArn":"arn:aws:iam::111122223333:policy/p","setAsDefault":true}`)), true},
		{function, event("lambda", "UpdateFunctionConfiguration20150331v2", request(`{"functionName":"f","memorySize":128}`)), false},
		{trail, event("cloudtrail", "UpdateTrail", request(`{"name":"main","s3BucketName":"b"}`)), false},

		// What came to nothing, or was in another account.
		{bucket, event("s3", "PutBucketPolicy", request(`{"bucketName":"shop"}`)+`,"errorCode":"AccessDenied"`), false},
		{volume, event("ec2", "AttachVolume", request(`{"volumeId":"vol-1"}`)+`,"errorCode":"Client.DryRunOperation","errorMessage":"Request would have succeeded"`), false},
		{bucket, &Event{Name: "PutBucketPolicy", Source: "s3.amazonaws.com", Record: `{"recipientAccountId":"444455556666","requestParameters":{"bucketName":"shop"}}`}, false},
		{bucket, &Event{Name: "PutBucketPolicy", Source: "s3.amazonaws.com", ReadOnly: true, Record: `{"requestParameters":{"bucketName":"shop"}}`}, false},

		// IAM takes the caller, if a request names nobody.
		{user, event("iam", "DeactivateMFADevice", request(`{"userName":"ops"}`)), true},
		{user, event("iam", "DeactivateMFADevice", request(`{"userName":"dev"}`)), false},
		{user, event("iam", "CreateAccessKey", request(`null`)), true},
		{user, &Event{Name: "CreateAccessKey", Source: "iam.amazonaws.com", Record: `{"userIdentity":{"type":"Root","userName":"ops"},"requestParameters":null}`, Resources: []Resource{{"AWS::IAM::User", "ops"}}}, false},
		{account, &Event{Name: "CreateAccessKey", Source: "iam.amazonaws.com", Record: `{"userIdentity":{"type":"Root"},"requestParameters":null}`}, true},
		{account, &Event{Name: "CreateAccessKey", Source: "iam.amazonaws.com", Record: `{"userIdentity":{"type":"Root"},"requestParameters":{"userName":"ops"}}`}, false},
		{account, event("iam", "CreateAccessKey", request(`null`)), false},
		{account, event("iam", "DeactivateMFADevice", request(`{"userName":"AWS ROOT USER"}`)), true},
		{account, event("iam", "DeleteAccountPasswordPolicy", request(`null`)), true},
		{region, event("guardduty", "DeleteDetector", request(`{"detectorId":"d"}`)), true},

		// Where the record names nothing, CloudTrail's list does, if it is clear.
		{stack, &Event{Name: "UpdateTerminationProtection", Source: "cloudformation.amazonaws.com", Record: `{"requestParameters":null}`, Resources: []Resource{{"AWS::CloudFormation::Stack", "net"}}}, true},
		{stack, &Event{Name: "UpdateTerminationProtection", Source: "cloudformation.amazonaws.com", Record: `{"requestParameters":null}`, Resources: []Resource{{"AWS::CloudFormation::Stack", "net"}, {"AWS::CloudFormation::Stack", "app"}}}, false},
		{stack, &Event{Name: "UpdateTerminationProtection", Source: "cloudformation.amazonaws.com", Record: `{"requestParameters":null}`}, false},
	} {
		class := classes[c.Subject.Type]
		change, _, err := c.Subject.match(&class, c.Event)
		if got := change != nil; got != c.want || err != nil {
			t.Errorf("case %d, %s of %s %s: %v, want %v (%v)\n%s", i, c.Event.Name, c.Subject.Type, c.Subject.ID, got, c.want, err, c.Event.Record)
		}
	}
	class := classes["s3.Bucket"]
	if _, _, err := bucket.match(&class, &Event{ID: "e", Name: "PutBucketPolicy", Source: "s3.amazonaws.com", Record: "nonsense"}); err == nil {
		t.Error("a garbled record says nothing")
	}
}

// Each change of the table is found where its keys name the subject, and is not where they name another.
func TestEveryChange(t *testing.T) {
	for name, c := range classes {
		if c.place {
			continue
		}
		for _, x := range c.changes {
			s := subject(name, "the-one", "arn:aws:x:eu-west-1:111122223333:the-one", "the-one", "")
			request := map[string]string{}
			if x.id != "" {
				made := placeholder.ReplaceAllStringFunc(x.id, func(key string) string { request[strings.Trim(key, "{}")] = "n"; return "n" })
				s.ID = strings.ReplaceAll(made, "*", "n")
			} else {
				at := x.at
				if at == "" {
					at = c.at
				}
				request[strings.Fields(at)[0]] = s.ID
			}
			for set := range strings.FieldsSeq(x.sets) {
				attribute, keys, _ := strings.Cut(set, ":")
				s.Attributes = append(s.Attributes, attribute)
				k, value, _ := strings.Cut(strings.Split(keys, "|")[0], "=")
				request[k] = value
			}
			text := ""
			for k, v := range request {
				text += fmt.Sprintf(",%q:%q", k, v)
			}
			source, spelled := x.source, x.asked
			if source == "" {
				source = c.source
			}
			if spelled == "" {
				spelled = x.event
			}
			e := event(source, spelled, `"requestParameters":{`+text[1:]+`}`)
			if found, _, err := s.match(&c, e); found == nil || err != nil {
				t.Errorf("%s %s is not found: %v\n%s", name, spelled, err, e.Record)
			}
			s.ID, s.ARN, s.Name = "another", "arn:aws:x:eu-west-1:111122223333:another", "another"
			if found, _, _ := s.match(&c, e); found != nil {
				t.Errorf("%s %s is taken for one of another resource\n%s", name, spelled, e.Record)
			}
		}
	}
}
