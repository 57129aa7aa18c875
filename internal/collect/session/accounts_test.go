package session

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/model"
)

// A cloud answers the calls of sessions, and keeps what was asked.
type cloud struct {
	mu     sync.Mutex
	asked  []string
	answer func(op, params string) string // '!' begins an error code and message
}

func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	q, err := awstest.RequestOf(r)
	if err != nil {
		return nil, err
	}
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ = strings.Cut(key, "/")
	c.mu.Lock()
	c.asked = append(c.asked, key+" "+q.Op)
	c.mu.Unlock()
	body, status := c.answer(q.Op, q.Params), 200
	op := q.Op[strings.Index(q.Op, ":")+1:]
	isXML, isEC2 := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"), strings.HasPrefix(q.Op, "ec2:")
	if e, ok := strings.CutPrefix(body, "!"); ok {
		code, message, _ := strings.Cut(e, " ")
		status, body = 400, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
		if isXML {
			body = fmt.Sprintf("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
		}
		if isEC2 {
			body = fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors></Response>", code, message)
		}
	} else if isEC2 {
		body = fmt.Sprintf("<%[1]sResponse>%[2]s</%[1]sResponse>", op, body)
	} else if isXML {
		body = fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", op, body)
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func caller(account string) string {
	return "<Account>" + account + "</Account><Arn>arn:aws-us-gov:sts::" + account + ":assumed-role/scan/scanner</Arn>"
}

func keys(id string, until time.Time) string {
	return fmt.Sprintf("<Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials>", id, until.UTC().Format(time.RFC3339))
}

// A role is assumed with what it demands; its calls are made with its own keys, which are renewed before they expire.
func TestAssume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := &cloud{}
		c.answer = func(op, params string) string {
			switch op {
			case "sts:GetCallerIdentity":
				return caller(map[bool]string{true: "111111111111", false: "222222222222"}[n == 0])
			case "sts:AssumeRole":
				for _, want := range []string{"ExternalId=x", "SourceIdentity=ana", "DurationSeconds=7200", "RoleSessionName=ci", "RoleArn=arn%3Aaws-us-gov%3Aiam%3A%3A222222222222%3Arole%2Fscan"} {
					if !strings.Contains(params, want) {
						t.Errorf("AssumeRole without %s: %s", want, params)
					}
				}
				n++
				return keys(fmt.Sprintf("ROLE%d", n), time.Now().Add(time.Hour))
			}
			return `{}`
		}
		base, err := Open(t.Context(), awstest.Config("us-gov-west-1", c), collect.Agent{Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		role := Role{ARN: "arn:aws-us-gov:iam::222222222222:role/scan", ExternalID: "x", SourceIdentity: "ana", SessionName: "ci", Duration: 2 * time.Hour}
		s, err := base.Assume(t.Context(), role)
		if err != nil {
			t.Fatal(err)
		}
		if base.Account != "111111111111" || s.Account != "222222222222" || s.Partition != "aws-us-gov" || role.Account() != s.Account {
			t.Errorf("%+v %+v", base, s)
		}
		client := sqs.NewFromConfig(s.At("us-gov-west-1", time.Now()).Config)
		for range 3 {
			if _, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
				t.Error(err)
			}
			time.Sleep(40 * time.Minute)
		}
		want := []string{"AKIDEXAMPLE sts:GetCallerIdentity", "AKIDEXAMPLE sts:AssumeRole", "ROLE1 sts:GetCallerIdentity", "ROLE1 sqs:ListQueues", "ROLE1 sqs:ListQueues",
			"AKIDEXAMPLE sts:AssumeRole", "ROLE2 sqs:ListQueues"}
		if !slices.Equal(c.asked, want) {
			t.Errorf("asked %q", c.asked)
		}
	})
}

// If a session cannot be renewed in the middle of a scan, what it was needed for is a gap that does not blame the policy about that call.
func TestRenewalDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		denied := false
		c := &cloud{answer: func(op, params string) string {
			switch {
			case op == "sts:GetCallerIdentity":
				return caller("222222222222")
			case op == "sts:AssumeRole" && denied:
				return "!AccessDenied User is not authorized to perform: sts:AssumeRole"
			case op == "sts:AssumeRole":
				if !strings.Contains(params, "DurationSeconds=3600") || !strings.Contains(params, "RoleSessionName=scanner") {
					t.Errorf("AssumeRole with %s", params)
				}
				return keys("ROLE", time.Now().Add(time.Hour))
			}
			return `{}`
		}}
		base, err := Open(t.Context(), awstest.Config("us-gov-west-1", c), collect.Agent{Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		s, err := base.Assume(t.Context(), Role{ARN: "arn:aws-us-gov:iam::222222222222:role/scan"})
		if err != nil {
			t.Fatal(err)
		}
		denied = true
		time.Sleep(50 * time.Minute)
		client := sqs.NewFromConfig(s.At("us-gov-west-1", time.Now()).Config)
		if _, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
			t.Errorf("before they expired: %v", err)
		}
		time.Sleep(10 * time.Minute)
		_, err = client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
		g := collect.GapOf("sqs:ListQueues", err)
		if g.Reason != model.CallFailed || g.Call != "sqs:ListQueues" || !strings.HasPrefix(g.Detail, "its credentials could not be renewed: AccessDenied: ") {
			t.Errorf("%v: %+v", err, g)
		}
		// The others do not try for ever.
		c.asked = nil
		for range 10 {
			if _, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err == nil {
				t.Error("there are credentials")
			}
		}
		if want := []string{"AKIDEXAMPLE sts:AssumeRole", "AKIDEXAMPLE sts:AssumeRole"}; !slices.Equal(c.asked, want) {
			t.Errorf("asked %q, want %q", c.asked, want)
		}
	})
}

// A role that cannot be assumed is a gap of its account, with the way out.
func TestAssumeGap(t *testing.T) {
	for _, test := range []struct {
		answer string
		role   Role
		reason model.Reason
		want   string
	}{
		{"!AccessDenied User is not authorized to perform: sts:AssumeRole", Role{}, model.AccessDenied, "role/scan does not exist, or does not trust the caller"},
		{"!AccessDenied User is not authorized to perform: sts:SetSourceIdentity", Role{SourceIdentity: "ana"}, model.AccessDenied, "with sts:AssumeRole and sts:SetSourceIdentity"},
		{"!ValidationError The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining", Role{Duration: 2 * time.Hour}, model.CallFailed,
			"of more than an hour: leave out --session-duration"},
		{"!ValidationError The requested DurationSeconds exceeds the MaxSessionDuration set for this role.", Role{Duration: 2 * time.Hour}, model.CallFailed,
			"allows no sessions of 2h0m0s: raise its maximum session duration"},
		{"!ExpiredToken no", Role{}, model.CallFailed, "ExpiredToken: no"},
	} {
		c := &cloud{answer: func(op, _ string) string {
			if op == "sts:AssumeRole" {
				return test.answer
			}
			return caller("111111111111")
		}}
		base, err := Open(t.Context(), awstest.Config("us-gov-west-1", c), collect.Agent{Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		test.role.ARN = "arn:aws-us-gov:iam::222222222222:role/scan"
		_, err = base.Assume(t.Context(), test.role)
		if g := AssumeGap(test.role, err); g.Reason != test.reason || g.Call != "sts:AssumeRole" || !strings.Contains(g.Detail, test.want) {
			t.Errorf("%v: %+v, want %s", err, g, test.want)
		}
	}
}

func TestRoleCheck(t *testing.T) {
	const arn = "arn:aws:iam::222222222222:role/audit/scan"
	for _, test := range []struct {
		role Role
		want string
	}{
		{Role{ARN: arn}, ""},
		{Role{ARN: arn, ExternalID: "a:/b", SessionName: "a+b=c", SourceIdentity: "x@y.z", Duration: 12 * time.Hour}, ""},
		{Role{ARN: "scan"}, "write arn:aws:iam::ACCOUNT:role/NAME"},
		{Role{ARN: "arn:aws:iam::222222222222:user/scan"}, "write arn:aws:iam::ACCOUNT:role/NAME"},
		{Role{ARN: "arn:aws:iam::222222222222:role/s can"}, `role name "s can"`},
		{Role{ARN: arn, ExternalID: "x"}, "2 to 1224"},
		{Role{ARN: arn, SessionName: "a b"}, "session name"},
		{Role{ARN: arn, SourceIdentity: "aws:x"}, "source identity"},
		{Role{ARN: arn, Duration: 899 * time.Second}, "15m to 12h"},
		{Role{ARN: arn, Duration: 12*time.Hour + time.Second}, "15m to 12h"},
		{Role{ARN: arn, Duration: time.Hour + time.Millisecond}, "whole seconds"},
	} {
		if err := test.role.Check(); err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: %v, want %q", test.role, err, test.want)
		}
	}
}

// Two pages of accounts; suspended ones are left out; units count with all below them.
func TestMembers(t *testing.T) {
	c := &cloud{answer: func(op, params string) string {
		switch {
		case op == "sts:GetCallerIdentity":
			return caller("111111111111")
		case op == "organizations:ListAccounts" && !strings.Contains(params, "NextToken"):
			return `{"Accounts":[{"Id":"333333333333","Name":"c","State":"ACTIVE","Status":"ACTIVE"},{"Id":"111111111111","Name":"a","Status":"ACTIVE"}],"NextToken":"2"}`
		case op == "organizations:ListAccounts":
			return `{"Accounts":[{"Id":"222222222222","Name":"b","State":"ACTIVE"},{"Id":"444444444444","Name":"d","State":"SUSPENDED"}]}`
		case op == "organizations:ListAccountsForParent" && strings.Contains(params, "ou-1"):
			return `{"Accounts":[{"Id":"222222222222"},{"Id":"444444444444"}]}`
		case op == "organizations:ListAccountsForParent" && strings.Contains(params, "ou-2"):
			return `{"Accounts":[{"Id":"333333333333"}]}`
		case op == "organizations:ListOrganizationalUnitsForParent" && strings.Contains(params, "ou-1"):
			return `{"OrganizationalUnits":[{"Id":"ou-2"}]}`
		case op == "organizations:ListOrganizationalUnitsForParent":
			return `{}`
		case op == "organizations:ListTagsForResource" && strings.Contains(params, "222222222222") && !strings.Contains(params, "NextToken"):
			return `{"Tags":[{"Key":"env","Value":"prod"}],"NextToken":"2"}`
		case op == "organizations:ListTagsForResource" && strings.Contains(params, "222222222222"):
			return `{"Tags":[{"Key":"team","Value":"a"}]}`
		case op == "organizations:ListTagsForResource" && strings.Contains(params, "333333333333"):
			return `{"Tags":[{"Key":"env","Value":"test"}]}`
		case op == "organizations:ListTagsForResource" && strings.Contains(params, "111111111111"):
			return `{"Tags":[]}`
		}
		return `!ParentNotFoundException no`
	}}
	base, err := Open(t.Context(), awstest.Config("us-gov-west-1", c), collect.Agent{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pick Pick
		want string
	}{
		{Pick{}, "111111111111 222222222222 333333333333"},
		{Pick{Exclude: []string{"111111111111"}}, "222222222222 333333333333"},
		{Pick{Only: []string{"333333333333"}}, "333333333333"},
		{Pick{OUs: []string{"ou-1"}}, "222222222222 333333333333"},
		{Pick{OUs: []string{"ou-2"}}, "333333333333"},
		{Pick{OUs: []string{"ou-2"}, Exclude: []string{"333333333333"}}, "no active account"},
		{Pick{Tags: []Tag{{"env", "prod"}}}, "222222222222"},
		{Pick{Tags: []Tag{{"env", "prod"}, {"env", "test"}}}, "222222222222 333333333333"},
		{Pick{Tags: []Tag{{"env", "prod"}, {"env", "test"}, {"team", "a"}}}, "222222222222"},
		{Pick{Tags: []Tag{{"env", "none"}}}, "no active account"},
		{Pick{States: []string{"SUSPENDED"}}, "no active account"},
		{Pick{OUs: []string{"ou-9"}}, "is no organizational unit here"},
		{Pick{Only: []string{"999999999999"}}, "--accounts: there is no account 999999999999"},
	} {
		members, left, err := base.Members(t.Context(), test.pick)
		var ids []string
		for _, m := range members {
			ids = append(ids, m.ID)
			if m.Name == "" || m.State != "ACTIVE" {
				t.Errorf("%+v", m)
			}
		}
		if err == nil && len(members)+len(left) != 4 {
			t.Errorf("%+v: %d accounts are neither scanned nor said to be left out", test.pick, 4-len(members)-len(left))
		}
		if got := strings.Join(ids, " "); err == nil && got != test.want || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %s %v, want %s", test.pick, got, err, test.want)
		}
	}
	for answer, want := range map[string]string{
		"!AWSOrganizationsNotInUseException no":                                      "belongs to no organization",
		"!AccessDeniedException no":                                                  "grant organizations:ListAccounts in the management account",
		"!AccessDeniedException You don't have permissions to access this resource.": "cannot be listed from this account: scan from the management account or a delegated administrator",
		"!InternalFailure broken":                                                    "cannot be listed (organizations:ListAccounts: InternalFailure: broken)",
	} {
		c.answer = func(string, string) string { return answer }
		if _, _, err := base.Members(t.Context(), Pick{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
	// Accounts whose tags cannot be read are neither scanned nor left out on a guess.
	c.answer = func(op, _ string) string {
		if op == "organizations:ListAccounts" {
			return `{"Accounts":[{"Id":"333333333333","Name":"c","State":"ACTIVE"}]}`
		}
		return "!AccessDeniedException no"
	}
	if _, _, err := base.Members(t.Context(), Pick{Tags: []Tag{{"env", "prod"}}}); err == nil || !strings.Contains(err.Error(), "grant organizations:ListTagsForResource") {
		t.Errorf("denied tags: %v", err)
	}
}
