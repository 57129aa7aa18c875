package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/collect/session"
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
	case strings.HasSuffix(target, "DescribeOrganization"):
		w.WriteHeader(400)
		io.WriteString(w, `{"__type":"AWSOrganizationsNotInUseException","message":"Your account is not a member of an organization."}`)
	case target != "", strings.HasPrefix(r.URL.Path, "/2015-03-31/functions"), strings.HasPrefix(r.URL.Path, "/detector"): // Lambda and GuardDuty
		io.WriteString(w, `{}`)
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		w.Write([]byte{0xa0}) // an empty map
	case strings.Contains(text, "Action=AssumeRole") && !strings.Contains(text, "333333333333"):
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

// setCredentials leads the SDK to a server, whatever this machine is set to.
func setCredentials(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "BASE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} {
		t.Setenv(name, value)
	}
}

// subjective reports whether a rule judges accounts or regions as such.
func subjective(r *engine.Rule) bool {
	return r.Check.Subject.Scope == model.AccountSubject || r.Check.Subject.Scope == model.RegionSubject
}

// An account that cannot be entered stops none of the others, and each rule says that it could not look there.
func TestOrganization(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(emptyAccounts))
	defer server.Close()
	setCredentials(t, server.URL)
	always := 0 // rules that judge an account, or its one region, although nothing is in it
	for i := range rules.All {
		if subjective(&rules.All[i]) {
			always++
		}
	}
	for _, src := range []source{
		{org: true, orgRole: "scan"},
		{roles: []string{"arn:aws:iam::222222222222:role/scan", "arn:aws:iam::333333333333:role/scan"}},
	} {
		read, err := src.collectLive(t.Context(), rules.All, tuning{}, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard)
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
				if !subjective(r.Rule) || r.Rule.ID == "cloudtrail-multi-region-enabled" && r.Status != engine.Failed {
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
		if want := map[bool]int{true: 2, false: 1}[src.org] * always; other != want {
			t.Errorf("%d results for the other accounts, want %d", other, want)
		}
	}
	// If it is the only one, nothing can be scanned.
	src := source{roles: []string{"arn:aws:iam::222222222222:role/scan"}}
	if _, err := src.collectLive(t.Context(), rules.All, tuning{}, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard); err == nil || !strings.Contains(err.Error(), "account 222222222222 cannot be entered: the role") {
		t.Errorf("the lost account alone: %v", err)
	}
	// Two ways into one account would read it twice.
	src = source{roles: []string{"arn:aws:iam::333333333333:role/scan", "arn:aws:iam::333333333333:role/other"}}
	if _, err := src.collectLive(t.Context(), rules.All, tuning{}, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard); err == nil || !strings.Contains(err.Error(), "lead to the same account 333333333333") {
		t.Errorf("two roles of one account: %v", err)
	}
}

func TestSourceCheck(t *testing.T) {
	role := "arn:aws:iam::222222222222:role/scan"
	for want, src := range map[string]source{
		"":                       {roles: []string{role}, quotaShare: 100, role: session.Role{ExternalID: "xy", Duration: 2 * time.Hour}},
		"--demo scans":           {demo: true, roles: []string{role}},
		"exclude each other":     {org: true, roles: []string{role}},
		"single --profile":       {org: true, profiles: []string{"a", "b"}},
		"add --org":              {pick: session.Pick{OUs: []string{"ou-1"}}},
		"accounts of an organiz": {tags: []string{"a=b"}},
		"write KEY=VALUE":        {org: true, orgRole: "scan", tags: []string{"a"}},
		"did you mean SUSPENDED": {org: true, orgRole: "scan", pick: session.Pick{States: []string{"SUSPENDD"}}},
		"add --role-arn or":      {role: session.Role{SessionName: "ci"}},
		"15m to 12h":             {roles: []string{role}, role: session.Role{Duration: time.Minute}},
		`role name "a b"`:        {org: true, orgRole: "a b"},
		"--max-rps must be":      {maxRPS: -1},
		"--quota-share must be":  {quotaShare: 0.5},
		"write arn:aws:iam::ACC": {roles: []string{"arn:aws:iam::222222222222:user/scan"}},
	} {
		src.quotaShare = cmp.Or(src.quotaShare, 100)
		if err := src.check(); err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", src, err, want)
		}
	}
}

// The whole organization is scanned if none of its active accounts is left out. Who starts is read first, and names are kept.
func TestRoster(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch target := r.Header.Get("X-Amz-Target"); {
		case strings.HasSuffix(target, "ListAccounts"):
			io.WriteString(w, `{"Accounts":[{"Id":"000000000009","Name":"old","State":"SUSPENDED"},{"Id":"333333333333","Name":"c","State":"ACTIVE"},{"Id":"111111111111","Name":"a","State":"ACTIVE"}]}`)
		case strings.HasSuffix(target, "ListTagsForResource") && bytes.Contains(body, []byte("333333333333")):
			io.WriteString(w, `{"Tags":[{"Key":"env","Value":"prod"}]}`)
		default:
			emptyAccounts(w, r)
		}
	}))
	defer server.Close()
	setCredentials(t, server.URL)
	for _, test := range []struct {
		src   source
		whole bool
		want  string
	}{
		{source{}, true, "scan a c; leave old: it is SUSPENDED: no role can be assumed there"},
		{source{pick: session.Pick{States: []string{"ACTIVE", "SUSPENDED"}}}, true, "scan a c; leave old: it is SUSPENDED: no role can be assumed there"},
		{source{pick: session.Pick{States: []string{"ACTIVE"}}}, true, "scan a c; leave old: it is SUSPENDED, which --account-status leaves out"},
		{source{tags: []string{"env=prod"}}, false, "scan c; leave old: it is SUSPENDED: no role can be assumed there; leave a: it has not the tags of --account-tag"},
	} {
		test.src.org, test.src.orgRole, test.src.quotaShare = true, "scan", 100
		if err := test.src.check(); err != nil {
			t.Fatal(err)
		}
		r, err := test.src.accounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := "scan"
		for _, a := range r.all {
			got += " " + a.name
		}
		for _, l := range r.left {
			got += "; leave " + l.Name + ": " + l.Why
		}
		if got != test.want || r.whole != test.whole {
			t.Errorf("%+v: %s, whole %v", test.src, got, r.whole)
		}
	}
	// What is wrong everywhere is told once, and a role of another partition is not tried.
	for want, src := range map[string]source{
		"111111111112 and 1 more: the role arn:aws:iam::ACCOUNT:role/scan does not exist": {roles: []string{"arn:aws:iam::111111111112:role/scan", "arn:aws:iam::222222222222:role/scan"}},
		"is of the partition aws-cn, but the caller is of aws":                            {roles: []string{"arn:aws-cn:iam::111111111112:role/scan"}},
	} {
		if _, err := src.accounts(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// The code is asked for by name, one profile after the other, and not once the scan has been stopped.
func TestAskMFA(t *testing.T) {
	var out strings.Builder
	ctx, cancel := context.WithCancel(t.Context())
	ask := askMFA(ctx, strings.NewReader("123456\n 654321 \n"), &out)
	if code, err := ask(""); code != "123456" || err != nil {
		t.Error(code, err)
	}
	if code, err := ask("prod"); code != "654321" || err != nil {
		t.Error(code, err)
	}
	if _, err := ask(""); err != io.EOF {
		t.Error(err)
	}
	cancel()
	if _, err := ask(""); err != context.Canceled {
		t.Error(err)
	}
	if out.String() != "MFA code for the AWS profile: MFA code for the AWS profile prod: MFA code for the AWS profile: " {
		t.Error(out.String())
	}
	in, _ := io.Pipe() // which nobody writes to
	ctx, cancel = context.WithCancel(t.Context())
	defer time.AfterFunc(10*time.Millisecond, cancel).Stop()
	if _, err := askMFA(ctx, in, io.Discard)(""); err != context.Canceled {
		t.Error(err)
	}
}

func TestFirstRegion(t *testing.T) {
	for glob, want := range map[string]string{"eu-west-1": "", "all": "", "cn-north-1": "cn-north-1", "us-gov-*": "us-gov-east-1", "eusc-*": "eusc-de-east-1", "us-iso-west-1": "us-iso-west-1", "us-*": ""} {
		if got := (&source{regions: []string{glob}}).firstRegion(); got != want {
			t.Errorf("--regions %s: first %q, want %q", glob, got, want)
		}
	}
}

// --region of a partition is enough to scan there: what is asked is signed for its regions alone, and the snapshot tells the partition.
func TestPartitions(t *testing.T) {
	var mu sync.Mutex
	var p session.Partition
	signed := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=BASE/")
		region := strings.Split(scope, "/")[1]
		mu.Lock()
		defer mu.Unlock()
		signed[region] = true
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case !slices.Contains(p.AlwaysOn, region): // credentials are known in their partition alone
			w.WriteHeader(403)
			io.WriteString(w, `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>`)
		case bytes.Contains(body, []byte("Action=GetCallerIdentity")):
			fmt.Fprintf(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111</Account><Arn>arn:%s:iam::111111111111:user/ana</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>", p.Name)
		case r.URL.Path == "/listRegions":
			w.WriteHeader(404)
		case bytes.Contains(body, []byte("Action=DescribeRegions")):
			fmt.Fprintf(w, "<DescribeRegionsResponse><regionInfo>")
			for _, name := range p.AlwaysOn {
				fmt.Fprintf(w, "<item><regionName>%s</regionName><optInStatus>opt-in-not-required</optInStatus></item>", name)
			}
			fmt.Fprintf(w, "</regionInfo></DescribeRegionsResponse>")
		default:
			emptyAccounts(w, r)
		}
	}))
	defer server.Close()
	setCredentials(t, server.URL)
	for _, p = range session.Partitions[1:] {
		clear(signed)
		last := p.AlwaysOn[len(p.AlwaysOn)-1]
		src := source{regions: []string{last}}
		read, err := src.collectLive(t.Context(), rules.All, tuning{}, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		s := read.one
		if s.Partition != p.Name || len(s.Read) != 1 || s.Read[0].Region != last || len(s.Holes()) > 0 {
			t.Errorf("%s: %+v, %d holes", p.Name, s.Header, len(s.Holes()))
		}
		for region := range signed {
			if !slices.Contains(p.AlwaysOn, region) {
				t.Errorf("%s: a request was signed for %s", p.Name, region)
			}
		}
	}
	// Without it, the way out is named.
	if _, err := (&source{}).collectLive(t.Context(), rules.All, tuning{}, keeping{warnings: io.Discard, logFormat: "text"}, io.Discard); err == nil || !strings.Contains(err.Error(), "if they belong to another partition, set --region") {
		t.Errorf("without --region: %v", err)
	}
}
