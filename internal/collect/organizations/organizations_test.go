package organizations

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/collecttest"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	my "awsscanner/internal/model/organizations"
)

const (
	manager  = "999988887777"
	arn      = "arn:aws:organizations::" + manager + ":organization/o-abcdefghij"
	describe = `{"Organization":{"Id":"o-abcdefghij","Arn":"` + arn + `","FeatureSet":"ALL","MasterAccountId":"` + manager + `","MasterAccountArn":"arn:aws:organizations::` +
		manager + `:account/o-abcdefghij/` + manager + `","MasterAccountEmail":"a@example.com"}}`
	refused  = "!AccessDeniedException You don't have permissions to access this resource."
	features = `<OrganizationId>o-abcdefghij</OrganizationId><EnabledFeatures><member>RootSessions</member><member>RootCredentialsManagement</member></EnabledFeatures>`
)

var everything = []string{"organizations.Organization.PolicyTypes", "organizations.Organization.AttachedPolicies", "organizations.Organization.Delegations", "organizations.Organization.RootFeatures"}

// line is that of the organization in a snapshot, as the account 111122223333 sees it.
func line(rest string) string {
	return `{"kind":"AWS::Organizations::Organization","id":"o-abcdefghij","arn":"` + arn + `","account":"` + manager + `","shared":["111122223333"]` + rest + `}`
}

const known = `,"managementAccount":"` + manager + `","featureSet":"ALL"`

// Two pages of everything, an empty one before the last among them. A policy that is attached nowhere does not count, nor does the one that allows all.
func TestOrganization(t *testing.T) {
	answers := map[string]string{ // by operation and what its parameters hold
		"DescribeOrganization":                           describe,
		"ListRoots":                                      `{"Roots":[],"NextToken":"2"}`,
		"ListRoots 2":                                    `{"Roots":[{"Id":"r-1","PolicyTypes":[{"Type":"TAG_POLICY","Status":"ENABLED"},{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"},{"Type":"BACKUP_POLICY","Status":"PENDING_ENABLE"}]}]}`,
		"ListPolicies":                                   `{"Policies":[{"Id":"p-FullAWSAccess","Name":"FullAWSAccess","AwsManaged":true}],"NextToken":"2"}`,
		"ListPolicies 2":                                 `{"Policies":[{"Id":"p-used","Name":"regions","AwsManaged":false},{"Id":"p-idle","Name":"old","AwsManaged":false}]}`,
		"ListTargetsForPolicy p-used":                    `{"Targets":[],"NextToken":"2"}`,
		"ListTargetsForPolicy p-used 2":                  `{"Targets":[{"TargetId":"ou-1","Type":"ORGANIZATIONAL_UNIT"}],"NextToken":"3"}`,
		"ListTargetsForPolicy p-idle":                    `{"Targets":[]}`,
		"ListDelegatedAdministrators":                    `{"DelegatedAdministrators":[{"Id":"222222222222"}],"NextToken":"2"}`,
		"ListDelegatedAdministrators 2":                  `{"DelegatedAdministrators":[{"Id":"333333333333"}]}`,
		"ListDelegatedServicesForAccount 222222222222":   `{"DelegatedServices":[{"ServicePrincipal":"config.amazonaws.com"}],"NextToken":"2"}`,
		"ListDelegatedServicesForAccount 222222222222 2": `{"DelegatedServices":[{"ServicePrincipal":"guardduty.amazonaws.com"}]}`,
		"ListDelegatedServicesForAccount 333333333333":   `{"DelegatedServices":[]}`,
		"ListOrganizationsFeatures":                      features,
	}
	got, requests := collecttest.Run(t, Calls, everything, []string{"eu-west-1", "us-east-1"}, func(_, op, params string) string {
		key := op
		for _, part := range []string{"p-used", "p-idle", "p-FullAWSAccess", "222222222222", "333333333333"} {
			if strings.Contains(params, part) {
				key += " " + part
			}
		}
		if _, token, ok := strings.Cut(params, `"NextToken":"`); ok {
			key += " " + token[:1]
		}
		if op == "ListPolicies" && !strings.Contains(params, `"Filter":"SERVICE_CONTROL_POLICY"`) {
			t.Errorf("ListPolicies with %s", params)
		}
		answer, ok := answers[key]
		if !ok {
			t.Errorf("unexpected %s with %s", op, params)
		}
		return answer
	})
	collecttest.Want(t, got, line(known+`,"policyTypes":["SERVICE_CONTROL_POLICY","TAG_POLICY"]`+
		`,"serviceControlPolicies":[{"id":"p-FullAWSAccess","name":"FullAWSAccess","awsManaged":true},{"id":"p-used","name":"regions","awsManaged":false},{"id":"p-idle","name":"old","awsManaged":false}]`+
		`,"attachedPolicies":["p-used"],"delegatedAdministrators":["222222222222","333333333333"]`+
		`,"delegations":[{"account":"222222222222","services":["config.amazonaws.com","guardduty.amazonaws.com"]},{"account":"333333333333"}]`+
		`,"rootFeatures":["RootCredentialsManagement","RootSessions"]`))
	if len(requests) != len(answers) {
		t.Errorf("%d requests, want %d: %q", len(requests), len(answers), requests)
	}
}

// No organization is data; a list that was denied, or says nothing, is a hole of the account.
func TestDescribe(t *testing.T) {
	hole := func(reason, detail string) string {
		return `{"unlisted":"AWS::Organizations::Organization","account":"111122223333","gap":{"reason":"` + reason + `","call":"organizations:DescribeOrganization","detail":"` + detail + `"}}`
	}
	for _, test := range []struct {
		name, answer string
		want         []string
	}{
		{"whole", describe, []string{line(known)}},
		{"no feature set", strings.Replace(describe, `"FeatureSet":"ALL",`, ``, 1), []string{line(`,"managementAccount":"` + manager + `"`)}},
		{"none", `!AWSOrganizationsNotInUseException Your account is not a member of an organization.`, nil},
		{"denied", `!AccessDeniedException User: x is not authorized to perform: organizations:DescribeOrganization`,
			[]string{hole("access-denied", "AccessDeniedException: User: x is not authorized to perform: organizations:DescribeOrganization")}},
		{"nothing", `{}`, []string{hole("call-failed", "the answer lists a AWS::Organizations::Organization without an ID")}},
		{"nobody's", `{"Organization":{"Id":"o-abcdefghij"}}`, []string{hole("call-failed", "the answer lists a AWS::Organizations::Organization without an ID")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"organizations.Organization.FeatureSet"}, []string{"eu-west-1", "us-east-1"}, func(_, _, _ string) string { return test.answer })
			collecttest.Want(t, got, test.want...)
		})
	}
}

// Each operation that fails, or says nothing, leaves unknown what it alone tells, and what needs that.
func TestGaps(t *testing.T) {
	whole := map[string]string{"ListRoots": `{"Roots":[{"Id":"r-1","PolicyTypes":[]}]}`, "ListPolicies": `{"Policies":[]}`, "ListDelegatedAdministrators": `{"DelegatedAdministrators":[]}`,
		"ListOrganizationsFeatures": `<OrganizationId>o-abcdefghij</OrganizationId>`}
	const (
		roots    = `,"policyTypes":[]`
		policies = `,"serviceControlPolicies":[],"attachedPolicies":[]`
		admins   = `,"delegatedAdministrators":[],"delegations":[]`
		root     = `,"rootFeatures":[]`
	)
	gap := func(call, reason, detail string) string {
		return `{"reason":"` + reason + `","call":"` + call + `","detail":"` + detail + `"}`
	}
	gaps := func(all ...string) string { return `,"gaps":[` + strings.Join(all, ",") + `]` + known }
	const (
		denied  = "!AccessDeniedException no"
		toldAll = "only the management account or a delegated administrator of the organization is told (AccessDeniedException: You don't have permissions to access this resource.)"
	)
	for _, test := range []struct{ op, answer, want string }{
		{"", "", known + roots + policies + admins + root},
		{"ListRoots", denied, gaps(gap("organizations:ListRoots", "access-denied", "AccessDeniedException: no")) + policies + admins + root},
		{"ListRoots", refused, gaps(gap("organizations:ListRoots", "outside-scan", toldAll)) + policies + admins + root},
		{"ListRoots", `{"Roots":[]}`, known + policies + admins + root},
		{"ListPolicies", denied, gaps(gap("organizations:ListPolicies", "access-denied", "AccessDeniedException: no")) + roots + admins + root},
		{"ListPolicies", `{}`, known + roots + admins + root},
		{"ListDelegatedAdministrators", `{}`, known + roots + policies + root},
		{"ListTargetsForPolicy", denied, known + roots + policies + admins + root}, // not asked: there is nothing to ask about
		{"ListOrganizationsFeatures", "!AccessDenied no", gaps(gap("iam:ListOrganizationsFeatures", "access-denied", "AccessDenied: no")) + roots + policies + admins},
		{"ListOrganizationsFeatures", "!AccountNotManagementOrDelegatedAdministratorException no", gaps(gap("iam:ListOrganizationsFeatures", "outside-scan",
			"only the management account or a delegated administrator of the organization is told (AccountNotManagementOrDelegatedAdministratorException: no)")) + roots + policies + admins},
		{"ListOrganizationsFeatures", "!ServiceAccessNotEnabledException no", known + roots + policies + admins + root},
		{"ListOrganizationsFeatures", "!ServiceAccessNotEnabled no", known + roots + policies + admins + root},
		{"ListOrganizationsFeatures", "!OrganizationNotInAllFeaturesModeException no", known + roots + policies + admins + root},
		{"ListOrganizationsFeatures", "", known + roots + policies + admins},
	} {
		t.Run(test.op+test.answer, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, everything, []string{"eu-west-1"}, func(_, op, _ string) string {
				switch op {
				case "DescribeOrganization":
					return describe
				case test.op:
					return test.answer
				}
				return whole[op]
			})
			collecttest.Want(t, got, line(test.want))
		})
	}
	// A second page that fails takes what needs the list with it: from half of it one would conclude that nothing is attached.
	got, _ := collecttest.Run(t, Calls, []string{"organizations.Organization.AttachedPolicies"}, []string{"eu-west-1"}, func(_, op, params string) string {
		switch {
		case op == "DescribeOrganization":
			return describe
		case strings.Contains(params, "NextToken"):
			return denied
		}
		return `{"Policies":[{"Id":"p-FullAWSAccess","Name":"FullAWSAccess","AwsManaged":true}],"NextToken":"2"}`
	})
	collecttest.Want(t, got, line(gaps(gap("organizations:ListPolicies", "access-denied", "AccessDeniedException: no"))))
	// Why it is not known whether policies are attached is why they are not known.
	s, err := engine.Load(strings.NewReader(got), kinds.All)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.All(kinds.All["AWS::Organizations::Organization"]) {
		if g := r.(*my.Organization).AttachedPolicies.Gap(); g == nil || g.Call != "organizations:ListPolicies" || g.Reason != model.AccessDenied {
			t.Errorf("attached policies: %v", g)
		}
	}
}

// Several accounts see one organization: it is kept once, and asked about once, from its management account, else from the account that comes first.
func TestAccounts(t *testing.T) {
	const member, other = "111122223333", "222233334444"
	for _, test := range []struct {
		accounts []string
		asked    string
		shared   string
	}{
		{[]string{member, manager, other}, manager, `,"shared":["` + member + `","` + other + `"]`},
		{[]string{other, member}, other, `,"shared":["` + member + `","` + other + `"]`},
		{[]string{manager}, manager, ``},
	} {
		plan, err := collect.NewPlan([]collect.Service{Calls}, kinds.All, []string{"organizations.Organization.PolicyTypes"})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var asked []string
		var places []collect.At
		var h engine.Header
		for _, account := range test.accounts {
			client := roundTrip(func(r *http.Request) (*http.Response, error) {
				q, err := awstest.RequestOf(r)
				if err != nil {
					return nil, err
				}
				body := describe
				if q.Op == "organizations:ListRoots" {
					mu.Lock()
					asked = append(asked, account)
					mu.Unlock()
					body = `{"Roots":[{"Id":"r-1","PolicyTypes":[]}]}`
				}
				return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			})
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				p := model.Place{Account: account, Region: region}
				h.Read = append(h.Read, p)
				cfg, _ := collect.Watch(awstest.Config(region, client), collect.Agent{Version: "test"})
				places = append(places, collect.At{Place: p, Partition: "aws", Config: cfg})
			}
		}
		s := engine.NewSnapshot(h)
		plan.Run(t.Context(), places, s)
		var got bytes.Buffer
		if err := s.Save(&got); err != nil {
			t.Fatal(err)
		}
		collecttest.Want(t, got.String(), fmt.Sprintf(`{"kind":"AWS::Organizations::Organization","id":"o-abcdefghij","arn":"%s","account":"%s"%s%s,"policyTypes":[]}`, arn, manager, test.shared, known))
		if !slices.Equal(asked, []string{test.asked}) {
			t.Errorf("of %s asked %s, want %s", test.accounts, asked, test.asked)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }
