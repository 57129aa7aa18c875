package cause

// A class says which events change resources of a type.
type class struct {
	source  string   // how the source of its events begins: s3, of s3.amazonaws.com
	at      string   // keys under which requests and answers name the resource
	changes []change // events that change it
	still   string   // attributes that no later event on the resource changes: what is set once and for all, or measured, or changed by what happens elsewhere

	global bool // it has no region: its events are at the home of the service
	home   bool // or some of them may be there
	spread bool // a setting of the account that is changed in any region
	place  bool // an account or a region as such: no event names it, and its events are about nothing else
	tagged bool // its name is but a tag, or that of something else too
	self   bool // IAM takes the caller, if a request names no user
}

// A change is an event that changes a resource.
type change struct {
	event  string // without the date of an API
	sets   string // attributes that it may change; Attribute:key|key only if its request has one of the keys, or key=value
	at     string // keys that name the resource, if they are others than those of the class
	source string // the same of its source
	asked  string // how CloudTrail spells the event, if it adds the date of an API
	id     string // of how many names the resource's ID is made
	root   bool   // only if it is about the root user
	again  bool   // it succeeds alike where the resource is there already: what it seems to make may be older
}

const (
	begins   = "*" // the resource begins with the event: all of it may be different
	anything = "." // it may change whatever is judged
)

// classes says which events change what, by type. An attribute that a rule reads of its subject has a place here, which a test demands.
//
// Sources: the API references of the services for what an operation changes; for names of events and members of records the CloudTrail chapters of
// their user guides (S3: "Amazon S3 CloudTrail events"), and published records of events. As of 2026-11. CloudTrail keeps to no rule: it adds dates to
// names of Lambda's events, and wraps requests of EC2 in an object of the operation's name.
var classes = map[string]class{
	"acm.Certificate": {source: "acm", at: "certificateArn", still: "InUse Users ValidationMethods", changes: []change{
		{event: "RequestCertificate", sets: begins},
		{event: "ImportCertificate", sets: "NotAfter Status Type RenewalEligibility"},
		{event: "RenewCertificate", sets: "NotAfter RenewalStatus Status"},
	}},
	"autoscaling.AutoScalingGroup": {source: "autoscaling", at: "autoScalingGroupName", still: "Manager", changes: []change{
		{event: "CreateAutoScalingGroup", sets: begins},
		{event: "UpdateAutoScalingGroup", sets: "MaxSize:maxSize Subnets:vPCZoneIdentifier Zones:availabilityZones|vPCZoneIdentifier|availabilityZoneIds"},
		{event: "DeleteAutoScalingGroup", sets: "Status"},
	}},
	"cloudformation.Stack": {source: "cloudformation", at: "stackName stackId", still: "Root", changes: []change{
		{event: "CreateStack", sets: begins},
		{event: "UpdateStack", sets: "Began Failures Since Status StatusReason Tags:tags Topics:notificationARNs"},
		{event: "CreateChangeSet", sets: "Status StatusReason"},
		{event: "ExecuteChangeSet", sets: "Began Failures Since Status StatusReason Tags Topics"},
		{event: "DeleteStack", sets: "Began Failures Since Status StatusReason"},
		{event: "ContinueUpdateRollback", sets: "Began Failures Since Status StatusReason"},
		{event: "RollbackStack", sets: "Began Failures Since Status StatusReason"},
		{event: "CancelUpdateStack", sets: "Failures Since Status StatusReason"},
		{event: "UpdateTerminationProtection", sets: "Protected"},
	}},
	"cloudtrail.Trail": {source: "cloudtrail", at: "name trailName trailARN", still: "LastDelivery LastLogsDelivery LogsDeliveryError", changes: []change{
		{event: "CreateTrail", sets: begins},
		{event: "UpdateTrail", sets: "KMSKey:kmsKeyId LogFileValidation:enableLogFileValidation LogGroupARN:cloudWatchLogsLogGroupArn MultiRegion:isMultiRegionTrail"},
		{event: "StartLogging", sets: "Logging"},
		{event: "StopLogging", sets: "Logging"},
	}},
	"cloudwatch.Alarm": {source: "monitoring", at: "alarmName alarmNames", changes: []change{
		{event: "PutMetricAlarm", sets: "ActionsEnabled AlarmActions Description"},
		{event: "PutCompositeAlarm", sets: "ActionsEnabled AlarmActions Description Rule Suppressor"},
		{event: "EnableAlarmActions", sets: "ActionsEnabled"},
		{event: "DisableAlarmActions", sets: "ActionsEnabled"},
	}},
	"cloudwatchlogs.LogGroup": {source: "logs", at: "logGroupName logGroupIdentifier resourceIdentifier", still: "Class StoredBytes", changes: []change{
		{event: "CreateLogGroup", sets: begins},
		{event: "PutRetentionPolicy", sets: "RetentionDays"},
		{event: "DeleteRetentionPolicy", sets: "RetentionDays"},
		{event: "AssociateKmsKey", sets: "KMSKey"},
		{event: "DisassociateKmsKey", sets: "KMSKey"},
	}},
	"configservice.Region": {source: "config", place: true, changes: []change{
		{event: "PutConfigurationRecorder", sets: anything},
		{event: "StartConfigurationRecorder", sets: anything},
		{event: "StopConfigurationRecorder", sets: anything},
		{event: "DeleteConfigurationRecorder", sets: anything},
		{event: "PutDeliveryChannel", sets: anything},
		{event: "DeleteDeliveryChannel", sets: anything},
	}},
	"dynamodb.Table": {source: "dynamodb", at: "tableName", still: "Bytes", changes: []change{
		{event: "CreateTable", sets: begins},
		{event: "ImportTable", sets: begins},
		{event: "RestoreTableFromBackup", sets: begins, at: "targetTableName"},
		{event: "RestoreTableToPointInTime", sets: begins, at: "targetTableName"},
		{event: "UpdateTable", sets: "BillingMode:billingMode Indexes:globalSecondaryIndexUpdates ReadUnits:provisionedThroughput|billingMode WriteUnits:provisionedThroughput|billingMode Status"},
		{event: "UpdateContinuousBackups", sets: "PITR"},
		{event: "RegisterScalableTarget", source: "application-autoscaling", at: "resourceId", sets: "Scaling"},
		{event: "DeregisterScalableTarget", source: "application-autoscaling", at: "resourceId", sets: "Scaling"},
	}},
	"ec2.Address": {source: "ec2", at: "allocationId", tagged: true, still: "IP Manager Pool", changes: []change{
		{event: "AllocateAddress", sets: begins},
		{event: "AssociateAddress", sets: "Association Instance Interface"},
		{event: "DisassociateAddress", sets: "Association Instance Interface"},
	}},
	"ec2.Image": {source: "ec2", at: "imageId", tagged: true, changes: []change{
		{event: "CreateImage", sets: begins},
		{event: "CopyImage", sets: begins},
		{event: "RegisterImage", sets: begins},
		{event: "ImportImage", sets: begins},
		{event: "ModifyImageAttribute", sets: "Public:launchPermission"},
		{event: "ResetImageAttribute", sets: "Public"},
		{event: "EnableImage", sets: "State"},
		{event: "DisableImage", sets: "State"},
	}},
	"ec2.Instance": {source: "ec2", at: "instanceId", tagged: true, still: "AutoScalingGroup Manager", changes: []change{
		{event: "RunInstances", sets: begins},
		{event: "StartInstances", sets: "State Launched PublicAddresses TransitionReason"},
		{event: "StopInstances", sets: "State PublicAddresses TransitionReason"},
		{event: "TerminateInstances", sets: "State TransitionReason"},
		{event: "ModifyInstanceAttribute", sets: "Type:instanceType"},
		{event: "ModifyInstanceMetadataOptions", sets: "MetadataTokens:httpTokens MetadataEndpoint:httpEndpoint"},
		{event: "ModifyInstancePlacement", sets: "Tenancy:tenancy"},
		{event: "AssociateIamInstanceProfile", sets: "Profile"},
		{event: "ReplaceIamInstanceProfileAssociation", sets: "Profile"},
		{event: "DisassociateIamInstanceProfile", sets: "Profile"},
		{event: "AssociateAddress", sets: "PublicAddresses"},
	}},
	"ec2.SecurityGroup": {source: "ec2", at: "groupId", tagged: true, still: "GroupName VPC", changes: []change{
		{event: "CreateSecurityGroup", sets: begins},
		{event: "AuthorizeSecurityGroupIngress", sets: "Inbound"},
		{event: "RevokeSecurityGroupIngress", sets: "Inbound"},
		{event: "AuthorizeSecurityGroupEgress", sets: "Outbound"},
		{event: "RevokeSecurityGroupEgress", sets: "Outbound"},
		{event: "ModifySecurityGroupRules", sets: "Inbound Outbound"},
	}},
	"ec2.Snapshot": {source: "ec2", at: "snapshotId", tagged: true, changes: []change{
		{event: "CreateSnapshot", sets: begins},
		{event: "CreateSnapshots", sets: begins},
		{event: "CopySnapshot", sets: begins},
		{event: "ModifySnapshotAttribute", sets: "Public"},
		{event: "ResetSnapshotAttribute", sets: "Public"},
		{event: "RestoreSnapshotFromRecycleBin", sets: "State"},
	}},
	"ec2.Subnet": {source: "ec2", at: "subnetId", tagged: true, still: "CIDR Free IPv6Only", changes: []change{
		{event: "CreateSubnet", sets: begins},
		{event: "CreateDefaultSubnet", sets: begins},
	}},
	"ec2.Volume": {source: "ec2", at: "volumeId", tagged: true, still: "Created Encrypted Manager", changes: []change{
		{event: "CreateVolume", sets: begins},
		{event: "ModifyVolume", sets: "Type:volumeType SizeGiB:size IOPS:iops|volumeType ThroughputMiBs:throughput|volumeType"},
		{event: "AttachVolume", sets: "Attachments State"},
		{event: "DetachVolume", sets: "Attachments State"},
	}},
	"ec2.VPC": {source: "ec2", at: "vpcId", tagged: true, still: "Default", changes: []change{
		{event: "CreateVpc", sets: begins},
		{event: "CreateDefaultVpc", sets: begins},
	}},
	"elasticloadbalancingv2.LoadBalancer": {source: "elasticloadbalancing", at: "loadBalancerArn listenerArn ruleArn", tagged: true, still: "Scheme Type", changes: []change{
		{event: "CreateLoadBalancer", sets: begins},
		{event: "CreateListener", sets: "Listeners HTTPRules"},
		{event: "ModifyListener", sets: "Listeners HTTPRules"},
		{event: "DeleteListener", sets: "Listeners HTTPRules"},
		{event: "CreateRule", sets: "HTTPRules"},
		{event: "ModifyRule", sets: "HTTPRules"},
		{event: "DeleteRule", sets: "HTTPRules"},
		{event: "SetRulePriorities", sets: "HTTPRules"},
	}},
	"guardduty.Region": {source: "guardduty", place: true, changes: []change{
		{event: "CreateDetector", sets: anything},
		{event: "UpdateDetector", sets: anything},
		{event: "DeleteDetector", sets: anything},
	}},
	"iam.AccessKey": {source: "iam", at: "accessKeyId", global: true, still: "Created LastUsed User", changes: []change{
		{event: "CreateAccessKey", sets: begins},
		{event: "UpdateAccessKey", sets: "Status"},
	}},
	"iam.Account": {source: "iam", global: true, place: true, changes: []change{
		{event: "UpdateAccountPasswordPolicy", sets: "PasswordMinLength"},
		{event: "DeleteAccountPasswordPolicy", sets: "PasswordMinLength"},
		{event: "CreateAccessKey", sets: "RootAccessKeys", root: true},
		{event: "DeleteAccessKey", sets: "RootAccessKeys", root: true},
		{event: "UploadSigningCertificate", sets: "RootCertificates", root: true},
		{event: "EnableMFADevice", sets: "RootMFA", root: true},
		{event: "DeactivateMFADevice", sets: "RootMFA", root: true},
		{event: "CreateLoginProfile", sets: "RootPassword", root: true},
		{event: "DeleteLoginProfile", sets: "RootPassword", root: true},
	}},
	"iam.InlinePolicy": {source: "iam", global: true, still: "Holder", changes: []change{
		{event: "PutRolePolicy", sets: "Document", id: "role/{roleName}/{policyName}"},
		{event: "PutUserPolicy", sets: "Document", id: "user/{userName}/{policyName}"},
		{event: "PutGroupPolicy", sets: "Document", id: "group/{groupName}/{policyName}"},
		{event: "PutRolePermissionsBoundary", sets: "Boundary", id: "role/{roleName}/*"},
		{event: "DeleteRolePermissionsBoundary", sets: "Boundary", id: "role/{roleName}/*"},
		{event: "PutUserPermissionsBoundary", sets: "Boundary", id: "user/{userName}/*"},
		{event: "DeleteUserPermissionsBoundary", sets: "Boundary", id: "user/{userName}/*"},
	}},
	"iam.ManagedPolicy": {source: "iam", at: "policyArn", global: true, changes: []change{
		{event: "CreatePolicy", sets: begins, at: "arn"},
		{event: "CreatePolicyVersion", sets: "Document:setAsDefault=true"},
		{event: "SetDefaultPolicyVersion", sets: "Document"},
		{event: "AttachRolePolicy", sets: "Attachments"},
		{event: "AttachUserPolicy", sets: "Attachments"},
		{event: "AttachGroupPolicy", sets: "Attachments"},
		{event: "DetachRolePolicy", sets: "Attachments"},
		{event: "DetachUserPolicy", sets: "Attachments"},
		{event: "DetachGroupPolicy", sets: "Attachments"},
		{event: "PutRolePermissionsBoundary", sets: "Boundaries", at: "permissionsBoundary"},
		{event: "PutUserPermissionsBoundary", sets: "Boundaries", at: "permissionsBoundary"},
	}},
	"iam.Role": {source: "iam", at: "roleName", global: true, changes: []change{
		{event: "CreateRole", sets: begins},
		{event: "CreateServiceLinkedRole", sets: begins},
		{event: "UpdateAssumeRolePolicy", sets: "Trust"},
	}},
	"iam.User": {source: "iam", at: "userName", global: true, self: true, still: "Created PasswordLastUsed ReportTime", changes: []change{
		{event: "CreateUser", sets: begins},
		{event: "CreateLoginProfile", sets: "PasswordEnabled PasswordChanged"},
		{event: "UpdateLoginProfile", sets: "PasswordChanged"},
		{event: "ChangePassword", sets: "PasswordChanged"},
		{event: "DeleteLoginProfile", sets: "PasswordEnabled PasswordChanged"},
		{event: "EnableMFADevice", sets: "MFA"},
		{event: "DeactivateMFADevice", sets: "MFA"},
		{event: "CreateAccessKey", sets: "AccessKeys"},
		{event: "DeleteAccessKey", sets: "AccessKeys"},
		{event: "AttachUserPolicy", sets: "AttachedPolicies"},
		{event: "DetachUserPolicy", sets: "AttachedPolicies"},
	}},
	"kms.Key": {source: "kms", at: "keyId", still: "Manager Origin Spec", changes: []change{
		{event: "CreateKey", sets: begins},
		{event: "ScheduleKeyDeletion", sets: "State DeletionDate DeletionDays"},
		{event: "CancelKeyDeletion", sets: "State DeletionDate DeletionDays"},
		{event: "EnableKey", sets: "State"},
		{event: "DisableKey", sets: "State"},
		{event: "ImportKeyMaterial", sets: "State"},
		{event: "DeleteImportedKeyMaterial", sets: "State"},
		{event: "PutKeyPolicy", sets: "Policy"},
		{event: "EnableKeyRotation", sets: "Rotates RotationDays"},
		{event: "DisableKeyRotation", sets: "Rotates RotationDays"},
		{event: "UpdatePrimaryRegion", sets: "PrimaryARN"},
	}},
	"lambda.Function": {source: "lambda", at: "functionName functionArn", still: "Master Modified PackageType", changes: []change{
		{event: "CreateFunction", sets: begins, asked: "CreateFunction20150331"},
		{event: "UpdateFunctionConfiguration", asked: "UpdateFunctionConfiguration20150331v2", sets: "Runtime:runtime DeadLetterTarget:deadLetterConfig Tracing:tracingConfig Layers:layers"},
		{event: "AddPermission", sets: "Policy AliasPolicies", asked: "AddPermission20150331v2"},
		{event: "RemovePermission", sets: "Policy AliasPolicies", asked: "RemovePermission20150331v2"},
		{event: "CreateAlias", sets: "Aliases AliasPolicies", asked: "CreateAlias20150331"},
		{event: "UpdateAlias", sets: "Aliases", asked: "UpdateAlias20150331"},
		{event: "DeleteAlias", sets: "Aliases AliasPolicies", asked: "DeleteAlias20150331"},
		{event: "PublishVersion", sets: "Versions", asked: "PublishVersion20150331"},
		{event: "CreateFunctionUrlConfig", sets: "URLs"},
		{event: "UpdateFunctionUrlConfig", sets: "URLs"},
		{event: "DeleteFunctionUrlConfig", sets: "URLs"},
		{event: "PutFunctionEventInvokeConfig", sets: "EventConfigs"},
		{event: "UpdateFunctionEventInvokeConfig", sets: "EventConfigs"},
		{event: "DeleteFunctionEventInvokeConfig", sets: "EventConfigs"},
	}},
	"rds.DBCluster": {source: "rds", at: "dBClusterIdentifier", still: "EncryptionType Scalability StorageEncrypted Tags", changes: []change{
		{event: "CreateDBCluster", sets: begins},
		{event: "RestoreDBClusterFromSnapshot", sets: begins},
		{event: "RestoreDBClusterFromS3", sets: begins},
		{event: "RestoreDBClusterToPointInTime", sets: begins, at: "dBClusterIdentifier targetDBClusterIdentifier"},
		{event: "ModifyDBCluster", sets: "BackupRetentionDays:backupRetentionPeriod EngineMode:engineMode"},
		{event: "CreateDBInstance", sets: "Members MultiAZ"},
		{event: "DeleteDBInstance", sets: "Members MultiAZ"},
	}},
	"rds.DBClusterSnapshot": {source: "rds", at: "dBClusterSnapshotIdentifier", changes: []change{
		{event: "CreateDBClusterSnapshot", sets: begins},
		{event: "CopyDBClusterSnapshot", sets: begins, at: "targetDBClusterSnapshotIdentifier"},
		{event: "ModifyDBClusterSnapshotAttribute", sets: "Restore"},
	}},
	"rds.DBInstance": {source: "rds", at: "dBInstanceIdentifier", still: "Cluster EncryptionType Engine StorageEncrypted Tags", changes: []change{
		{event: "CreateDBInstance", sets: begins},
		{event: "CreateDBInstanceReadReplica", sets: begins},
		{event: "RestoreDBInstanceFromDBSnapshot", sets: begins},
		{event: "RestoreDBInstanceFromS3", sets: begins},
		{event: "RestoreDBInstanceToPointInTime", sets: begins, at: "targetDBInstanceIdentifier"},
		{event: "ModifyDBInstance", sets: "BackupRetentionDays:backupRetentionPeriod MultiAZ:multiAZ PubliclyAccessible:publiclyAccessible Port:dBPortNumber SecurityGroups:vpcSecurityGroupIds Subnets:dBSubnetGroupName"},
		{event: "PromoteReadReplica", sets: "ReplicaOf BackupRetentionDays"},
	}},
	"rds.DBSnapshot": {source: "rds", at: "dBSnapshotIdentifier", changes: []change{
		{event: "CreateDBSnapshot", sets: begins},
		{event: "CopyDBSnapshot", sets: begins, at: "targetDBSnapshotIdentifier"},
		{event: "ModifyDBSnapshotAttribute", sets: "Restore"},
	}},
	"s3.Account": {source: "s3", place: true, spread: true, changes: []change{
		{event: "PutAccountPublicAccessBlock", sets: "PublicAccessBlock"},
		{event: "DeleteAccountPublicAccessBlock", sets: "PublicAccessBlock"},
	}},
	"s3.Bucket": {source: "s3", at: "bucketName", home: true, changes: []change{
		{event: "CreateBucket", sets: begins, again: true}, // in us-east-1 the owner may make it twice
		{event: "PutBucketPolicy", sets: "Policy"},
		{event: "DeleteBucketPolicy", sets: "Policy"},
		{event: "PutBucketAcl", sets: "Grants"},
		{event: "PutBucketOwnershipControls", sets: "Ownership"},
		{event: "DeleteBucketOwnershipControls", sets: "Ownership"},
		{event: "PutBucketPublicAccessBlock", sets: "PublicAccessBlock"},
		{event: "DeleteBucketPublicAccessBlock", sets: "PublicAccessBlock"},
		{event: "PutBucketVersioning", sets: "Versioning"},
		{event: "PutBucketLifecycle", sets: "Lifecycle"},
		{event: "PutBucketLifecycleConfiguration", sets: "Lifecycle"},
		{event: "DeleteBucketLifecycle", sets: "Lifecycle"},
	}},
	"secretsmanager.Secret": {source: "secretsmanager", at: "secretId", still: "LastChanged OwningService", changes: []change{
		{event: "CreateSecret", sets: begins, at: "name"},
		{event: "RotateSecret", sets: "Rotates"},
		{event: "CancelRotateSecret", sets: "Rotates"},
		{event: "DeleteSecret", sets: "Deleted"},
		{event: "RestoreSecret", sets: "Deleted"},
		{event: "ReplicateSecretToRegions", sets: "PrimaryRegion"},
		{event: "RemoveRegionsFromReplication", sets: "PrimaryRegion"},
		{event: "StopReplicationToReplica", sets: "PrimaryRegion"},
	}},
	"sns.Topic": {source: "sns", at: "topicArn", changes: []change{
		{event: "CreateTopic", sets: begins, again: true},
		{event: "SetTopicAttributes", sets: "Policy:Policy KMSKey:KmsMasterKeyId"},
		{event: "AddPermission", sets: "Policy"},
		{event: "RemovePermission", sets: "Policy"},
	}},
	"sqs.Queue": {source: "sqs", at: "queueUrl", still: "Messages", changes: []change{
		{event: "CreateQueue", sets: begins, again: true},
		{event: "SetQueueAttributes", sets: "Policy:Policy KMSKey:KmsMasterKeyId ManagedSSE:SqsManagedSseEnabled|KmsMasterKeyId DeadLetterARN:RedrivePolicy MaxReceives:RedrivePolicy " +
			"RedriveAllow:RedriveAllowPolicy RetentionSecs:MessageRetentionPeriod"},
		{event: "AddPermission", sets: "Policy"},
		{event: "RemovePermission", sets: "Policy"},
	}},
	"ssm.Parameter": {source: "ssm", at: "name", changes: []change{
		{event: "PutParameter", sets: "Type DataType Description KMSKey"},
	}},
}
