package awstest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An operation is how one operation is served: it has either answer or a list of things.
type operation struct {
	route  string // method and path, in REST protocols
	answer func(*call) (object, *refusal)
	listing
}

// A listing is an operation whose answer comes in pages.
type listing struct {
	member string // of the answer
	kind   string // of what is listed, as in Synthetic.Resources
	size   string // parameter: items in a page
	most   int    // of them
	token  string // parameter, and member of the answer: where the next page begins
	next   string // that member, if it has another name
	show   func(thing) any
	count  func(*call) (int, *refusal) // instead of the number of resources of the kind
	shy    bool                        // unless a size is asked for there is one page, and no word of more
}

// operations is all that is served. Page sizes are the most that the API references allow; those of CloudFormation, whose
// pages end at 1 MB, are what it comes to.
var operations = map[string]operation{
	"account:ListRegions":                {route: "POST /listRegions", listing: listing{member: "Regions", size: "MaxResults", most: 50, token: "NextToken", show: regionOfAccount, count: regions}},
	"acm:DescribeCertificate":            {answer: describeCertificate},
	"acm:ListCertificates":               {listing: listing{member: "CertificateSummaryList", kind: certificates, size: "MaxItems", most: 1000, token: "NextToken", show: certificateSummary}},
	"cloudformation:DescribeStackEvents": {listing: listing{member: "StackEvents", most: 100, token: "NextToken", show: stackEvent, count: stackEvents}},
	"cloudformation:DescribeStacks":      {listing: listing{member: "Stacks", kind: stacks, most: 100, token: "NextToken", show: stack}},
	"cloudtrail:DescribeTrails":          {answer: describeTrails},
	"cloudtrail:GetEventDataStore":       {answer: getEventDataStore},
	"cloudtrail:GetEventSelectors":       {answer: getEventSelectors},
	"cloudtrail:GetTrailStatus":          {answer: getTrailStatus},
	"cloudtrail:ListEventDataStores":     {listing: listing{member: "EventDataStores", kind: eventDataStores, size: "MaxResults", most: 1000, token: "NextToken", show: eventDataStore}},
	"cloudwatchlogs:DescribeLogGroups":   {listing: listing{member: "logGroups", kind: logGroups, size: "limit", most: 50, token: "nextToken", show: logGroup}},
	"ec2:DescribeInstances":              {listing: listing{member: "reservationSet", kind: instances, size: "MaxResults", most: 1000, token: "NextToken", show: reservation}},
	"ec2:DescribeRegions":                {answer: describeRegions},
	"ec2:DescribeVolumes":                {listing: listing{member: "volumeSet", kind: volumes, size: "MaxResults", most: 1000, token: "NextToken", show: volume}},
	"kms:DescribeKey":                    {answer: describeKey},
	"kms:GetKeyPolicy":                   {answer: getKeyPolicy},
	"kms:GetKeyRotationStatus":           {answer: getKeyRotationStatus},
	"kms:ListKeys":                       {listing: listing{member: "Keys", kind: keys, size: "Limit", most: 1000, token: "Marker", next: "NextMarker", show: listedKey}},
	"organizations:ListAccounts":         {listing: listing{member: "Accounts", size: "MaxResults", most: 20, token: "NextToken", show: memberAccount, count: memberAccounts}},
	"s3:ListBuckets":                     {route: "GET /", answer: listBuckets},
	"sqs:GetQueueAttributes":             {answer: getQueueAttributes},
	"sqs:ListQueues":                     {listing: listing{member: "QueueUrls", kind: queues, size: "MaxResults", most: 1000, token: "NextToken", show: queueURL, shy: true}},
	"ssm:DescribeParameters":             {listing: listing{member: "Parameters", kind: parameters, size: "MaxResults", most: 50, token: "NextToken", show: parameter}},
	"sts:AssumeRole":                     {answer: assumeRole},
	"sts:GetCallerIdentity":              {answer: getCallerIdentity},
}

// Kinds of resources, as CloudFormation names them.
const (
	buckets         = "AWS::S3::Bucket"
	certificates    = "AWS::CertificateManager::Certificate"
	eventDataStores = "AWS::CloudTrail::EventDataStore"
	instances       = "AWS::EC2::Instance"
	keys            = "AWS::KMS::Key"
	logGroups       = "AWS::Logs::LogGroup"
	parameters      = "AWS::SSM::Parameter"
	queues          = "AWS::SQS::Queue"
	stacks          = "AWS::CloudFormation::Stack"
	trails          = "AWS::CloudTrail::Trail"
	volumes         = "AWS::EC2::Volume"
)

// run answers a call. The third result says why AWS would not know what is asked for.
func (c *call) run() (object, *refusal, Kind) {
	o, ok := operations[c.Op]
	if !ok {
		return nil, nil, unknownOp
	}
	if o.answer == nil {
		answer, refused := o.listing.answer(c)
		return answer, refused, ""
	}
	answer, refused := o.answer(c)
	return answer, refused, ""
}

// answer returns the page that a call asks for.
func (l listing) answer(c *call) (object, *refusal) {
	n := c.s.Resources[l.kind]
	if l.count != nil {
		var refused *refusal
		if n, refused = l.count(c); refused != nil {
			return nil, refused
		}
	}
	size, err := strconv.Atoi(c.text(l.size))
	if err != nil || size > l.most {
		size = l.most
	}
	from := 0
	c.page = 1
	check := fmt.Sprintf("%016x", c.s.hash(n, c.account, c.region, c.Op))
	if token := c.text(l.token); token != "" { // it is good for the list that it comes from
		if _, err := fmt.Sscanf(token, check+".%d.%d", &c.page, &from); err != nil {
			return nil, &refusal{status: 400, code: "InvalidNextToken", message: "The token is not valid."}
		}
	}
	var objects []object
	var texts []string
	for i := from; i < min(from+size, n); i++ {
		switch v := l.show(thing{c.place, l.kind, i, c}).(type) {
		case object:
			objects = append(objects, v)
		case string:
			texts = append(texts, v)
		}
	}
	out := object{{l.member, objects}}
	if objects == nil && texts != nil {
		out[0].value = texts
	}
	if next := from + size; next < n && !(l.shy && c.text(l.size) == "") {
		token := cmp.Or(l.next, l.token)
		if c.protocol == ec2Query { // whose answers begin with a small letter
			token = strings.ToLower(token[:1]) + token[1:]
		}
		out = append(out, member{token, fmt.Sprintf("%s.%d.%d", check, c.page+1, next)})
	}
	return out, nil
}

// caller returns the ARN of who is calling.
func (c *call) caller() string { return "arn:aws:sts::" + c.account + ":assumed-role/scan/synthetic" }

func getCallerIdentity(c *call) (object, *refusal) {
	return object{{"Arn", c.caller()}, {"UserId", "AROA" + c.account + "SCAN:synthetic"}, {"Account", c.account}}, nil
}

// assumeRole hands out a key that tells the account and when it ends: Unix time to base 36.
func assumeRole(c *call) (object, *refusal) {
	arn := c.text("RoleArn")
	_, account, role, ok := cutARN(arn)
	if !ok || !c.s.has(account) {
		return nil, &refusal{status: 403, code: "AccessDenied", message: "User: " + c.caller() + " is not authorized to perform: sts:AssumeRole on resource: " + arn}
	}
	lasts := time.Hour
	if seconds, err := strconv.Atoi(c.text("DurationSeconds")); err == nil {
		lasts = time.Duration(seconds) * time.Second
	}
	if c.s.Expire > 0 {
		lasts = c.s.Expire
	}
	end := time.Now().Add(lasts).Truncate(time.Second)
	return object{
		{"AssumedRoleUser", object{{"AssumedRoleId", "AROA" + account + "SCAN:" + c.text("RoleSessionName")},
			{"Arn", "arn:aws:sts::" + account + ":assumed-" + role + "/" + c.text("RoleSessionName")}}},
		{"Credentials", object{{"AccessKeyId", "ASIA" + account + strconv.FormatInt(end.Unix(), 36)}, {"SecretAccessKey", "synthetic"},
			{"SessionToken", "synthetic"}, {"Expiration", end}}}}, nil
}

func memberAccounts(c *call) (int, *refusal) {
	if c.account != c.s.Account(0) {
		return 0, &refusal{status: 400, code: "AccessDeniedException", message: "You don't have permissions to access this resource."}
	}
	return max(1, c.s.Accounts), nil
}

func memberAccount(t thing) any {
	id := t.s.Account(t.i)
	return object{{"Id", id}, {"Arn", "arn:aws:organizations::" + t.account + ":account/o-synthetic1/" + id}, {"Email", "aws+" + id + "@acme.example"},
		{"Name", teams[t.i%len(teams)] + "-" + id}, {"Status", "ACTIVE"}, {"State", "ACTIVE"}, {"JoinedMethod", "CREATED"}, {"JoinedTimestamp", t.ago(2000)}}
}

// optIn are regions that accounts here have not switched on, unless Synthetic.Regions names them.
var optIn = []string{"af-south-1", "ap-east-1", "me-south-1"}

func (s *Synthetic) allRegions() []string {
	all := slices.Concat(s.Regions, optIn)
	slices.Sort(all)
	return slices.Compact(all)
}

func regions(c *call) (int, *refusal) { return len(c.s.allRegions()), nil }

func regionOfAccount(t thing) any {
	name, status := t.s.allRegions()[t.i], "DISABLED"
	switch {
	case slices.Contains(t.s.Regions, name) && slices.Contains(optIn, name):
		status = "ENABLED"
	case slices.Contains(t.s.Regions, name):
		status = "ENABLED_BY_DEFAULT"
	}
	return object{{"RegionName", name}, {"RegionOptStatus", status}}
}

func describeRegions(c *call) (object, *refusal) {
	var out []object
	for _, name := range c.s.allRegions() {
		status := "opt-in-not-required"
		switch on := slices.Contains(c.s.Regions, name); {
		case on && slices.Contains(optIn, name):
			status = "opted-in"
		case !on && c.text("AllRegions") != "true":
			continue
		case !on:
			status = "not-opted-in"
		}
		out = append(out, object{{"regionName", name}, {"regionEndpoint", "ec2." + name + ".amazonaws.com"}, {"optInStatus", status}})
	}
	return object{{"regionInfo", out}}, nil
}
