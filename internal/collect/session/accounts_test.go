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
	isXML := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if e, ok := strings.CutPrefix(body, "!"); ok {
		code, message, _ := strings.Cut(e, " ")
		status, body = 400, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
		if isXML {
			body = fmt.Sprintf("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
		}
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
				for _, want := range []string{"ExternalId=x", "SourceIdentity=ana", "DurationSeconds=3600", "RoleSessionName=scanner", "RoleArn=arn%3Aaws-us-gov%3Aiam%3A%3A222222222222%3Arole%2Fscan"} {
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
		role := Role{ARN: "arn:aws-us-gov:iam::222222222222:role/scan", ExternalID: "x", SourceIdentity: "ana"}
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

// A role that cannot be assumed is a gap of its account.
func TestAssumeDenied(t *testing.T) {
	c := &cloud{answer: func(op, _ string) string {
		if op == "sts:AssumeRole" {
			return "!AccessDenied User is not authorized to perform: sts:AssumeRole"
		}
		return caller("111111111111")
	}}
	base, err := Open(t.Context(), awstest.Config("us-gov-west-1", c), collect.Agent{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	role := Role{ARN: "arn:aws-us-gov:iam::222222222222:role/scan"}
	_, err = base.Assume(t.Context(), role)
	if g := AssumeGap(role, err); g.Reason != model.AccessDenied || g.Call != "sts:AssumeRole" || !strings.Contains(g.Detail, "does not trust the caller") {
		t.Errorf("%v: %+v", err, g)
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
		{Pick{OUs: []string{"ou-9"}}, "is no organizational unit here"},
		{Pick{Only: []string{"999999999999"}}, "--accounts: there is no account 999999999999"},
	} {
		members, err := base.Members(t.Context(), test.pick)
		var ids []string
		for _, m := range members {
			ids = append(ids, m.ID)
		}
		if got := strings.Join(ids, " "); err == nil && got != test.want || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %s %v, want %s", test.pick, got, err, test.want)
		}
	}
	for answer, want := range map[string]string{
		"!AWSOrganizationsNotInUseException no": "belongs to no organization",
		"!AccessDeniedException no":             "delegated administrator",
		"!InternalFailure broken":               "cannot be listed (InternalFailure: broken)",
	} {
		c.answer = func(string, string) string { return answer }
		if _, err := base.Members(t.Context(), Pick{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}
