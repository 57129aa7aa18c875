package awstest

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A place is a region of an account.
type place struct {
	s               *Synthetic
	account, region string
}

// A thing is a resource: all about it follows from where it is, of what kind, and its number.
type thing struct {
	place
	kind string
	i    int
	of   *call // that lists it
}

func (p place) thing(kind string, i int) thing { return thing{place: p, kind: kind, i: i} }

func (t thing) hash(what string) uint64 { return t.s.hash(t.i, t.account, t.region, t.kind, what) }

// oneIn is true of one in n things.
func (t thing) oneIn(n uint64, what string) bool { return t.hash(what)%n == 0 }

func (t thing) pick(what string, of ...string) string { return of[t.hash(what)%uint64(len(of))] }

// ago returns a time at most so many days before the start.
func (t thing) ago(days uint64) time.Time {
	return t.s.start().Add(-time.Duration(t.hash("ago")%(days*24*60)) * time.Minute)
}

var (
	teams = []string{"checkout", "catalogue", "payments", "warehouse", "identity", "reporting", "platform"}
	parts = []string{"api", "worker", "gateway", "importer", "search", "pricing", "mailer", "scheduler", "archive", "sync", "webhooks"}
)

// name ends in the number of the thing, by which it is found again.
func (t thing) name() string {
	return fmt.Sprintf("%s-%s-%05d", teams[t.i%len(teams)], parts[t.i%len(parts)], t.i)
}

// uuid ends in the number of the thing, too.
func (t thing) uuid() string {
	h := t.hash("uuid")
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", h>>32, h>>16&0xffff, h&0xfff, h>>48&0x3fff|0x8000, t.i)
}

// find returns the thing of a name or UUID, if there is such a thing.
func (p place) find(kind, name string, of func(thing) string) (thing, bool) {
	digits, base := name[strings.LastIndexByte(name, '-')+1:], 10
	if len(digits) == 12 {
		base = 16
	}
	i, err := strconv.ParseInt(strings.TrimSuffix(digits, ".fifo"), base, 32)
	t := p.thing(kind, int(i))
	return t, err == nil && i >= 0 && int(i) < p.s.Resources[kind] && of(t) == name
}

func (t thing) tags(key, value string) []object {
	return []object{{{key, "Name"}, {value, t.name()}}, {{key, "team"}, {value, teams[t.i%len(teams)]}},
		{{key, "environment"}, {value, t.pick("environment", "prod", "prod", "stage", "dev")}}}
}

// keyARN refers to a key: one of the region, one that is gone, one of the management account, or one that nobody here may see.
func (t thing) keyARN() string {
	n := t.s.Resources[keys]
	if n == 0 {
		return ""
	}
	h := t.hash("key")
	key := t.thing(keys, int(h>>8)%(n+1+n/20)) // some of them are gone
	switch {
	case h%50 == 0:
		key.account = "999988887777"
	case h%50 == 1:
		key.account = t.s.Account(0)
	}
	return key.arn("kms", "key/"+key.uuid())
}

// keyAlias refers to a key of the region by alias, "" if there is none.
func (t thing) keyAlias() string {
	n := t.s.Resources[keys]
	if n == 0 {
		return ""
	}
	return "alias/" + t.thing(keys, int(t.hash("key")>>8)%n).name()
}

func listedKey(t thing) any {
	return object{{"KeyId", t.uuid()}, {"KeyArn", t.arn("kms", "key/"+t.uuid())}}
}

func getKeyPolicy(c *call) (object, *refusal) {
	_, refused := c.key()
	return object{{"Policy", `{"Version":"2012-10-17","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + c.account + `:root"},"Action":"kms:*","Resource":"*"}]}`},
		{"PolicyName", "default"}}, refused
}

func getKeyRotationStatus(c *call) (object, *refusal) {
	t, refused := c.key()
	if refused != nil || t.hash("rotation")%3 == 0 {
		return object{{"KeyId", c.text("KeyId")}, {"KeyRotationEnabled", false}}, refused
	}
	return object{{"KeyId", t.uuid()}, {"KeyRotationEnabled", true}, {"RotationPeriodInDays", 365}}, nil
}

// key finds the key that a call is about.
func (c *call) key() (thing, *refusal) {
	id := c.text("KeyId")
	at, resource := c.place, id
	if region, account, rest, ok := cutARN(id); ok {
		at.account, resource = account, strings.TrimPrefix(rest, "key/")
		if account != c.account && account != c.s.Account(0) { // whose keys are everybody's
			return thing{}, &refusal{status: 400, code: "AccessDeniedException", message: "User: " + c.caller() + " is not authorized to perform: " + c.Op + " on resource: " +
				id + " because no resource-based policy allows the " + c.Op + " action"}
		}
		if region != c.region {
			return thing{}, &refusal{status: 400, code: "NotFoundException", message: "Invalid arn " + region}
		}
	}
	of := thing.uuid
	if name, is := strings.CutPrefix(resource, "alias/"); is {
		of, resource = thing.name, name
	}
	t, ok := at.find(keys, resource, of)
	if !ok {
		return t, &refusal{status: 400, code: "NotFoundException", message: "Key '" + at.arn("kms", "key/"+resource) + "' does not exist"}
	}
	return t, nil
}

func describeKey(c *call) (object, *refusal) {
	t, refused := c.key()
	if refused != nil {
		return nil, refused
	}
	state, deletion := "Enabled", any(nil)
	switch t.hash("state") % 20 {
	case 0:
		state = "Disabled"
	case 1:
		state, deletion = "PendingDeletion", t.s.start().Add(14*24*time.Hour)
	}
	return object{{"KeyMetadata", object{{"AWSAccountId", t.account}, {"KeyId", t.uuid()}, {"Arn", t.arn("kms", "key/"+t.uuid())}, {"CreationDate", t.ago(1500)},
		{"Enabled", state == "Enabled"}, {"Description", "data of " + t.name()}, {"KeyUsage", "ENCRYPT_DECRYPT"}, {"KeyState", state}, {"DeletionDate", deletion},
		{"Origin", "AWS_KMS"}, {"KeyManager", "CUSTOMER"}, {"CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"}, {"KeySpec", "SYMMETRIC_DEFAULT"},
		{"EncryptionAlgorithms", []string{"SYMMETRIC_DEFAULT"}}, {"MultiRegion", false}}}}, nil
}

// queueName is that of the queue: each tenth is FIFO.
func queueName(t thing) string {
	if t.i%10 == 9 {
		return t.name() + ".fifo"
	}
	return t.name()
}

func queueURL(t thing) any {
	return "https://sqs." + t.region + ".amazonaws.com/" + t.account + "/" + queueName(t)
}

// getQueueAttributes gives each fourth queue the next one as its dead-letter queue, and some one that is gone.
func getQueueAttributes(c *call) (object, *refusal) {
	t, ok := c.find(queues, path.Base(c.text("QueueUrl")), queueName)
	if !ok {
		return nil, &refusal{status: 400, code: "com.amazonaws.sqs#QueueDoesNotExist", query: "AWS.SimpleQueueService.NonExistentQueue", message: "The specified queue does not exist."}
	}
	target, redrive, allow, key, managed := "", "", "", "", "true"
	switch {
	case t.i%4 == 0 && t.i+1 < c.s.Resources[queues]:
		target = queueName(t.thing(queues, t.i+1))
		if key = t.keyARN(); t.oneIn(4, "alias") {
			key = t.keyAlias()
		}
	case t.i%4 == 1:
		allow = `{"redrivePermission":"byQueue","sourceQueueArns":["` + t.arn("sqs", queueName(t.thing(queues, t.i-1))) + `"]}`
	case t.oneIn(16, "lost"):
		target = t.name() + "-gone"
	}
	if target != "" {
		redrive = `{"deadLetterTargetArn":"` + t.arn("sqs", target) + `","maxReceiveCount":` + t.pick("receives", "1", "3", "5", "10") + `}`
	}
	if key != "" {
		managed = "false"
	}
	fifo := ""
	if t.i%10 == 9 {
		fifo = "true"
	}
	created := strconv.FormatInt(t.ago(1000).Unix(), 10)
	return object{{"Attributes", object{{"QueueArn", t.arn("sqs", queueName(t))}, {"ApproximateNumberOfMessages", strconv.Itoa(int(t.hash("messages") % 2000))},
		{"ApproximateNumberOfMessagesNotVisible", "0"}, {"ApproximateNumberOfMessagesDelayed", "0"}, {"CreatedTimestamp", created}, {"LastModifiedTimestamp", created},
		{"VisibilityTimeout", "30"}, {"MaximumMessageSize", "262144"}, {"MessageRetentionPeriod", "345600"}, {"DelaySeconds", "0"}, {"ReceiveMessageWaitTimeSeconds", "0"},
		{"RedrivePolicy", some(redrive)}, {"RedriveAllowPolicy", some(allow)}, {"KmsMasterKeyId", some(key)}, {"SqsManagedSseEnabled", managed}, {"FifoQueue", some(fifo)}}}}, nil
}

func logGroup(t thing) any {
	name := t.pick("prefix", "/aws/lambda/", "/ecs/", "/aws/codebuild/", "/app/") + t.name()
	days, key := any([]int{30, 90, 365}[t.hash("days")%3]), t.keyARN()
	if t.oneIn(4, "for ever") {
		days = nil
	}
	if t.oneIn(3, "no key") {
		key = ""
	}
	return object{{"logGroupName", name}, {"creationTime", int(t.ago(1500).UnixMilli())}, {"retentionInDays", days}, {"metricFilterCount", 0},
		{"arn", t.arn("logs", "log-group:"+name+":*")}, {"storedBytes", int(t.hash("bytes") % (1 << 36))}, {"kmsKeyId", some(key)},
		{"logGroupClass", t.pick("class", "STANDARD", "STANDARD", "STANDARD", "INFREQUENT_ACCESS")}, {"logGroupArn", t.arn("logs", "log-group:"+name)}}
}

func parameter(t thing) any {
	name := "/" + t.pick("environment", "prod", "stage", "dev") + "/" + t.name()
	typ, key, description := t.pick("type", "String", "StringList", "SecureString"), "", ""
	if typ == "SecureString" {
		if key = "alias/aws/ssm"; t.oneIn(2, "own key") && t.s.Resources[keys] > 0 {
			key = t.keyAlias()
		}
	}
	if t.oneIn(2, "description") {
		description = "kept by " + teams[t.i%len(teams)]
	}
	return object{{"Name", name}, {"ARN", t.arn("ssm", "parameter"+name)}, {"Type", typ}, {"KeyId", some(key)}, {"LastModifiedDate", t.ago(700)},
		{"LastModifiedUser", "arn:aws:iam::" + t.account + ":user/deploy"}, {"Description", some(description)}, {"Version", 1}, {"Tier", "Standard"},
		{"Policies", []object{}}, {"DataType", "text"}}
}

// certificateSummary lists one in twelve that was never issued, one in eight that was imported, and one in four that ends within 90 days.
func certificateSummary(t thing) any {
	status, typ, eligible, ends := "ISSUED", "AMAZON_ISSUED", "ELIGIBLE", t.s.start().Add(time.Duration(t.hash("ends")%365*24+1)*time.Hour)
	switch {
	case t.oneIn(8, "imported"):
		typ, eligible = "IMPORTED", "INELIGIBLE"
		if t.oneIn(5, "expired") {
			status, ends = "EXPIRED", t.ago(300)
		}
	case t.oneIn(12, "pending"):
		status, eligible = "PENDING_VALIDATION", "INELIGIBLE"
	}
	o := object{{"CertificateArn", t.arn("acm", "certificate/"+t.uuid())}, {"DomainName", t.name() + ".acme.example"}, {"SubjectAlternativeNameSummaries", []string{t.name() + ".acme.example"}},
		{"HasAdditionalSubjectAlternativeNames", false}, {"Status", status}, {"Type", typ}, {"KeyAlgorithm", "RSA-2048"}, {"InUse", !t.oneIn(6, "idle")}, {"RenewalEligibility", eligible}}
	if status != "PENDING_VALIDATION" {
		o = append(o, member{"NotBefore", ends.Add(-395 * 24 * time.Hour)}, member{"NotAfter", ends})
	}
	return o
}

func describeCertificate(c *call) (object, *refusal) {
	arn := c.text("CertificateArn")
	t, ok := c.find(certificates, path.Base(arn), thing.uuid)
	if !ok {
		return nil, &refusal{status: 400, code: "ResourceNotFoundException", message: "Could not find certificate " + arn + "."}
	}
	o, _ := certificateSummary(t).(object)
	value := func(name string) any {
		return o[slices.IndexFunc(o, func(m member) bool { return m.name == name })].value
	}
	users, validation := []string{}, any(nil)
	if value("InUse") == true {
		users = []string{t.arn("elasticloadbalancing", "loadbalancer/app/"+t.name()+"/"+fmt.Sprintf("%016x", t.hash("balancer")))}
	}
	if value("Type") == "AMAZON_ISSUED" {
		validation = []object{{{"DomainName", value("DomainName")}, {"ValidationMethod", t.pick("validation", "DNS", "DNS", "EMAIL")}, {"ValidationStatus", "SUCCESS"}}}
	}
	var detail object
	for _, m := range o {
		switch m.name {
		case "SubjectAlternativeNameSummaries", "HasAdditionalSubjectAlternativeNames", "InUse": // only in lists
		default:
			detail = append(detail, m)
		}
	}
	return object{{"Certificate", append(detail, member{"InUseBy", users}, member{"DomainValidationOptions", validation})}}, nil
}

func (t thing) stackID() string { return t.arn("cloudformation", "stack/"+t.name()+"/"+t.uuid()) }

// stackStatus is that of a failed update for one stack in eight.
func (t thing) stackStatus() string {
	if t.oneIn(8, "failed") {
		return t.pick("status", "UPDATE_ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "UPDATE_FAILED", "DELETE_FAILED")
	}
	return t.pick("status", "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
}

// stackOperation is the last one, at which the stack came into its status.
func (t thing) stackOperation() string {
	switch status := t.stackStatus(); {
	case strings.HasPrefix(status, "UPDATE"), strings.HasPrefix(status, "DELETE"):
		return status[:len("UPDATE")]
	}
	return "CREATE"
}

// stack nests four of five stacks in the one before them.
func stack(t thing) any {
	root, reason, created, updated, deleted := "", "", t.ago(60).Add(-100*24*time.Hour), any(nil), any(nil)
	if t.i%5 > 0 {
		root = t.thing(stacks, t.i-t.i%5).stackID()
	}
	if strings.HasSuffix(t.stackStatus(), "_FAILED") {
		reason = "The following resource(s) failed: [Service]. "
	}
	switch t.stackOperation() {
	case "CREATE":
		created = t.ago(60)
	case "UPDATE":
		updated = t.ago(60)
	case "DELETE":
		deleted = t.ago(60)
	}
	return object{{"StackId", t.stackID()}, {"StackName", t.name()}, {"CreationTime", created}, {"LastUpdatedTime", updated}, {"DeletionTime", deleted},
		{"RollbackConfiguration", object{}}, {"StackStatus", t.stackStatus()}, {"StackStatusReason", some(reason)}, {"DisableRollback", false},
		{"NotificationARNs", []string{}}, {"RootId", some(root)}, {"ParentId", some(root)}, {"Tags", t.tags("Key", "Value")},
		{"EnableTerminationProtection", false}, {"DriftInformation", object{{"StackDriftStatus", "NOT_CHECKED"}}}}
}

// stackOf returns the stack that a call names by its ID.
func (c *call) stackOf() (thing, bool) {
	return c.find(stacks, path.Base(c.text("StackName")), thing.uuid)
}

// stackEvents counts three events, and of some stacks so many that they need a second page.
func stackEvents(c *call) (int, *refusal) {
	t, ok := c.stackOf()
	if !ok {
		return 0, &refusal{status: 400, code: "ValidationError", message: "Stack [" + c.text("StackName") + "] does not exist"}
	}
	if t.oneIn(4, "big") {
		return 120, nil
	}
	return 3, nil
}

// stackEvent tells the last operation backwards: the stack's status, what happened to its resources, and the begin.
func stackEvent(e thing) any {
	n, _ := stackEvents(e.of)
	t, _ := e.of.stackOf()
	logical, kind, physical, status, reason := fmt.Sprintf("Task%03d", e.i), "AWS::ECS::TaskDefinition", t.name()+"-task", t.stackOperation()+"_COMPLETE", ""
	switch e.i {
	case 0:
		logical, kind, physical, status = t.name(), "AWS::CloudFormation::Stack", t.stackID(), t.stackStatus()
	case 1:
		logical, kind, status = "Service", "AWS::ECS::Service", t.stackOperation()+"_FAILED"
		reason = `Resource handler returned message: "Rate exceeded" (RequestToken: 0, HandlerErrorCode: Throttling)`
	case n - 1:
		logical, kind, physical, status = t.name(), "AWS::CloudFormation::Stack", t.stackID(), t.stackOperation()+"_IN_PROGRESS"
	}
	return object{{"StackId", t.stackID()}, {"EventId", fmt.Sprintf("%s-%04d", t.uuid(), e.i)}, {"StackName", t.name()}, {"LogicalResourceId", logical},
		{"PhysicalResourceId", physical}, {"ResourceType", kind}, {"Timestamp", t.ago(60).Add(time.Duration(n-1-e.i) * time.Second)}, {"ResourceStatus", status},
		{"ResourceStatusReason", some(reason)}}
}

func (t thing) instanceID() string { return fmt.Sprintf("i-0%010x%06x", t.hash("id")>>24, t.i) }

// volume puts nine of ten volumes on an instance, as there are any.
func volume(t thing) any {
	typ := t.pick("type", "gp3", "gp3", "gp2", "io2", "st1")
	id, state, attachments := fmt.Sprintf("vol-0%010x%06x", t.hash("id")>>24, t.i), "available", []object{}
	if n := t.s.Resources[instances]; n > 0 && !t.oneIn(10, "free") {
		state = "in-use"
		attachments = []object{{{"volumeId", id}, {"instanceId", t.thing(instances, t.i%n).instanceID()}, {"device", "/dev/xvda"}, {"status", "attached"},
			{"attachTime", t.ago(900)}, {"deleteOnTermination", true}}}
	}
	var iops, throughput any
	switch typ {
	case "gp3":
		iops, throughput = 3000, 125
	case "gp2", "io2":
		iops = 1500
	}
	key := t.keyARN()
	if t.oneIn(4, "plain") {
		key = ""
	}
	return object{{"volumeId", id}, {"size", 8 + int(t.hash("size")%500)}, {"snapshotId", ""}, {"availabilityZone", t.region + "a"}, {"status", state}, {"createTime", t.ago(900)},
		{"attachmentSet", attachments}, {"tagSet", t.tags("key", "value")}, {"volumeType", typ}, {"iops", iops}, {"throughput", throughput}, {"encrypted", key != ""},
		{"kmsKeyId", some(key)}, {"multiAttachEnabled", false}}
}

// reservation holds one instance; one in five is stopped.
func reservation(t thing) any {
	state, reason, stateReason := object{{"code", 16}, {"name", "running"}}, "", any(nil)
	if t.oneIn(5, "stopped") {
		state = object{{"code", 80}, {"name", "stopped"}}
		reason = "User initiated (" + t.ago(400).Format("2006-01-02 15:04:05") + " GMT)"
		stateReason = object{{"code", "Client.UserInitiatedShutdown"}, {"message", "Client.UserInitiatedShutdown: User initiated shutdown"}}
	}
	return object{{"reservationId", fmt.Sprintf("r-0%016x", t.hash("reservation"))}, {"ownerId", t.account}, {"groupSet", []object{}}, {"instancesSet", []object{{
		{"instanceId", t.instanceID()}, {"imageId", fmt.Sprintf("ami-0%016x", t.hash("image")%5)}, {"instanceState", state}, {"privateDnsName", ""}, {"dnsName", ""},
		{"reason", reason}, {"amiLaunchIndex", 0}, {"productCodes", []object{}}, {"instanceType", t.pick("type", "t3.micro", "m7g.large", "c7g.xlarge")}, {"launchTime", t.ago(900)},
		{"placement", object{{"availabilityZone", t.region + "a"}, {"groupName", ""}, {"tenancy", "default"}}}, {"monitoring", object{{"state", "disabled"}}},
		{"stateReason", stateReason}, {"architecture", "arm64"}, {"rootDeviceType", "ebs"}, {"rootDeviceName", "/dev/xvda"}, {"blockDeviceMapping", []object{}},
		{"virtualizationType", "hvm"}, {"tagSet", t.tags("key", "value")}, {"hypervisor", "xen"}}}}}
}

// multiRegion makes the first trail of the first region one of all regions: the others show its shadow.
func (t thing) multiRegion() bool {
	return t.i == 0 && len(t.s.Regions) > 0 && t.region == t.s.Regions[0]
}

func (t thing) trailARN() string { return t.arn("cloudtrail", "trail/"+t.name()) }

func describeTrails(c *call) (object, *refusal) {
	out := []object{}
	for _, region := range c.s.Regions {
		for i := range c.s.Resources[trails] {
			t := place{c.s, c.account, region}.thing(trails, i)
			if region != c.region && (!t.multiRegion() || c.text("includeShadowTrails") == "false") {
				continue
			}
			out = append(out, object{{"Name", t.name()}, {"S3BucketName", "acme-trail-" + t.account}, {"IncludeGlobalServiceEvents", t.multiRegion()},
				{"IsMultiRegionTrail", t.multiRegion()}, {"HomeRegion", region}, {"TrailARN", t.trailARN()}, {"LogFileValidationEnabled", t.oneIn(2, "validated")},
				{"KmsKeyId", some(t.keyARN())}, {"HasCustomEventSelectors", true}, {"HasInsightSelectors", false}, {"IsOrganizationTrail", false}})
		}
	}
	return object{{"trailList", out}}, nil
}

// trailOf returns the trail that a call names by ARN. Only its home knows it.
func (c *call) trailOf(parameter string) (thing, *refusal) {
	arn := c.text(parameter)
	region, account, resource, _ := cutARN(arn)
	t, ok := c.find(trails, strings.TrimPrefix(resource, "trail/"), thing.name)
	if !ok || region != c.region || account != c.account {
		return t, &refusal{status: 400, code: "TrailNotFoundException", message: "Unknown trail: " + arn + " for the user: " + c.account}
	}
	return t, nil
}

func getTrailStatus(c *call) (object, *refusal) {
	t, refused := c.trailOf("Name")
	if refused != nil {
		return nil, refused
	}
	return object{{"IsLogging", t.i == 0 || !t.oneIn(5, "off")}, {"LatestDeliveryTime", t.s.start().Add(-5 * time.Minute)}, {"StartLoggingTime", t.ago(900)},
		{"LatestDeliveryAttemptTime", ""}, {"LatestNotificationAttemptTime", ""}, {"LatestNotificationAttemptSucceeded", ""}, {"LatestDeliveryAttemptSucceeded", ""},
		{"TimeLoggingStarted", ""}, {"TimeLoggingStopped", ""}}, nil
}

func getEventSelectors(c *call) (object, *refusal) {
	t, refused := c.trailOf("TrailName")
	if refused != nil {
		return nil, refused
	}
	if t.oneIn(2, "advanced") {
		return object{{"TrailARN", t.trailARN()}, {"AdvancedEventSelectors", managementEvents}}, nil
	}
	return object{{"TrailARN", t.trailARN()}, {"EventSelectors", []object{{{"ReadWriteType", "All"}, {"IncludeManagementEvents", true}, {"DataResources", []object{}},
		{"ExcludeManagementEventSources", []string{}}}}}}, nil
}

var managementEvents = []object{{{"Name", "Management events"}, {"FieldSelectors", []object{{{"Field", "eventCategory"}, {"Equals", []string{"Management"}}}}}}}

func (t thing) storeARN() string { return t.arn("cloudtrail", "eventdatastore/"+t.uuid()) }

func eventDataStore(t thing) any {
	return object{{"EventDataStoreArn", t.storeARN()}, {"Name", t.name()}}
}

func getEventDataStore(c *call) (object, *refusal) {
	arn := c.text("EventDataStore")
	t, ok := c.find(eventDataStores, path.Base(arn), thing.uuid)
	if !ok {
		return nil, &refusal{status: 400, code: "EventDataStoreNotFoundException", message: "The specified event data store was not found: " + arn}
	}
	return object{{"EventDataStoreArn", t.storeARN()}, {"Name", t.name()}, {"Status", "ENABLED"}, {"AdvancedEventSelectors", managementEvents}, {"MultiRegionEnabled", t.oneIn(2, "multi")},
		{"OrganizationEnabled", false}, {"RetentionPeriod", 366}, {"TerminationProtectionEnabled", true}, {"CreatedTimestamp", t.ago(600)}, {"UpdatedTimestamp", t.ago(600)}}, nil
}

// listBuckets is here for its protocol: no collector asks for buckets.
func listBuckets(c *call) (object, *refusal) {
	var all object
	for i := range c.s.Resources[buckets] {
		t := place{c.s, c.account, ""}.thing(buckets, i)
		all = append(all, member{"Bucket", object{{"Name", t.name()}, {"CreationDate", t.ago(2000)}}})
	}
	return object{{"ListAllMyBucketsResult", object{{"Owner", object{{"ID", fmt.Sprintf("%064x", c.s.hash(0, c.account))}}}, {"Buckets", all}}}}, nil
}
