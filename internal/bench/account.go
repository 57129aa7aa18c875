// Package bench measures what the scanner costs: collecting, judging, snapshots, memory, reports and start-up. Its
// command write turns the output of its benchmarks into a document.
package bench

import (
	"fmt"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/acm"
	"awsscanner/internal/model/cloudformation"
	"awsscanner/internal/model/cloudtrail"
	"awsscanner/internal/model/cloudwatchlogs"
	"awsscanner/internal/model/ec2"
	"awsscanner/internal/model/kms"
	"awsscanner/internal/model/sqs"
	"awsscanner/internal/model/ssm"
)

const account = "111122223333"

var (
	regions = []string{"eu-central-1", "eu-west-1", "us-east-1"}
	start   = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
)

// A service is what one team runs in one region: a hundred resources.
type service struct {
	n      int // 0, 1, 2, ...
	region string
	team   string
	env    string
	name   string
	place  model.Place
}

// shares says how many of a service's resources are of which sort, in the order in which they are made. Seventy are
// subjects of rules. The last one is a trail, an event data store or one more key: each thousand resources have
// one trail, which is more than CloudTrail allows an account, so that trails grow as everything else does.
var shares = []struct {
	n   int
	put func(x *service, i int) model.Resource
}{
	{12, (*service).queue}, {18, (*service).logGroup}, {14, (*service).parameter}, {2, (*service).certificate}, {6, (*service).stack},
	{18, (*service).volume}, {14, (*service).instance}, {15, (*service).key}, {1, (*service).trail},
}

const perService = 100

// Account returns a snapshot of n resources of one account, the same whenever it is asked for. Its law of growth is
// one: ten times the resources are ten times the services, with ten times the references, gaps and failures, in
// the same account and the same three regions. Joins, which look at a region or an account, grow with n as well.
func Account(n int) *engine.Snapshot {
	h := engine.Header{Tool: "bench", Partition: "aws", Start: start, Caller: "arn:aws:sts::" + account + ":assumed-role/SecurityAudit/bench",
		Unread: []model.Place{{Account: account, Region: "ap-south-1"}},
		Listed: []model.Kind{"AWS::CertificateManager::Certificate", "AWS::CloudFormation::Stack", "AWS::CloudTrail::EventDataStore", "AWS::CloudTrail::Trail",
			"AWS::EC2::Instance", "AWS::EC2::Volume", "AWS::KMS::Key", "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::SSM::Parameter"}}
	for _, region := range regions {
		h.Read = append(h.Read, model.Place{Account: account, Region: region})
	}
	s := engine.NewSnapshot(h)
	s.Finished, s.Calls, s.Throttled = start.Add(time.Minute), n/20+1, n/5000

	// In one region two lists broke off after some pages.
	s.PutHole(engine.Hole{Kind: "AWS::EC2::Instance", Place: model.Place{Account: account, Region: regions[1]},
		Gap: &model.Gap{Reason: model.Throttled, Call: "ec2:DescribeInstances", Detail: "RequestLimitExceeded: Request limit exceeded."}})
	s.PutHole(engine.Hole{Kind: "AWS::SSM::Parameter", Place: model.Place{Account: account, Region: regions[1]},
		Gap: &model.Gap{Reason: model.TimedOut, Call: "ssm:DescribeParameters"}})

	for left, k := n, 0; left > 0; k++ {
		x := newService(k)
		for _, share := range shares {
			for i := range min(share.n, left) {
				s.Put(share.put(x, i))
				left--
			}
		}
		// Log groups name keys of other accounts, and some that nobody has any more.
		s.PutHole(engine.Hole{Kind: "AWS::KMS::Key", Place: x.place, ID: x.foreignKey(),
			Gap: &model.Gap{Reason: model.OutsideScan, Call: "kms:DescribeKey", Detail: "account 999988887777 owns it and does not let this one read it"}})
		s.PutAbsence(engine.Absence{Kind: "AWS::KMS::Key", Place: x.place, ID: x.lostKey()})
	}
	return s
}

func newService(n int) *service {
	teams := []string{"checkout", "catalogue", "payments", "warehouse", "identity", "reporting", "platform"}
	parts := []string{"api", "worker", "gateway", "importer", "search", "pricing", "mailer", "scheduler", "archive", "sync", "webhooks"}
	envs := []string{"prod", "prod", "stage", "dev"}
	x := &service{n: n, region: regions[n%len(regions)], team: teams[n%len(teams)], env: envs[n%len(envs)]}
	x.name = fmt.Sprintf("%s-%s-%04d", x.team, parts[n%len(parts)], n)
	x.place = model.Place{Account: account, Region: x.region}
	return x
}

// hash is a number that looks random but depends on the service and a purpose alone.
func (x *service) hash(what string, i int) uint64 {
	h := uint64(14695981039346656037) // FNV-1a, and the finish of SplitMix64
	for _, c := range []byte(what) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	h += uint64(x.n)<<20 + uint64(i)
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// oneIn is true of one in n services or resources.
func (x *service) oneIn(n uint64, what string, i int) bool { return x.hash(what, i)%n == 0 }

// ago returns a time at most so many days before the scan.
func (x *service) ago(days uint64, what string, i int) time.Time {
	return start.Add(-time.Duration(x.hash(what, i)%(days*24*60)) * time.Minute)
}

func (x *service) uuid(what string, i int) string {
	a, b := x.hash(what, i), x.hash(what+"'", i)
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}

func (x *service) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + x.region + ":" + account + ":" + resource
}

func (x *service) meta(id, arn, name string) model.Meta {
	return model.Meta{ID: id, ARN: arn, Name: name, Account: account, Region: x.region}
}

func (x *service) tags(name string, more ...string) model.Attr[map[string]string] {
	m := map[string]string{"Name": name, "team": x.team, "environment": x.env, "cost-centre": fmt.Sprintf("cc-%04d", 4000+x.hash("cost", 0)%400)}
	for i := 0; i < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return model.Known(m)
}

// queue makes chains: a queue with its dead-letter queue, once with one that has its own, once FIFO; and a queue alone.
func (x *service) queue(i int) model.Resource {
	name := func(i int) string {
		name := x.name + [...]string{"-orders", "-orders-dlq", "-orders-dlq-parking", "-mail", "-mail-dlq", "-events", "-events-dlq",
			"-retries", "-retries-dlq", "-ledger", "-ledger-dlq", "-notices"}[i]
		if i == 9 || i == 10 {
			name += ".fifo"
		}
		return name
	}
	q := &sqs.Queue{Meta: x.meta("https://sqs."+x.region+".amazonaws.com/"+account+"/"+name(i), x.arn("sqs", name(i)), name(i))}
	if x.region == regions[2] && x.oneIn(100, "dark queue", i) { // only here, as one dark queue hides of which it may be a source
		q.Gaps = []*model.Gap{{Reason: model.Throttled, Call: "sqs:GetQueueAttributes", Detail: "RequestThrottled: Request is throttled."}}
		return q
	}
	target := ""
	switch i {
	case 0, 1, 3, 5, 7, 9:
		target = x.arn("sqs", name(i+1))
	case 11:
		if x.oneIn(8, "lost queue", i) {
			target = x.arn("sqs", x.name+"-gone")
		}
	}
	q.DeadLetterARN, q.MaxReceives = model.Known(target), model.Known(0)
	if target != "" {
		q.MaxReceives = model.Known([...]int{5, 3, 10, 1}[x.hash("receives", i)%4])
	}
	q.RedriveAllow = model.Known("")
	if i == 6 {
		q.RedriveAllow = model.Known("byQueue")
	}
	q.KMSKey, q.ManagedSSE = model.Known(""), model.Known(true)
	if i < 3 {
		q.KMSKey, q.ManagedSSE = model.Known(x.keyARN(0)), model.Known(false)
	}
	q.Messages, q.RetentionSecs = model.Known(int(x.hash("messages", i)%2000)), model.Known(345600)
	return q
}

// logGroup makes groups with keys of the service, by ARN; one with a key that nobody may see or that does not exist.
func (x *service) logGroup(i int) model.Resource {
	name := [...]string{"/aws/lambda/" + x.name + "-authorizer", "/aws/lambda/" + x.name + "-resize-image", "/aws/lambda/" + x.name + "-post-invoice",
		"/aws/lambda/" + x.name + "-cleanup", "/ecs/" + x.env + "/" + x.name, "/ecs/" + x.env + "/" + x.name + "/sidecar", "/aws/rds/instance/" + x.name + "/postgresql",
		"/aws/codebuild/" + x.name, "/aws/apigateway/" + x.name + "/access", "/" + x.team + "/" + x.name + "/audit", "/" + x.team + "/" + x.name + "/application",
		"/aws/states/" + x.name, "/aws/vpc/flow/" + x.name, "/aws/events/" + x.name, "/aws/lambda/" + x.name + "-thumbnails", "/aws/lambda/" + x.name + "-export",
		"/aws/lambda/" + x.name + "-webhook", "/aws/lambda/" + x.name + "-reindex"}[i]
	g := &cloudwatchlogs.LogGroup{Meta: x.meta(name, x.arn("logs", "log-group:"+name), name), Class: model.Known("STANDARD"), KMSKey: model.Known(x.keyARN(i % 10)),
		RetentionDays: model.Known([...]int{0, 30, 90, 365}[x.hash("retention", i)%4]), StoredBytes: model.Known(int64(x.hash("stored", i) % (1 << 36)))}
	switch {
	case i == 10 || i == 11 || i == 3 && x.env == "dev":
		g.KMSKey = model.Known("")
	case i == 12:
		g.Class, g.KMSKey = model.Known("DELIVERY"), model.Known("")
	case i == 13 && x.n%4 == 0:
		g.KMSKey = model.Known(x.lostKey())
	case i == 13:
		g.KMSKey = model.Known(x.foreignKey())
	}
	return g
}

func (x *service) parameter(i int) model.Resource {
	prefix := "/" + x.env + "/" + x.name
	of := [...]struct{ name, typ, description string }{
		{"/db/password", "SecureString", "password of the application user"},
		{"/db/host", "String", "endpoint of the writer"},
		{"/db/port", "String", ""},
		{"/stripe/api-key", "SecureString", ""},
		{"/oauth/client-secret", "SecureString", "rotated by the pipeline each quarter"},
		{"/oauth/client-id", "String", ""},
		{"/features/new-basket", "String", "switches the new basket on for a share of the customers"},
		{"/network/private-subnet-ids", "StringList", "where tasks are placed"},
		{"/queue-url", "String", ""},
		{"/log-level", "String", "debug, info, warn or error"},
		{"/legacy/ftp-password", "String", "to be moved"},
		{"/image", "String", "machine image of the fleet"},
		{"/cache/endpoint", "String", ""},
		{"/feature-flags/table-name", "String", "where the flags are kept"},
	}[i]
	param := &ssm.Parameter{Meta: x.meta(prefix+of.name, x.arn("ssm", "parameter"+prefix+of.name), prefix+of.name),
		Type: model.Known(of.typ), DataType: model.Known("text"), Description: model.Known(of.description), KMSKey: model.Known("")}
	switch {
	case i == 10 && !x.oneIn(3, "legacy", i):
		param.Type, param.KMSKey = model.Known("SecureString"), model.Known("alias/aws/ssm")
	case i == 11:
		param.DataType = model.Known("aws:ec2:image")
	case of.typ == "SecureString" && i == 0:
		param.KMSKey = model.Known("alias/" + x.name + "-10") // people name keys by alias as well
	case of.typ == "SecureString":
		param.KMSKey = model.Known(x.keyARN(i))
	}
	return param
}

// certificate makes one that ACM renews and one that was imported. Only those that expire soon are described.
func (x *service) certificate(i int) model.Resource {
	arn := x.arn("acm", "certificate/"+x.uuid("certificate", i))
	left := time.Duration(x.hash("expiry", i)%400) * 24 * time.Hour
	c := &acm.Certificate{Meta: x.meta(arn, arn, x.name+"."+x.env+".acme.example"), Status: model.Known("ISSUED"), Type: model.Known("AMAZON_ISSUED"),
		KeyAlgorithm: model.Known("RSA-2048"), InUse: model.Known(!x.oneIn(6, "unused", i)), NotAfter: model.Known(start.Add(left)), RenewalEligibility: model.Known("ELIGIBLE")}
	if i == 1 {
		c.Name = "*." + c.Name
		c.Type, c.RenewalEligibility = model.Known("IMPORTED"), model.Known("INELIGIBLE")
		if x.oneIn(20, "expired", i) {
			c.Status, c.NotAfter, left = model.Known("EXPIRED"), model.Known(x.ago(200, "expired", i)), 0
		}
	}
	switch {
	case left > acm.DescribedDays*24*time.Hour:
	case x.oneIn(10, "dark certificate", i):
		c.Gaps = []*model.Gap{{Reason: model.AccessDenied, Call: "acm:DescribeCertificate",
			Detail: "AccessDeniedException: User is not authorized to perform: acm:DescribeCertificate"}}
	default:
		c.Users = model.Known([]string{x.arn("elasticloadbalancing", fmt.Sprintf("loadbalancer/app/%s/%016x", x.name, x.hash("balancer", i)))})
		c.ValidationMethods, c.RenewalStatus = model.Known([]string{"DNS"}), model.Known([...]string{"", "PENDING_AUTO_RENEWAL", "FAILED"}[x.hash("renewal", i)%3])
	}
	return c
}

func (x *service) stackID(i int) string {
	name := x.name + [...]string{"", "-Network-1X9C8QW7R5T2", "-Compute-PL0OKM9IJN8U", "-Data-5RFV4EDC3WSX", "-Compute-PL0OKM9IJN8U-Alarms-QAZ2WSX3EDC4", "-pipeline"}[i]
	return x.arn("cloudformation", "stack/"+name+"/"+x.uuid("stack", i))
}

// stack makes a root, four stacks nested in it, one of them two levels deep, and a stack beside.
func (x *service) stack(i int) model.Resource {
	id := x.stackID(i)
	arn, _ := model.ParseARN(id)
	s := &cloudformation.Stack{Meta: x.meta(id, id, arn.Resource[len("stack/"):len(arn.Resource)-37]), Status: model.Known("UPDATE_COMPLETE"), StatusReason: model.Known(""),
		Root: model.Known(""), Began: model.Known(x.ago(700, "began", i)), Tags: x.tags(x.name)}
	if i > 0 && i < 5 {
		s.Root = model.Known(x.stackID(0))
	}
	switch {
	case i == 5 && x.oneIn(12, "stuck", 0):
		s.Status = model.Known("UPDATE_IN_PROGRESS")
	case i == 5 && x.oneIn(12, "undone", 0):
		s.Status = model.Known("UPDATE_ROLLBACK_COMPLETE")
	case (i == 0 || i == 2) && x.oneIn(10, "failed", 0):
		s.Status, s.StatusReason = model.Known("UPDATE_ROLLBACK_FAILED"), model.Known("The following resource(s) failed to update: [Service, TaskRole].")
		if x.oneIn(5, "dark stack", i) {
			s.Gaps = []*model.Gap{{Reason: model.Throttled, Call: "cloudformation:DescribeStackEvents", Detail: "Throttling: Rate exceeded"}}
			break
		}
		since := s.Began.Get().Add(12 * time.Minute)
		s.Since = model.Known(since)
		s.Failures = model.Known([]cloudformation.Failure{
			{LogicalID: "TaskRole", Type: "AWS::IAM::Role", Status: "UPDATE_FAILED", Reason: "Resource update cancelled", Time: since.Add(-2 * time.Minute)},
			{LogicalID: "Service", Type: "AWS::ECS::Service", Status: "UPDATE_FAILED",
				Reason: "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.\"", Time: since}})
	}
	return s
}

func (x *service) instanceID(i int) string { return fmt.Sprintf("i-0%016x", x.hash("instance", i)) }

// volume makes the root volumes of the instances and some volumes of data, of which two are on no instance, or on
// one that is not there.
func (x *service) volume(i int) model.Resource {
	id := fmt.Sprintf("vol-0%016x", x.hash("volume", i))
	v := &ec2.Volume{Meta: x.meta(id, x.arn("ec2", "volume/"+id), x.name), State: model.Known("in-use"), Type: model.Known("gp3"), SizeGiB: model.Known(30), IOPS: model.Known(3000),
		ThroughputMiBs: model.Known(125), Encrypted: model.Known(true), KMSKey: model.Known(x.keyARN(i % 10)), Created: model.Known(x.ago(900, "created", i)),
		MultiAttach: model.Known(false), Attachments: model.Known(ec2.Attachments{{Instance: x.instanceID(i % 14), Device: "/dev/xvda", State: "attached", DeleteOnTermination: true}}), Tags: x.tags(x.name)}
	if i >= 14 {
		v.SizeGiB, v.Type = model.Known(500), model.Known("gp2")
		v.IOPS, v.ThroughputMiBs = model.Known(1500), model.Known(0)
		v.Attachments.Get()[0].Device, v.Attachments.Get()[0].DeleteOnTermination = "/dev/sdf", false
	}
	switch i {
	case 15:
		v.Attachments.Get()[0].Instance = x.instanceID(5)
	case 16:
		v.Attachments.Get()[0].Instance = fmt.Sprintf("i-0%016x", x.hash("lost instance", i))
	case 17:
		v.State, v.Attachments = model.Known("available"), model.Known(ec2.Attachments{})
	}
	return v
}

// instance makes eight of an Auto Scaling group and six that stand alone, one of them stopped.
func (x *service) instance(i int) model.Resource {
	id := x.instanceID(i)
	m := &ec2.Instance{Meta: x.meta(id, x.arn("ec2", "instance/"+id), x.name), State: model.Known("running"), StateReason: model.Known(""), TransitionReason: model.Known(""),
		Launched: model.Known(x.ago(300, "launched", i)), RootDevice: model.Known("/dev/xvda"), Image: model.Known(fmt.Sprintf("ami-0%016x", x.hash("image", i%3))),
		AutoScalingGroup: model.Known(""), Tags: x.tags(x.name)}
	switch {
	case i >= 6:
		group := x.name + "-fleet-" + x.env
		m.AutoScalingGroup, m.Tags = model.Known(group), x.tags(x.name, "aws:autoscaling:groupName", group, "aws:ec2launchtemplate:version", "7")
	case i == 5:
		at := x.ago(120, "stopped", i)
		m.Launched = model.Known(at.Add(-90 * 24 * time.Hour))
		m.State, m.StateReason = model.Known("stopped"), model.Known("Client.UserInitiatedShutdown")
		if !x.oneIn(5, "silent", i) { // EC2 does not always tell when
			m.TransitionReason = model.Known("User initiated (" + at.Format("2006-01-02 15:04:05") + " GMT)")
		}
	}
	return m
}

func (x *service) keyARN(i int) string { return x.arn("kms", "key/"+x.uuid("key", i)) }
func (x *service) lostKey() string     { return x.arn("kms", "key/"+x.uuid("lost key", 0)) }
func (x *service) foreignKey() string {
	return "arn:aws:kms:" + x.region + ":999988887777:key/" + x.uuid("foreign key", 0)
}

func (x *service) key(i int) model.Resource {
	k := &kms.Key{Meta: x.meta(x.uuid("key", i), x.keyARN(i), ""), State: model.Known("Enabled"), Manager: model.Known("CUSTOMER"), DeletionDate: model.Known(time.Time{})}
	switch {
	case i == 10:
		k.Refs = []string{"alias/" + x.name + "-10"}
	case i == 12:
		k.Manager = model.Known("AWS")
	case i == 8 && x.oneIn(10, "disabled", 0):
		k.State = model.Known("Disabled")
	case i == 9 && x.oneIn(10, "dying", 0):
		k.State, k.DeletionDate = model.Known("PendingDeletion"), model.Known(start.Add(9*24*time.Hour))
	}
	return k
}

// trail makes a trail of each tenth service, of its region alone; only those of the last region record all. The search
// for one that does, which reads the trails in order, sees most of the others first.
func (x *service) trail(i int) model.Resource {
	switch x.n % 10 {
	case 0:
		arn := x.arn("cloudtrail", "trail/"+x.name)
		t := &cloudtrail.Trail{Meta: x.meta(arn, arn, x.name), MultiRegion: model.Known(x.region == regions[2]), Organization: model.Known(false), GlobalServiceEvents: model.Known(true),
			Bucket: model.Known(x.name + "-trail"), LogFileValidation: model.Known(true), KMSKey: model.Known(x.keyARN(0)), LogGroupARN: model.Known("")}
		if x.region != regions[2] && x.oneIn(5, "dark trail", i) {
			t.Gaps = []*model.Gap{{Reason: model.AccessDenied, Call: "cloudtrail:GetTrailStatus", Detail: "AccessDeniedException: User is not authorized to perform: cloudtrail:GetTrailStatus"}}
		} else {
			t.Logging, t.DeliveryError, t.LogsDeliveryError = model.Known(true), model.Known(""), model.Known("")
			t.LastDelivery, t.LastLogsDelivery = model.Known(start.Add(-7*time.Minute)), model.Known(time.Time{})
		}
		t.Selectors = model.Known([]cloudtrail.Selector{{ReadWriteType: "All", ManagementEvents: true, ExcludedSources: []string{"kms.amazonaws.com"}}})
		t.AdvancedSelectors = model.Known([]cloudtrail.AdvancedSelector{})
		return t
	case 5:
		arn := x.arn("cloudtrail", "eventdatastore/"+x.uuid("store", i))
		return &cloudtrail.EventDataStore{Meta: x.meta(arn, arn, x.name), Status: model.Known("ENABLED"), MultiRegion: model.Known(false),
			AdvancedSelectors: model.Known([]cloudtrail.AdvancedSelector{{Fields: []cloudtrail.FieldSelector{{Field: "eventCategory", Equals: []string{"Management"}}}}})}
	}
	return x.key(15)
}
