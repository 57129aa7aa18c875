package iam

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/collecttest"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

const (
	account = `"account":"111122223333"`
	root    = "arn:aws:iam::111122223333:"
	created = "<CreateDate>2024-01-02T03:04:05Z</CreateDate>"
	details = "Filter.member.1=User&Filter.member.2=Group&Filter.member.3=Role&Filter.member.4=LocalManagedPolicy&MaxItems=1000"
)

// line is a line of the snapshot, about something whose ID is its name.
func line(kind, what, name, rest string) string {
	return `{"kind":"AWS::IAM::` + kind + `","id":"` + name + `","arn":"` + root + what + `/` + name + `","name":"` + name + `",` + account + rest + `}`
}

// hole is a line of the snapshot that says what could not be listed.
func hole(kind, rest string) string {
	return `{"unlisted":"AWS::IAM::` + kind + `",` + account + `,"gap":{` + rest + `}}`
}

// userItem is a user in the list answer.
func userItem(name string) string {
	return "<member><Path>/</Path><UserName>" + name + "</UserName><UserId>AIDAEXAMPLE</UserId><Arn>" + root + "user/" + name + "</Arn>" + created + "<GroupList/><AttachedManagedPolicies/><Tags/></member>"
}

// userLine is that user in the snapshot, with gaps and what else is known.
func userLine(name, gaps, rest string) string {
	if gaps != "" {
		gaps = `,"gaps":[` + gaps + `]`
	}
	return line("User", "user", name, gaps+`,"created":"2024-01-02T03:04:05Z","groups":[],"attachedPolicies":[],"inlinePolicies":[],"boundary":"","tags":{}`+rest)
}

// Two pages with everything that one can have, and with nothing of it. Documents come URL-encoded, of a managed policy
// in all its versions.
func TestAuthorizationDetails(t *testing.T) {
	const (
		document = `{"Version":"2012-10-17","Statement":[]}`
		limit    = "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>" + root + "policy/limit</PermissionsBoundaryArn></PermissionsBoundary>"
		tagged   = "<Tags><member><Key>team</Key><Value>shop</Value></member><member><Key>empty</Key><Value/></member></Tags>"
		attached = "<AttachedManagedPolicies><member><PolicyName>ReadOnlyAccess</PolicyName><PolicyArn>arn:aws:iam::aws:policy/ReadOnlyAccess</PolicyArn></member></AttachedManagedPolicies>"
	)
	encoded := url.PathEscape(document)
	inline := func(list string) string {
		return "<" + list + "><member><PolicyName>own</PolicyName><PolicyDocument>" + encoded + "</PolicyDocument></member></" + list + ">"
	}
	first := "<IsTruncated>true</IsTruncated><Marker>2</Marker><UserDetailList><member><UserName>bob</UserName><Arn>" + root + "user/people/bob</Arn>" + created +
		"<GroupList><member>admins</member></GroupList>" + attached + inline("UserPolicyList") + limit + tagged + "</member></UserDetailList>"
	second := "<IsTruncated>false</IsTruncated><UserDetailList>" + userItem("eve") + "</UserDetailList>" +
		"<GroupDetailList><member><GroupName>admins</GroupName><Arn>" + root + "group/admins</Arn>" + created + attached + inline("GroupPolicyList") + "</member></GroupDetailList>" +
		"<RoleDetailList><member><RoleName>app</RoleName><Arn>" + root + "role/app</Arn>" + created + "<AssumeRolePolicyDocument>" + encoded + "</AssumeRolePolicyDocument>" + attached + inline("RolePolicyList") + limit + tagged +
		"<RoleLastUsed><LastUsedDate>2025-12-01T00:00:00Z</LastUsedDate><Region>eu-central-1</Region></RoleLastUsed></member>" +
		"<member><RoleName>bare</RoleName><Arn>" + root + "role/bare</Arn><RoleLastUsed/></member>" +
		"<member><RoleName>garbled</RoleName><Arn>" + root + "role/garbled</Arn><AssumeRolePolicyDocument>%zz</AssumeRolePolicyDocument></member></RoleDetailList>" +
		"<Policies><member><PolicyName>deploy</PolicyName><Arn>" + root + "policy/ci/deploy</Arn><AttachmentCount>2</AttachmentCount><PermissionsBoundaryUsageCount>1</PermissionsBoundaryUsageCount>" + created +
		"<UpdateDate>2025-01-02T03:04:05Z</UpdateDate><PolicyVersionList><member><VersionId>v3</VersionId><IsDefaultVersion>false</IsDefaultVersion><Document>%7B%7D</Document></member>" +
		"<member><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion><Document>" + encoded + "</Document></member></PolicyVersionList></member>" +
		"<member><Arn>" + root + "policy/bare</Arn></member></Policies>"
	got, requests := collecttest.Run(t, Calls, []string{"iam.User"}, []string{"eu-central-1", "us-east-1"}, func(_, op, params string) string {
		switch {
		case op == "GetAccountAuthorizationDetails" && params == details:
			return first
		case op == "GetAccountAuthorizationDetails" && params == strings.Replace(details, "&MaxItems", "&Marker=2&MaxItems", 1):
			return second
		}
		t.Errorf("unexpected %s with %s", op, params)
		return "!Unexpected"
	})
	text := `"{\"Version\":\"2012-10-17\",\"Statement\":[]}"`
	const (
		since  = `,"created":"2024-01-02T03:04:05Z"`
		policy = `,"attachedPolicies":["arn:aws:iam::aws:policy/ReadOnlyAccess"],"inlinePolicies":["own"]`
		none   = `,"attachedPolicies":[],"inlinePolicies":[],"boundary":""`
		both   = `,"boundary":"` + root + `policy/limit"`
	)
	own := func(holder, arn, boundary string) string {
		return `{"kind":"AWS::IAM::Policy","id":"` + holder + `/own","name":"own",` + account + `,"holder":"` + root + arn + `"` + boundary + `,"document":` + text + `}`
	}
	collecttest.Want(t, got,
		strings.Replace(line("User", "user", "bob", since+`,"groups":["admins"]`+policy+both+`,"tags":{"empty":"","team":"shop"}`), "user/bob", "user/people/bob", 1),
		userLine("eve", "", ""),
		line("Group", "group", "admins", since+policy),
		line("Role", "role", "app", since+`,"trust":`+text+policy+both+`,"lastUsed":"2025-12-01T00:00:00Z","tags":{"empty":"","team":"shop"}`),
		line("Role", "role", "bare", none+`,"lastUsed":"0001-01-01T00:00:00Z","tags":{}`),
		line("Role", "role", "garbled", none+`,"tags":{}`),
		`{"kind":"AWS::IAM::ManagedPolicy","id":"`+root+`policy/ci/deploy","arn":"`+root+`policy/ci/deploy","name":"deploy",`+account+since+`,"updated":"2025-01-02T03:04:05Z","document":`+text+`,"attachments":2,"boundaries":1}`,
		`{"kind":"AWS::IAM::ManagedPolicy","id":"`+root+`policy/bare","arn":"`+root+`policy/bare","name":"bare",`+account+`}`,
		own("user/bob", "user/people/bob", both), own("group/admins", "group/admins", `,"boundary":""`), own("role/app", "role/app", both),
	)
	if want := []string{"eu-central-1 GetAccountAuthorizationDetails", "eu-central-1 GetAccountAuthorizationDetails"}; !slices.Equal(requests, want) {
		t.Errorf("requests %q, want %q: once for the whole account", requests, want)
	}
}

// What cannot be listed hides all five kinds, and the access keys of those users; what the first page showed is kept.
func TestAuthorizationDetailsGaps(t *testing.T) {
	got, _ := collecttest.Run(t, Calls, []string{"iam.Role", "iam.AccessKey"}, []string{"eu-central-1"}, func(_, op, params string) string {
		switch {
		case op == "ListAccessKeys":
			return "<AccessKeyMetadata/>"
		case params == details:
			return "<IsTruncated>true</IsTruncated><Marker>2</Marker><UserDetailList>" + userItem("bob") + "</UserDetailList>"
		}
		return "!AccessDenied no"
	})
	want := []string{userLine("bob", "", `,"accessKeys":[]`), hole("AccessKey", `"reason":"access-denied","call":"iam:ListAccessKeys","detail":"needs iam:GetAccountAuthorizationDetails"`)}
	for _, kind := range []string{"User", "Group", "Role", "ManagedPolicy", "Policy"} {
		want = append(want, hole(kind, `"reason":"access-denied","call":"iam:GetAccountAuthorizationDetails","detail":"AccessDenied: no"`))
	}
	collecttest.Want(t, got, want...)
}

func TestAccount(t *testing.T) {
	entry := func(key, value string) string {
		return "<entry><key>" + key + "</key><value>" + value + "</value></entry>"
	}
	const none = `,"passwordMinLength":0,"passwordHistory":0,"passwordMaxAgeDays":0,"passwordNeedsUpper":false,"passwordNeedsLower":false,"passwordNeedsNumber":false,"passwordNeedsSymbol":false,"passwordChangeAllowed":false`
	for _, test := range []struct{ name, summary, policy, want string }{
		{"all",
			"<SummaryMap>" + entry("AccountPasswordPresent", "1") + entry("AccountMFAEnabled", "0") + entry("AccountAccessKeysPresent", "2") + entry("AccountSigningCertificatesPresent", "0") +
				entry("GlobalEndpointTokenVersion", "1") + entry("Roles", "7") + entry("RolesQuota", "1000") + "</SummaryMap>",
			`<PasswordPolicy><MinimumPasswordLength>14</MinimumPasswordLength><PasswordReusePrevention>24</PasswordReusePrevention><MaxPasswordAge>90</MaxPasswordAge><ExpirePasswords>true</ExpirePasswords>
				<RequireUppercaseCharacters>true</RequireUppercaseCharacters><RequireLowercaseCharacters>true</RequireLowercaseCharacters><RequireNumbers>true</RequireNumbers><RequireSymbols>true</RequireSymbols>
				<AllowUsersToChangePassword>true</AllowUsersToChangePassword></PasswordPolicy>`,
			`,"rootPassword":true,"rootMfa":false,"rootAccessKeys":true,"rootCertificates":false,"counts":{"Roles":7,"RolesQuota":1000},"passwordMinLength":14,"passwordHistory":24,"passwordMaxAgeDays":90,` +
				`"passwordNeedsUpper":true,"passwordNeedsLower":true,"passwordNeedsNumber":true,"passwordNeedsSymbol":true,"passwordChangeAllowed":true`},
		{"no policy, and a partition that does not tell of root passwords", "<SummaryMap>" + entry("AccountMFAEnabled", "1") + "</SummaryMap>", "!NoSuchEntity The Password Policy with domain name 111122223333 cannot be found.", `,"rootMfa":true` + none},
		{"members left out", "", "<PasswordPolicy><RequireNumbers>true</RequireNumbers></PasswordPolicy>", ""},
		{"no reuse and age", "", "<PasswordPolicy><MinimumPasswordLength>6</MinimumPasswordLength></PasswordPolicy>", strings.Replace(none, `h":0`, `h":6`, 1)},
		{"denied", "!AccessDenied no", "!AccessDenied no", `,"gaps":[{"reason":"access-denied","call":"iam:GetAccountPasswordPolicy","detail":"AccessDenied: no"},{"reason":"access-denied","call":"iam:GetAccountSummary","detail":"AccessDenied: no"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"iam.Account.RootMFA", "iam.Account.PasswordMinLength"}, []string{"eu-central-1", "us-east-1"}, func(_, op, _ string) string {
				if op == "GetAccountSummary" {
					return test.summary
				}
				return test.policy
			})
			collecttest.Want(t, got, `{"kind":"AWS::IAM::Account","id":"111122223333",`+account+test.want+`}`)
			if want := []string{"eu-central-1 GetAccountPasswordPolicy", "eu-central-1 GetAccountSummary"}; !slices.Equal(requests, want) {
				t.Errorf("requests %q, want %q", requests, want)
			}
		})
	}
}

// Keys in two pages, their last use, and what is left of a user that was deleted meanwhile. Nobody needs to know when an
// inactive key was used.
func TestAccessKeys(t *testing.T) {
	item := func(user, id, status string) string {
		return "<member><UserName>" + user + "</UserName><AccessKeyId>" + id + "</AccessKeyId><Status>" + status + "</Status>" + created + "</member>"
	}
	key := func(id, rest string) string {
		return `{"kind":"AWS::IAM::AccessKey","id":"` + id + `",` + account + rest + `}`
	}
	answers := map[string]string{
		"MaxItems=1000&UserName=two":          "<IsTruncated>true</IsTruncated><Marker>2</Marker><AccessKeyMetadata>" + item("two", "used", "Active") + "</AccessKeyMetadata>",
		"Marker=2&MaxItems=1000&UserName=two": "<AccessKeyMetadata>" + item("two", "off", "Inactive") + item("two", "never", "Active") + item("two", "secret", "Active") + item("two", "empty", "Active") + "</AccessKeyMetadata>",
		"MaxItems=1000&UserName=gone":         "!NoSuchEntity gone",
		"MaxItems=1000&UserName=dark":         "!AccessDenied no",
		"MaxItems=1000&UserName=odd":          "<AccessKeyMetadata><member><AccessKeyId>bare</AccessKeyId></member></AccessKeyMetadata>",
		"AccessKeyId=used":                    "<UserName>two</UserName><AccessKeyLastUsed><LastUsedDate>2025-12-31T00:00:00Z</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-central-1</Region></AccessKeyLastUsed>",
		"AccessKeyId=never":                   "<UserName>two</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region></AccessKeyLastUsed>",
		"AccessKeyId=secret":                  "!AccessDenied no",
		"AccessKeyId=empty":                   "",
	}
	got, _ := collecttest.Run(t, Calls, []string{"iam.User.AccessKeys", "iam.AccessKey.LastUsed"}, []string{"eu-central-1"}, func(_, op, params string) string {
		if op == "GetAccountAuthorizationDetails" {
			return "<UserDetailList>" + userItem("two") + userItem("gone") + userItem("dark") + userItem("odd") + "</UserDetailList>"
		}
		answer, ok := answers[params]
		if !ok {
			t.Errorf("unexpected %s with %s", op, params)
		}
		return answer
	})
	const (
		denied = `{"reason":"access-denied","call":"iam:ListAccessKeys","detail":"AccessDenied: no"}`
		active = `,"user":"two","status":"Active","created":"2024-01-02T03:04:05Z"`
	)
	collecttest.Want(t, got,
		userLine("two", "", `,"accessKeys":["used","off","never","secret","empty"]`),
		userLine("gone", "", `,"accessKeys":[]`),
		userLine("dark", denied, ""),
		userLine("odd", "", `,"accessKeys":["bare"]`),
		hole("AccessKey", denied[1:len(denied)-1]),
		key("used", active+`,"lastUsed":"2025-12-31T00:00:00Z","lastUsedService":"s3","lastUsedRegion":"eu-central-1"`),
		key("never", active+`,"lastUsed":"0001-01-01T00:00:00Z","lastUsedService":"N/A","lastUsedRegion":"N/A"`),
		key("off", strings.Replace(active, "Active", "Inactive", 1)),
		key("empty", active),
		key("secret", `,"gaps":[{"reason":"access-denied","call":"iam:GetAccessKeyLastUsed","detail":"AccessDenied: no"}]`+active),
		key("bare", `,"gaps":[{"reason":"not-collected","call":"iam:GetAccessKeyLastUsed","detail":"needs what an earlier answer left out"}]`),
	)
}

// content is an answer with a report, about bob and the root user unless rows are given.
func content(rows ...string) string {
	if rows == nil {
		rows = []string{"<root_account>," + root + "root,2020-01-01T00:00:00+00:00,not_supported,2025-01-01T00:00:00+00:00,not_supported,not_supported,false,true,N/A",
			"bob," + root + "user/bob,2024-01-02T03:04:05+00:00,true,2025-12-01T08:00:00+01:00,2025-06-01T00:00:00Z,N/A,false,false,N/A"}
	}
	rows = append([]string{"user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,of_later_years"}, rows...)
	return "<Content>" + base64.StdEncoding.EncodeToString([]byte(strings.Join(rows, "\n"))) + "</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>2025-12-31T21:00:00Z</GeneratedTime>"
}

const reported = `,"reportTime":"2025-12-31T21:00:00Z","passwordEnabled":true,"passwordChanged":"2025-06-01T00:00:00Z","passwordLastUsed":"2025-12-01T07:00:00Z","mfa":false`

// A report may take a while. Whatever becomes of it, nobody asks more than ten times or waits longer than a good minute.
func TestCredentialReport(t *testing.T) {
	gap := func(call, reason, detail string) string {
		return `{"reason":"` + reason + `","call":"iam:` + call + `","detail":"` + detail + `"}`
	}
	refused := gap("GenerateCredentialReport", "access-denied", "AccessDenied: no order")
	for _, test := range []struct {
		name    string
		order   string   // what GenerateCredentialReport answers
		answers []string // of GetCredentialReport, the last for ever
		asked   int
		takes   time.Duration
		gaps    string
		want    string
	}{
		{"there already", "COMPLETE", []string{content()}, 1, 0, "", `,"credentialReport":"COMPLETE"` + reported},
		{"ready after a while", "STARTED", []string{"!ReportNotPresent Unknown", "!ReportInProgress Unknown", "!ReportInProgress Unknown", content()}, 4, 7 * time.Second, "", `,"credentialReport":"STARTED"` + reported},
		{"the old one is still there", "INPROGRESS", []string{"!ReportExpired Unknown", content()}, 2, time.Second, "", `,"credentialReport":"INPROGRESS"` + reported},
		{"never ready", "STARTED", []string{"!ReportInProgress Unknown"}, 10, 90 * time.Second,
			gap("GetCredentialReport", "timed-out", "the credential report was not ready after 1m30s (ReportInProgress): scan again in some minutes"), `,"credentialReport":"STARTED"`},
		{"may not order, but somebody else has", "!AccessDenied no order", []string{"!ReportInProgress Unknown", content()}, 2, time.Second, refused, reported},
		{"may not order, and there is none", "!AccessDenied no order", []string{"!ReportNotPresent Unknown"}, 1, 0, refused + "," + gap("GetCredentialReport", "access-denied", "AccessDenied: no order"), ""},
		{"may not order, and it is too old", "!AccessDenied no order", []string{"!ReportExpired Unknown"}, 1, 0, refused + "," + gap("GetCredentialReport", "access-denied", "AccessDenied: no order"), ""},
		{"may order, but not read", "COMPLETE", []string{"!AccessDenied no"}, 1, 0, gap("GetCredentialReport", "access-denied", "AccessDenied: no"), `,"credentialReport":"COMPLETE"`},
		{"too many orders", "!LimitExceeded too many", []string{"!ReportNotPresent Unknown"}, 1, 0,
			gap("GenerateCredentialReport", "call-failed", "LimitExceeded: too many") + "," + gap("GetCredentialReport", "call-failed", "LimitExceeded: too many"), ""},
		{"no password", "COMPLETE", []string{content("bob," + root + "user/bob,x,FALSE,N/A,N/A,N/A,TRUE,x,")}, 1, 0, "",
			`,"credentialReport":"COMPLETE","reportTime":"2025-12-31T21:00:00Z","passwordEnabled":false,"passwordChanged":"0001-01-01T00:00:00Z","passwordLastUsed":"0001-01-01T00:00:00Z","mfa":true`},
		{"password never used, and columns that say nothing", "COMPLETE", []string{content("bob," + root + "user/bob,x,not_supported,no_information,yesterday,N/A,maybe,x,")}, 1, 0, "",
			`,"credentialReport":"COMPLETE","reportTime":"2025-12-31T21:00:00Z","passwordLastUsed":"0001-01-01T00:00:00Z"`},
		{"no rows", "COMPLETE", []string{"<Content/><GeneratedTime>2025-12-31T21:00:00Z</GeneratedTime>"}, 1, 0, gap("GetCredentialReport", "call-failed", "the credential report is empty"), `,"credentialReport":"COMPLETE"`},
		{"other columns", "COMPLETE", []string{"<Content>" + base64.StdEncoding.EncodeToString([]byte("user,arn\n")) + "</Content><GeneratedTime>2025-12-31T21:00:00Z</GeneratedTime>"}, 1, 0,
			gap("GetCredentialReport", "call-failed", "the credential report has no column password_enabled"), `,"credentialReport":"COMPLETE"`},
		{"cut off", "COMPLETE", []string{content("bob," + root + "user/bob,x")}, 1, 0, gap("GetCredentialReport", "call-failed", "wrong number of fields"), `,"credentialReport":"COMPLETE"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, asked := time.Now(), 0
				got, _ := collecttest.Run(t, Calls, []string{"iam.User.PasswordEnabled", "iam.User.MFA"}, []string{"eu-central-1"}, func(_, op, _ string) string {
					switch {
					case op == "GetAccountAuthorizationDetails":
						return "<UserDetailList>" + userItem("bob") + "</UserDetailList>"
					case op == "GenerateCredentialReport" && test.order[0] == '!':
						return test.order
					case op == "GenerateCredentialReport":
						return "<State>" + test.order + "</State>"
					}
					asked++
					return test.answers[min(asked, len(test.answers))-1]
				})
				if asked != test.asked || time.Since(start) != test.takes {
					t.Errorf("asked %d times in %v, want %d in %v", asked, time.Since(start), test.asked, test.takes)
				}
				collecttest.Want(t, got, userLine("bob", test.gaps, test.want))
			})
		})
	}
}

// A user who came after the report is not in it. Without users nobody orders one.
func TestUsersOfTheReport(t *testing.T) {
	for users, ops := range map[string]int{userItem("new"): 3, "": 1} {
		got, requests := collecttest.Run(t, Calls, []string{"iam.User.MFA"}, []string{"eu-central-1"}, func(_, op, _ string) string {
			switch op {
			case "GenerateCredentialReport":
				return "<State>COMPLETE</State>"
			case "GetCredentialReport":
				return content()
			}
			return "<UserDetailList>" + users + "</UserDetailList>"
		})
		if len(requests) != ops {
			t.Errorf("requests %q", requests)
		}
		if users == "" {
			collecttest.Want(t, got)
			continue
		}
		const late = `{"$gap":{"reason":"too-little-data","call":"iam:GetCredentialReport","detail":"the user was created after the credential report, of which there is a new one every four hours"}}`
		want := `,"credentialReport":"COMPLETE"`
		for _, name := range []string{"reportTime", "passwordEnabled", "passwordChanged", "passwordLastUsed", "mfa"} {
			want += `,"` + name + `":` + late
		}
		collecttest.Want(t, got, userLine("new", "", want))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }

// canned is an answer in XML.
func canned(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// A scan that is ended while it waits for a report ends at once.
func TestStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		client := roundTrip(func(r *http.Request) (*http.Response, error) {
			q, err := awstest.RequestOf(r)
			if err != nil {
				return nil, err
			}
			op := strings.TrimPrefix(q.Op, "iam:")
			e := map[string]string{
				"GetAccountAuthorizationDetails": "<UserDetailList>" + userItem("bob") + "</UserDetailList>",
				"GenerateCredentialReport":       "<State>STARTED</State>",
			}[op]
			if e == "" {
				return canned(r, 404, "<ErrorResponse><Error><Code>ReportInProgress</Code></Error></ErrorResponse>"), nil
			}
			return canned(r, 200, "<"+op+"Response><"+op+"Result>"+e+"</"+op+"Result></"+op+"Response>"), nil
		})
		plan, err := collect.NewPlan([]collect.Service{Calls}, kinds.All, []string{"iam.User.MFA"})
		if err != nil {
			t.Fatal(err)
		}
		place := model.Place{Account: collecttest.Account, Region: "eu-central-1"}
		s := engine.NewSnapshot(engine.Header{Partition: "aws", Read: []model.Place{place}})
		start := time.Now()
		plan.Run(ctx, []collect.At{{Place: place, Partition: "aws", Config: awstest.Config("eu-central-1", client)}}, s)
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
		var text strings.Builder
		if err := s.Save(&text); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text.String(), `"gaps":[{"reason":"stopped","call":"iam:GetCredentialReport"}]`) {
			t.Error(text.String())
		}
	})
}

// IAM has one endpoint in each partition, with a region of its own to sign for, whichever region a scan begins with.
func TestPartitions(t *testing.T) {
	for region, want := range map[string]string{
		"eu-central-1":   "iam.amazonaws.com us-east-1",
		"us-east-1":      "iam.amazonaws.com us-east-1",
		"cn-northwest-1": "iam.cn-north-1.amazonaws.com.cn cn-north-1",
		"us-gov-east-1":  "iam.us-gov.amazonaws.com us-gov-west-1",
		"eusc-de-east-1": "iam.eusc-de-east-1.amazonaws.eu eusc-de-east-1",
	} {
		var mu sync.Mutex
		got := map[string]bool{}
		client := roundTrip(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			scope := strings.Split(r.Header.Get("Authorization"), "/") // Credential=key/date/region/iam/aws4_request
			if len(scope) < 4 {
				return nil, errors.New("not signed")
			}
			got[r.URL.Host+" "+scope[2]] = true
			return canned(r, 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"), nil
		})
		plan, err := collect.NewPlan([]collect.Service{Calls}, kinds.All, []string{"iam.Account.RootMFA", "iam.User"})
		if err != nil {
			t.Fatal(err)
		}
		place := model.Place{Account: collecttest.Account, Region: region}
		plan.Run(t.Context(), []collect.At{{Place: place, Config: awstest.Config(region, client)}}, engine.NewSnapshot(engine.Header{Read: []model.Place{place}}))
		if len(got) != 1 || !got[want] {
			t.Errorf("%s: %v, want %s", region, got, want)
		}
	}
}
