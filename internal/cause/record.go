package cause

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// An Event is one of CloudTrail's history.
type Event struct {
	ID        string
	Name      string
	Source    string // s3.amazonaws.com
	Time      time.Time
	ReadOnly  bool
	Resources []Resource // that CloudTrail lists it under
	Record    string     // all of it, in JSON
}

// A Resource is what CloudTrail lists an event under.
type Resource struct{ Type, Name string }

// A Subject is the resource of a finding.
type Subject struct {
	Type       string // as the model calls it: s3.Bucket
	ID         string
	ARN        string
	Name       string
	Account    string
	Region     string
	Attributes []string // that the rule reads of it: Policy
	Others     []string // types that the rule reads beside it
}

// A record is what an event says of itself. Source: CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element".
type record struct {
	ErrorCode    string     `json:"errorCode"`
	ErrorMessage string     `json:"errorMessage"`
	Recipient    string     `json:"recipientAccountId"`
	Identity     identity   `json:"userIdentity"`
	Request      any        `json:"requestParameters"`
	Response     any        `json:"responseElements"`
	Resources    []affected `json:"resources"`
}

// An affected is a resource that a record names beside request and answer.
type affected struct {
	ARN string `json:"ARN"`
}

// An identity is who made a call.
type identity struct {
	Type        string `json:"type"`
	ARN         string `json:"arn"`
	Account     string `json:"accountId"`
	UserName    string `json:"userName"`
	PrincipalID string `json:"principalId"`
	InvokedBy   string `json:"invokedBy"`
	Session     struct {
		Issuer struct {
			Type     string `json:"type"`
			ARN      string `json:"arn"`
			UserName string `json:"userName"`
		} `json:"sessionIssuer"`
	} `json:"sessionContext"`
}

// version is what CloudTrail adds to the names of some events: the date of an API.
var version = regexp.MustCompile(`\d{4}_?\d{2}_?\d{2}(v\d+)?$`)

// service returns the service of an event, as its source begins: s3.
func service(source string) string {
	name, _, _ := strings.Cut(source, ".")
	return name
}

// match reports whether an event is a change of the subject that could have changed what is judged, and by which line of the table. An error
// says that nobody can tell, as its record is garbled.
func (s *Subject) match(c *class, e *Event) (found *change, r *record, err error) {
	i := slices.IndexFunc(c.changes, func(x change) bool {
		return x.event == version.ReplaceAllString(e.Name, "") && cmp.Or(x.source, c.source) == service(e.Source)
	})
	if e.ReadOnly || i < 0 || !c.changes[i].concerns(s.Attributes) {
		return nil, nil, nil
	}
	x := &c.changes[i]
	r = new(record)
	if err := json.Unmarshal([]byte(e.Record), r); err != nil {
		return nil, nil, fmt.Errorf("the event %s cannot be read", e.ID)
	}
	switch {
	case r.ErrorCode != "" || r.ErrorMessage != "": // it came to nothing
		return nil, nil, nil
	case r.Recipient != "" && s.Account != "" && r.Recipient != s.Account:
		return nil, nil, nil
	case !s.is(c, x, e, r) || !x.touches(s.Attributes, r.Request):
		return nil, nil, nil
	}
	return x, r, nil
}

// concerns reports whether the change is about any of the attributes, whatever its request says.
func (x *change) concerns(attributes []string) bool {
	if x.sets == begins || x.sets == anything {
		return true
	}
	for set := range strings.FieldsSeq(x.sets) {
		if name, _, _ := strings.Cut(set, ":"); slices.Contains(attributes, name) {
			return true
		}
	}
	return false
}

// touches reports whether the change could have changed any of the attributes: many calls change what their request names, and nothing else. A
// request that is not told may have named it.
func (x *change) touches(attributes []string, request any) bool {
	if x.sets == begins || x.sets == anything {
		return true
	}
	for set := range strings.FieldsSeq(x.sets) {
		name, keys, only := strings.Cut(set, ":")
		if slices.Contains(attributes, name) && (!only || request == nil || slices.ContainsFunc(strings.Split(keys, "|"), func(key string) bool { return says(request, key) })) {
			return true
		}
	}
	return false
}

// says reports whether a request has a key, KEY=VALUE with that value. SNS and EC2 have calls whose request names the attribute to change.
func says(request any, key string) bool {
	name, want, valued := strings.Cut(key, "=")
	switch v := request.(type) {
	case map[string]any:
		for k, inner := range v {
			text, _ := inner.(string)
			switch {
			case strings.EqualFold(k, name) && (!valued || fmt.Sprint(inner) == want):
				return true
			case slices.Contains([]string{"attribute", "attributename", "attributetype"}, strings.ToLower(k)) && strings.EqualFold(text, name):
				return true
			case says(inner, key):
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return says(inner, key) })
	}
	return false
}

// is reports whether the event is about exactly this subject: as its request or its answer says, or else as CloudTrail lists it.
func (s *Subject) is(c *class, x *change, e *Event, r *record) bool {
	if c.place { // an account or a region, of which there is one
		return !x.root || r.Identity.Type == "Root" && len(values(r.Request, []string{"userName"})) == 0 || slices.Equal(values(r.Request, []string{"userName"}), []string{rootUser})
	}
	if x.id != "" {
		return s.composed(x.id, r.Request)
	}
	if s.ARN != "" && slices.Contains(r.Resources, affected{s.ARN}) {
		return true
	}
	keys := strings.Fields(cmp.Or(x.at, c.at))
	for _, part := range []any{r.Request, r.Response} {
		if names := values(part, keys); len(names) > 0 {
			return slices.ContainsFunc(names, s.named)
		}
	}
	if c.self { // IAM takes the caller, if no user is named
		switch r.Identity.Type {
		case "IAMUser":
			return s.named(r.Identity.UserName)
		case "Root":
			return false
		}
	}
	return s.listed(e)
}

// rootUser is what IAM calls the root user where a name is due.
const rootUser = "AWS ROOT USER"

// listed reports whether CloudTrail lists an event under the subject, and under nothing else of its sort.
func (s *Subject) listed(e *Event) bool {
	i := slices.IndexFunc(e.Resources, func(r Resource) bool { return s.named(r.Name) })
	return i >= 0 && !slices.ContainsFunc(e.Resources, func(r Resource) bool { return r.Type == e.Resources[i].Type && !s.named(r.Name) })
}

// deepest is how far below the top of a request its subject is named: instancesSet.items.instanceId. Further down are others, as
// the groups that a security group lets in.
const deepest = 3

// values returns the texts of keys, at the highest level that has any.
func values(part any, keys []string) (found []string) {
	level := []any{part}
	for range deepest {
		var next []any
		for _, x := range level {
			object, ok := x.(map[string]any)
			if !ok {
				continue
			}
			for _, k := range slices.Sorted(maps.Keys(object)) {
				value := object[k]
				if slices.ContainsFunc(keys, func(key string) bool { return strings.EqualFold(key, k) }) {
					found = append(found, texts(value)...)
				}
				next = append(next, spread(value)...)
			}
		}
		if len(found) > 0 {
			return found
		}
		level = next
	}
	return nil
}

// texts returns a text, or those of a list. EC2 writes {"content": TEXT} for some.
func texts(value any) (all []string) {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			all = append(all, texts(x)...)
		}
	case map[string]any:
		if text, ok := v["content"].(string); ok {
			return []string{text}
		}
	}
	return all
}

// spread returns what is in a list, or the value itself.
func spread(value any) (all []any) {
	if list, ok := value.([]any); ok {
		for _, x := range list {
			all = append(all, spread(x)...)
		}
		return all
	}
	return []any{value}
}

// composed reports whether an ID that is made of several names, as role/{roleName}/{policyName}, is that of the subject.
func (s *Subject) composed(id string, request any) bool {
	made := placeholder.ReplaceAllStringFunc(id, func(key string) string {
		if found := values(request, []string{strings.Trim(key, "{}")}); len(found) == 1 && found[0] != "" && !strings.Contains(found[0], "*") {
			return found[0]
		}
		return "\x00" // nobody is called so
	})
	return engine.Match(made, s.ID)
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// named reports whether a text is one of the names of the subject.
func (s *Subject) named(text string) bool {
	if text == "" {
		return false
	}
	if slices.Contains(s.names(), text) {
		return true
	}
	within := func(prefix, name string) bool { return name != "" && strings.HasPrefix(text, prefix+name) }
	switch s.Type {
	case "sqs.Queue": // some endpoints of old have other hosts
		a, err := url.Parse(text)
		b, err2 := url.Parse(s.ID)
		return err == nil && err2 == nil && a.Host != "" && len(b.Path) > 1 && a.Path == b.Path
	case "rds.DBInstance", "rds.DBCluster", "rds.DBSnapshot", "rds.DBClusterSnapshot": // which RDS writes in small letters
		return strings.EqualFold(text, s.ID)
	case "lambda.Function": // with a version or an alias, and without the beginning of the ARN
		if s.Name == "" || s.ARN == "" {
			return false
		}
		function, _, _ := strings.Cut(strings.TrimPrefix(text, s.Account+":function:"), ":")
		return function == s.Name || strings.HasPrefix(text, s.ARN+":")
	case "cloudwatchlogs.LogGroup":
		return s.ARN != "" && text == s.ARN+":*"
	case "secretsmanager.Secret": // AWS takes the ARN without the hyphen and six characters at its end
		return len(text) > 20 && strings.HasPrefix(text, "arn:") && len(s.ARN) == len(text)+7 && strings.HasPrefix(s.ARN, text+"-")
	case "elasticloadbalancingv2.LoadBalancer": // its listeners and rules are parts of it
		before, name, ok := strings.Cut(s.ARN, ":loadbalancer/")
		return ok && (within(before+":listener/", name+"/") || within(before+":listener-rule/", name+"/"))
	case "dynamodb.Table": // as Application Auto Scaling calls it
		return text == "table/"+s.Name || within("table/", s.Name+"/index/")
	}
	return false
}

// names returns what CloudTrail may call the subject: ID, ARN and, unless it is but a tag, the name.
func (s *Subject) names() (all []string) {
	names := []string{s.ID, s.ARN}
	if c := classes[s.Type]; !c.tagged {
		names = append(names, s.Name)
	}
	if s.Type == "iam.InlinePolicy" { // listed under its holder and its own name
		if parts := strings.Split(s.ID, "/"); len(parts) == 3 {
			names = []string{parts[1], parts[2]}
		}
	}
	for _, n := range names {
		if n != "" && len(n) <= longest && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// longest is what LookupEvents takes as the value of an attribute, of characters that count double.
const longest = 1000

// person finds what may be an address of e-mail.
var person = regexp.MustCompile(`\S*@\S*`)

// discreet takes out of a text what may be an address of e-mail, if the mode says so.
func (m Mode) discreet(text string) string {
	if m == Full {
		return text
	}
	return person.ReplaceAllString(text, "…")
}

// principal returns who made a call. By default a session has no name: whoever begins it calls it as he pleases, which is often his address.
func (id *identity) principal(m Mode) string {
	arn, _ := model.ParseARN(id.ARN)
	kind, rest, _ := strings.Cut(arn.Resource, "/")
	short := fmt.Sprintf("arn:%s:%s::%s:", cmp.Or(arn.Partition, "aws"), cmp.Or(arn.Service, "iam"), cmp.Or(arn.Account, id.Account))
	name := ""
	switch id.Type {
	case "Root":
		return m.of(id.ARN, short+"root")
	case "IAMUser":
		return m.of(cmp.Or(id.ARN, short+"user/"+id.UserName), short+"user")
	case "AssumedRole", "Role":
		if m == Full && id.ARN != "" {
			return id.ARN
		}
		if issuer := id.Session.Issuer.ARN; issuer != "" {
			return m.of(issuer, short+"assumed-role")
		}
		if kind == "assumed-role" {
			role, _, _ := strings.Cut(rest, "/")
			return m.of(short+"assumed-role/"+role, short+"assumed-role")
		}
		return m.of(id.ARN, short+"assumed-role")
	case "FederatedUser":
		if m == Full && id.ARN != "" {
			return id.ARN
		}
		return short + "federated-user"
	case "AWSService":
		return m.of(cmp.Or(id.InvokedBy, "a service of AWS"), "a service of AWS")
	case "AWSAccount":
		name = "account " + cmp.Or(id.Account, "that is not told")
	case "SAMLUser":
		name = "a SAML user"
	case "WebIdentityUser":
		name = "a web identity user"
	case "IdentityCenterUser":
		name = "a user of IAM Identity Center"
	default:
		return m.of(cmp.Or(id.ARN, id.InvokedBy, "somebody whom CloudTrail does not name"), "somebody")
	}
	if m == Full {
		if who := cmp.Or(id.UserName, id.PrincipalID); who != "" {
			name += " " + who
		}
	}
	return m.of(name, "somebody")
}

// of returns a name, or another one if it may tell of a person.
func (m Mode) of(name, otherwise string) string {
	switch {
	case m == Full || !strings.Contains(name, "@"):
		return name
	case strings.Contains(otherwise, "@"):
		return "somebody"
	}
	return otherwise
}

// planned reports whether a pipeline made a call: a glob fits the ARN of the role or user, its name if it is of the same account, or the service. A
// glob that says :assumed-role/ is held against the session too, and no other is: whoever may assume some role calls his session as he pleases.
func (id *identity) planned(account string, pipelines []string) *bool {
	if len(pipelines) == 0 {
		return nil
	}
	lasting := id.Session.Issuer.ARN // of whom the session is
	if lasting == "" && id.Type != "FederatedUser" {
		lasting = id.ARN
		if parts := strings.Split(lasting, "/"); strings.Contains(lasting, ":assumed-role/") {
			lasting = strings.Join(parts[:2], "/")
		}
	}
	names := []string{lasting, id.InvokedBy}
	if arn, ok := model.ParseARN(lasting); ok && arn.Account == account && id.Type != "Root" {
		names = append(names, lasting[strings.LastIndexByte(lasting, '/')+1:])
	}
	yes := slices.ContainsFunc(pipelines, func(glob string) bool {
		if strings.Contains(glob, ":assumed-role/") && engine.Match(glob, id.ARN) {
			return true
		}
		return slices.ContainsFunc(names, func(name string) bool { return name != "" && engine.Match(glob, name) })
	})
	return &yes
}

// told makes of an event what a cause says of it.
func told(e *Event, r *record, account string, m Mode, pipelines []string) Change {
	c := Change{At: e.Time.UTC(), Call: m.discreet(service(e.Source) + ":" + e.Name), Principal: r.Identity.principal(m), Planned: r.Identity.planned(account, pipelines), Event: m.discreet(e.ID)}
	if by := r.Identity.InvokedBy; by != "" && by != c.Principal {
		c.Through = m.discreet(by)
	}
	return c
}
