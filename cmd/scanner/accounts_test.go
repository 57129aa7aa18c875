package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/rules"
)

// emptyAccounts answers for accounts with nothing in them; the role of the account 222222222222 trusts nobody.
func emptyAccounts(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	target := r.Header.Get("X-Amz-Target")
	text := string(body)
	xml := func(op, inner string) {
		fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", op, inner)
	}
	account := "111111111111"
	if strings.Contains(r.Header.Get("Authorization"), "Credential=ROLE3/") {
		account = "333333333333"
	}
	switch {
	case r.URL.Path == "/listRegions":
		io.WriteString(w, `{"Regions":[{"RegionName":"eu-west-1","RegionOptStatus":"ENABLED_BY_DEFAULT"}]}`)
	case strings.HasSuffix(r.URL.Path, "/publicAccessBlock"): // of the account
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `<ErrorResponse><Error><Code>NoSuchPublicAccessBlockConfiguration</Code></Error></ErrorResponse>`)
	case r.URL.Query().Get("x-id") == "ListBuckets":
		io.WriteString(w, `<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>`)
	case strings.HasSuffix(target, "ListAccounts"):
		io.WriteString(w, `{"Accounts":[{"Id":"111111111111","State":"ACTIVE"},{"Id":"222222222222","State":"ACTIVE"},{"Id":"333333333333","State":"ACTIVE"}]}`)
	case target != "":
		io.WriteString(w, `{}`)
	case strings.Contains(text, "Action=AssumeRole") && strings.Contains(text, "222222222222"):
		w.WriteHeader(403)
		io.WriteString(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform sts:AssumeRole</Message></Error></ErrorResponse>`)
	case strings.Contains(text, "Action=AssumeRole"):
		xml("AssumeRole", `<Credentials><AccessKeyId>ROLE3</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>`)
	case strings.Contains(text, "Action=GetCallerIdentity"):
		xml("GetCallerIdentity", "<Account>"+account+"</Account><Arn>arn:aws:sts::"+account+":assumed-role/a/b</Arn>")
	case strings.Contains(text, "Version=2016-11-15"): // EC2
		op, _, _ := strings.Cut(text[strings.Index(text, "Action=")+len("Action="):], "&")
		fmt.Fprintf(w, "<%[1]sResponse></%[1]sResponse>", op)
	default:
		op, _, _ := strings.Cut(text[strings.Index(text, "Action=")+len("Action="):], "&")
		xml(op, "")
	}
}

// An account that cannot be entered stops none of the others, and each rule says that it could not look there.
func TestOrganization(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(emptyAccounts))
	defer server.Close()
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "BASE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	for _, src := range []source{
		{org: true, orgRole: "scan"},
		{roles: []string{"arn:aws:iam::222222222222:role/scan", "arn:aws:iam::333333333333:role/scan"}},
	} {
		read, err := src.collectLive(t.Context(), rules.All, nil, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		s := read.scan
		if s.Organization != src.org || !slices.Contains(s.Header.Accounts(), "333333333333") || slices.Contains(s.Header.Accounts(), "111111111111") != src.org {
			t.Errorf("%+v", s.Header)
		}
		lost, other, ofAccounts := map[string]int{}, 0, 0
		for i := range rules.All {
			if rules.All[i].Check.Subject.Scope == model.AccountSubject {
				ofAccounts++ // they judge the account itself
			}
		}
		for r, err := range s.Evaluate(rules.All) {
			if err != nil {
				t.Fatal(err)
			}
			m := r.Resource
			switch {
			case m.Account != "222222222222":
				other++
				if r.Rule.Check.Subject.Scope != model.AccountSubject || r.Status != engine.Failed {
					t.Errorf("%s on %s of %s: %s: %s", r.Rule.ID, m.ID, m.Account, r.Status, r.Message)
				}
			case r.Status != engine.NotAssessed || r.Gap.Call != "sts:AssumeRole" || r.Gap.Reason != model.AccessDenied:
				t.Errorf("%s on %s of the lost account: %s: %s", r.Rule.ID, m.ID, r.Status, r.Message)
			default:
				lost[r.Rule.ID]++
			}
		}
		for i := range rules.All {
			if lost[rules.All[i].ID] != 1 {
				t.Errorf("%s has %d results for the lost account", rules.All[i].ID, lost[rules.All[i].ID])
			}
		}
		if want := map[bool]int{true: 2, false: 1}[src.org] * ofAccounts; other != want {
			t.Errorf("%d results for the other accounts, want %d", other, want)
		}
	}
	// If it is the only one, nothing can be scanned.
	src := source{roles: []string{"arn:aws:iam::222222222222:role/scan"}}
	if _, err := src.collectLive(t.Context(), rules.All, nil, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard); err == nil || !strings.Contains(err.Error(), "account 222222222222 cannot be entered: the role") {
		t.Errorf("the lost account alone: %v", err)
	}
	// Two ways into one account would read it twice.
	src = source{roles: []string{"arn:aws:iam::333333333333:role/scan", "arn:aws:iam::333333333333:role/other"}}
	if _, err := src.collectLive(t.Context(), rules.All, nil, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard); err == nil || !strings.Contains(err.Error(), "lead to the same account 333333333333") {
		t.Errorf("two roles of one account: %v", err)
	}
}

func TestSourceCheck(t *testing.T) {
	role := "arn:aws:iam::222222222222:role/scan"
	for want, src := range map[string]source{
		"":                       {roles: []string{role}, externalID: "x"},
		"--demo scans":           {demo: true, roles: []string{role}},
		"exclude each other":     {org: true, roles: []string{role}},
		"single --profile":       {org: true, profiles: []string{"a", "b"}},
		"add --org":              {pick: struct{ OUs, Only, Exclude []string }{OUs: []string{"ou-1"}}},
		"add --role-arn or":      {externalID: "x"},
		"--max-rps must be":      {maxRPS: -1},
		"write arn:aws:iam::ACC": {roles: []string{"arn:aws:iam::222222222222:user/scan"}},
	} {
		if err := src.check(); err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", src, err, want)
		}
	}
}
