package report

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// What Security Hub takes at once. Source: AWS Security Hub CSPM Partner Integration Guide, "Guidelines for using the BatchImportFindings API".
const (
	ASFFBatch = 100     // findings
	ASFFBytes = 5 << 20 // of the 6 MB of a batch; a finding has less than its 240 kB, as all its parts are bounded below
)

// ASFFGenerator begins the GeneratorId of what the scanner writes. The ID of the rule follows.
const ASFFGenerator = "scanner/"

// An ASFF is a finding in the AWS Security Finding Format. Its JSON names are those of the API.
type ASFF struct {
	SchemaVersion   string
	ID              string `json:"Id"`
	ProductARN      string `json:"ProductArn"`
	ProductName     string
	CompanyName     string
	Region          string `json:"-"` // to send it to; Security Hub fills it in itself
	GeneratorID     string `json:"GeneratorId"`
	AccountID       string `json:"AwsAccountId"`
	AccountName     string `json:"AwsAccountName,omitempty"`
	Types           []string
	FirstObservedAt string
	LastObservedAt  string
	CreatedAt       string
	UpdatedAt       string
	Severity        ASFFSeverity
	Title           string
	Description     string
	Remediation     *ASFFRemediation `json:",omitempty"`
	ProductFields   map[string]string
	Resources       []ASFFResource
	Compliance      ASFFCompliance
	RecordState     string
	Provider        ASFFProvider `json:"FindingProviderFields"` // by which a finding is updated; the same above for those who read the file
}

type ASFFSeverity struct{ Label, Original string }

type ASFFRemediation struct{ Recommendation ASFFRecommendation }

type ASFFRecommendation struct{ Text string }

type ASFFProvider struct {
	Severity ASFFSeverity
	Types    []string
}

type ASFFResource struct {
	Type      string
	ID        string            `json:"Id"`
	Partition string            `json:",omitempty"`
	Region    string            `json:",omitempty"`
	Tags      map[string]string `json:",omitempty"`
}

type ASFFCompliance struct {
	Status              string
	RelatedRequirements []string           `json:",omitempty"`
	StatusReasons       []ASFFStatusReason `json:",omitempty"`
}

type ASFFStatusReason struct{ ReasonCode, Description string }

// The states of a record. One that is archived is out of sight unless it is asked for.
const (
	ASFFActive   = "ACTIVE"
	ASFFArchived = "ARCHIVED"
)

// ASFF writes a request of securityhub:BatchImportFindings a line: {"Findings":[...]} with at most 100 findings, all of one account and region. Where
// a rule does not apply there is nothing to import.
func (r *Report) ASFF(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	b := r.ASFFBatches(func(_ model.Place, _ []*ASFF, text []byte) error {
		out.WriteString(`{"Findings":[`)
		out.Write(text)
		_, err := out.WriteString("]}\n")
		return err
	})
	asff := r.ToASFF()
	for x, err := range r.Results() {
		if err == nil {
			err = b.Add(asff(&x))
		}
		if err != nil {
			return err
		}
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return out.Flush()
}

// An ASFFBatcher gathers findings by account and region.
type ASFFBatcher struct {
	send    func(model.Place, []*ASFF, []byte) error
	account string
	waiting map[string]*asffBatch // by region
}

type asffBatch struct {
	findings []*ASFF
	text     bytes.Buffer // of them, as JSON, joined by commas
}

// ASFFBatches returns what calls send with as many findings of an account and region as may be imported at once, and with their JSON. Results come account
// by account, so that no more than one batch a region waits.
func (r *Report) ASFFBatches(send func(at model.Place, findings []*ASFF, text []byte) error) *ASFFBatcher {
	return &ASFFBatcher{send: send, waiting: map[string]*asffBatch{}}
}

// Add adds a finding; nil is none.
func (b *ASFFBatcher) Add(f *ASFF) error {
	if f == nil {
		return nil
	}
	if f.AccountID != b.account {
		if err := b.Flush(); err != nil {
			return err
		}
		b.account = f.AccountID
	}
	w := b.waiting[f.Region]
	if w == nil {
		w = &asffBatch{}
		b.waiting[f.Region] = w
	}
	before := w.text.Len()
	if before > 0 {
		w.text.WriteByte(',')
	}
	e := json.NewEncoder(&w.text)
	e.SetEscapeHTML(false) // it would make findings larger than they are
	if err := e.Encode(f); err != nil {
		return fmt.Errorf("finding %s: %w", f.ID, err)
	}
	w.text.Truncate(w.text.Len() - 1) // without the line break
	w.findings = append(w.findings, f)
	if n := len(w.findings); n > 1 && (n > ASFFBatch || w.text.Len() > ASFFBytes) { // the others go first
		last := bytes.Clone(w.text.Bytes()[before+1:])
		if err := b.send(model.Place{Account: b.account, Region: f.Region}, w.findings[:n-1], w.text.Bytes()[:before]); err != nil {
			return err
		}
		w.findings = []*ASFF{f}
		w.text.Reset()
		w.text.Write(last)
	}
	return nil
}

// Flush sends what waits.
func (b *ASFFBatcher) Flush() error {
	for _, region := range slices.Sorted(maps.Keys(b.waiting)) {
		if w := b.waiting[region]; len(w.findings) > 0 {
			if err := b.send(model.Place{Account: b.account, Region: region}, w.findings, w.text.Bytes()); err != nil {
				return err
			}
		}
	}
	clear(b.waiting)
	return nil
}

// hubHomes are where findings go that belong to no region: where the global services of the partition are.
var hubHomes = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1", "aws-eusc": "eusc-de-east-1", "aws-iso": "us-iso-east-1", "aws-iso-b": "us-isob-east-1",
	"aws-iso-e": "eu-isoe-west-1", "aws-iso-f": "us-isof-south-1"}

// HubRegion returns the region whose Security Hub is told of what is in a region, or in none.
func (r *Report) HubRegion(region string) string {
	if region == "" || region == model.AnyRegion {
		return hubHomes[cmp.Or(r.Header.Partition, "aws")]
	}
	return region
}

// asffLabels are the severities of ASFF by ours.
var asffLabels = map[engine.Severity]string{engine.Informational: "INFORMATIONAL", engine.Low: "LOW", engine.Medium: "MEDIUM", engine.High: "HIGH", engine.Critical: "CRITICAL"}

// ToASFF returns what makes a finding to import of a result; it returns nil if there is nothing to import.
//
// What could not be assessed is a finding of its own, beside the one about the resource: importing it must not overwrite what an earlier scan saw.
// A failure that is waived is archived, and comes back when the waiver expires. Its workflow status is not set: BatchImportFindings can do that only
// once, so that it would stay suppressed for ever.
func (r *Report) ToASFF() func(*Result) *ASFF {
	scan, mapped, rules := r.ID(), r.standards(), map[*engine.Rule]*asffRule{}
	return func(x *Result) *ASFF {
		of := rules[x.Rule]
		if of == nil {
			of = newASFFRule(x.Rule, mapped[x.Rule.ID])
			rules[x.Rule] = of
		}
		return r.asff(x, of, scan)
	}
}

// An asffRule is what all findings of a rule share.
type asffRule struct {
	title, why, pillars string
	kind                string // of resources, as Security Hub calls it
	types, requirements []string
	remediation         *ASFFRemediation
}

func newASFFRule(rule *engine.Rule, of *mapping) *asffRule {
	out := &asffRule{title: cut(rule.Title, 256), why: cut(rule.Why, 1024), kind: asffType(rule.Check.Subject.Reported())}
	if slices.Contains(rule.Pillars, engine.Security) {
		out.types = append(out.types, "Software and Configuration Checks/AWS Security Best Practices")
	}
	var pillars []string
	for _, p := range rule.Pillars {
		pillars = append(pillars, string(p))
		out.types = append(out.types, "Software and Configuration Checks/AWS Well-Architected/"+string(p))
	}
	out.pillars = strings.Join(pillars, ", ")
	if of != nil {
		for _, q := range of.requirements[:min(32, len(of.requirements))] {
			out.requirements = append(out.requirements, cut(q, 256))
		}
	}
	if rule.Fix.Text != "" {
		out.remediation = &ASFFRemediation{ASFFRecommendation{cut(rule.Fix.Text, 512)}}
	}
	return out
}

func (r *Report) asff(x *Result, of *asffRule, scan string) *ASFF {
	m, f := x.Resource, x.Finding()
	if x.Status == engine.Inapplicable || !twelveDigits.MatchString(m.Account) {
		return nil
	}
	region, now := r.HubRegion(m.Region), asffTime(r.Header.Start)
	partition := cmp.Or(r.Header.Partition, "aws")
	out := &ASFF{SchemaVersion: "2018-10-08", ID: ASFFGenerator + f.Fingerprint, ProductARN: ProductARN(partition, m.Account, region), ProductName: "scanner", CompanyName: "scanner", Region: region,
		GeneratorID: ASFFGenerator + x.Rule.ID, AccountID: m.Account, AccountName: cut(r.Header.Names[m.Account], 50), FirstObservedAt: now, LastObservedAt: now, CreatedAt: now, UpdatedAt: now,
		Title: of.title, Types: of.types, RecordState: ASFFActive, Compliance: ASFFCompliance{Status: "PASSED"}, Severity: ASFFSeverity{"INFORMATIONAL", string(x.Status)}}
	switch x.Status {
	case engine.Failed:
		out.Compliance.Status, out.Severity = "FAILED", ASFFSeverity{asffLabels[x.Severity], x.Severity.String()}
	case engine.NotAssessed:
		out.ID += "/not-assessed"
		text := x.Message
		if len(f.Gap.Permissions) > 0 {
			text += "; grant " + strings.Join(f.Gap.Permissions, ", ")
		}
		out.Compliance = ASFFCompliance{Status: "NOT_AVAILABLE", StatusReasons: []ASFFStatusReason{{strings.ToUpper(strings.ReplaceAll(string(f.Gap.Reason), "-", "_")), cut(text, 1024)}}}
	}
	out.Compliance.RelatedRequirements = of.requirements
	out.Provider = ASFFProvider{out.Severity, out.Types}
	out.Description = cut(cmp.Or(x.Message, x.Rule.Title), 1024)
	if x.Rule.Why != "" && x.Status == engine.Failed {
		out.Description = cut(x.Message+". "+of.why, 1024)
	}
	if x.Status == engine.Failed {
		out.Remediation = of.remediation
	}
	out.ProductFields = r.productFields(x, &f, of, scan)
	if x.Waived != nil && x.Status == engine.Failed {
		out.RecordState = ASFFArchived
	}
	out.Resources = []ASFFResource{r.asffResource(x, &f, of)}
	return out
}

// ProductARN is that of findings that an account imports into its own Security Hub.
func ProductARN(partition, account, region string) string {
	return fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%[3]s/default", partition, region, account)
}

func asffTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// evidenceFields bounds the pieces of evidence in a finding: of 50 fields there may be, and of its size.
const evidenceFields = 15

// productFields is what only the scanner tells.
func (r *Report) productFields(x *Result, f *Finding, of *asffRule, scan string) map[string]string {
	fields := map[string]string{}
	put := func(name, value string) {
		if value = cut(value, 1024); value != "" {
			fields[ASFFGenerator+name] = value
		}
	}
	put("version", r.Version)
	put("scan", scan)
	put("rule", x.Rule.ID)
	put("status", string(x.Status))
	put("fingerprint", f.Fingerprint)
	put("identity", f.Identity)
	put("kind", string(x.Kind()))
	put("resource", x.Resource.ID)
	put("region", x.Resource.Region)
	put("owner", x.Team)
	put("change", string(x.Change))
	put("pillars", of.pillars)
	if f.Fix != nil {
		put("fix", f.Fix.Key)
	}
	if wv := x.Waived; wv != nil {
		put("waived/reason", wv.Reason)
		put("waived/owner", wv.Owner)
		put("waived/expires", wv.Expires)
		put("waived/ticket", wv.Ticket)
	}
	keys := slices.Sorted(maps.Keys(f.Evidence))
	for _, key := range keys[:min(evidenceFields, len(keys))] {
		value, err := json.Marshal(f.Evidence[key])
		if text, ok := f.Evidence[key].(string); ok {
			value, err = []byte(text), nil
		}
		if err == nil {
			put("evidence/"+cut(key, 100), string(value))
		}
	}
	return fields
}

func (r *Report) asffResource(x *Result, f *Finding, of *asffRule) ASFFResource {
	m := x.Resource
	out := ASFFResource{Type: of.kind, ID: cmp.Or(cut(m.ARN, 512), cut(m.ID, 512), f.Fingerprint), Region: m.Region}
	if m.Region == model.AnyRegion {
		out.Region = ""
	}
	switch p := r.Header.Partition; p {
	case "aws", "aws-cn", "aws-us-gov": // it knows no others
		out.Partition = p
	}
	if out.Type == "AwsAccount" {
		out.ID = "AWS::::Account:" + m.Account
	}
	for _, key := range slices.Sorted(maps.Keys(f.Resource.Tags)) {
		if value := cut(f.Resource.Tags[key], 256); value != "" && cut(key, 128) != "" && len(out.Tags) < 50 {
			if out.Tags == nil {
				out.Tags = map[string]string{}
			}
			out.Tags[cut(key, 128)] = value
		}
	}
	return out
}

// cut makes one line of a text, no longer than most characters. Security Hub takes no text that is blank.
func cut(text string, most int) string {
	if !plainLine(text) {
		text = strings.Join(strings.Fields(Clean(strings.ToValidUTF8(text, "\ufffd"))), " ")
	}
	if len(text) <= most {
		return text
	}
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// plainLine reports whether a text is one line of ASCII with nothing to clean in it, as most are.
func plainLine(text string) bool {
	space := true
	for i := range len(text) {
		c := text[i]
		if c < ' ' || c > '~' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return !space
}

// asffType returns the name that Security Hub has for a kind, or Other. Most are made of that of CloudFormation.
func asffType(k model.Kind) string {
	switch k {
	case "AWS::::Account":
		return "AwsAccount"
	case "AWS::ElasticLoadBalancingV2::LoadBalancer":
		return "AwsElbv2LoadBalancer"
	case "AWS::ElasticLoadBalancing::LoadBalancer":
		return "AwsElbLoadBalancer"
	case "AWS::IAM::ManagedPolicy":
		return "AwsIamPolicy"
	case "AWS::StepFunctions::StateMachine":
		return "AwsStepFunctionStateMachine"
	}
	wanted := strings.ReplaceAll(string(k), "::", "")
	if i := slices.IndexFunc(asffTypes, func(name string) bool { return strings.EqualFold(name, wanted) }); i >= 0 {
		return asffTypes[i]
	}
	return "Other"
}

// asffTypes are the types of resources that Security Hub knows by name. Source: ResourceDetails in the API model of Security Hub, botocore 1.43.11.
var asffTypes = strings.Fields(`
	AwsAmazonMqBroker AwsApiGatewayRestApi AwsApiGatewayStage AwsApiGatewayV2Api AwsApiGatewayV2Stage AwsAppSyncGraphQlApi AwsAthenaWorkGroup AwsAutoScalingAutoScalingGroup
	AwsAutoScalingLaunchConfiguration AwsBackupBackupPlan AwsBackupBackupVault AwsBackupRecoveryPoint AwsCertificateManagerCertificate AwsCloudFormationStack AwsCloudFrontDistribution
	AwsCloudTrailTrail AwsCloudWatchAlarm AwsCodeBuildProject AwsDmsEndpoint AwsDmsReplicationInstance AwsDmsReplicationTask AwsDynamoDbTable AwsEc2ClientVpnEndpoint AwsEc2Eip AwsEc2Instance
	AwsEc2LaunchTemplate AwsEc2NetworkAcl AwsEc2NetworkInterface AwsEc2RouteTable AwsEc2SecurityGroup AwsEc2Subnet AwsEc2TransitGateway AwsEc2Volume AwsEc2Vpc AwsEc2VpcEndpointService
	AwsEc2VpcPeeringConnection AwsEc2VpnConnection AwsEcrRepository AwsEcsCluster AwsEcsService AwsEcsTask AwsEcsTaskDefinition AwsEfsAccessPoint AwsEksCluster AwsElasticBeanstalkEnvironment
	AwsElasticsearchDomain AwsElbLoadBalancer AwsElbv2LoadBalancer AwsEventsEndpoint AwsEventsEventbus AwsGuardDutyDetector AwsIamAccessKey AwsIamGroup AwsIamPolicy AwsIamRole AwsIamUser
	AwsKinesisStream AwsKmsKey AwsLambdaFunction AwsLambdaLayerVersion AwsMskCluster AwsNetworkFirewallFirewall AwsNetworkFirewallFirewallPolicy AwsNetworkFirewallRuleGroup
	AwsOpenSearchServiceDomain AwsRdsDbCluster AwsRdsDbClusterSnapshot AwsRdsDbInstance AwsRdsDbSecurityGroup AwsRdsDbSnapshot AwsRdsEventSubscription AwsRedshiftCluster AwsRoute53HostedZone
	AwsS3AccessPoint AwsS3Bucket AwsSageMakerNotebookInstance AwsSecretsManagerSecret AwsSnsTopic AwsSqsQueue AwsStepFunctionStateMachine AwsWafv2RuleGroup AwsWafv2WebAcl`)
