package s3

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/collecttest"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// entry is an entry of the list answer.
func entry(name, region string) string {
	if region != "" {
		region = "<BucketRegion>" + region + "</BucketRegion>"
	}
	return "<Bucket><Name>" + name + "</Name><CreationDate>2025-01-02T03:04:05.000Z</CreationDate>" + region + "</Bucket>"
}

// page is a page of the list answer.
func page(token string, entries ...string) string {
	if token != "" {
		token = "<ContinuationToken>" + token + "</ContinuationToken>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>0a1b</ID></Owner><Buckets>` +
		strings.Join(entries, "") + "</Buckets>" + token + "</ListAllMyBucketsResult>"
}

// line is a line of the snapshot.
func line(name, region, rest string) string {
	if region != "" {
		region = `,"region":"` + region + `"`
	}
	return `{"kind":"AWS::S3::Bucket","id":"` + name + `","arn":"arn:aws:s3:::` + name + `","name":"` + name + `","account":"111122223333"` + region + rest + `}`
}

const created = `,"created":"2025-01-02T03:04:05Z"`

// One list tells of all regions. Each bucket is asked about in its own, be it scanned or not, and each once: also one with dots,
// whose name cannot stand in the host, and one of an endpoint that tells no region.
func TestHome(t *testing.T) {
	var asked []string
	got, requests := collecttest.Run(t, Calls, []string{"s3.Bucket.Policy"}, []string{"eu-central-1", "us-east-1"}, func(region, op, params string) string {
		switch {
		case op == "ListBuckets" && params == "/?max-buckets=10000&x-id=ListBuckets":
			return page("p+2/=", entry("eu", "eu-central-1"), entry("us", "us-east-1"))
		case op == "ListBuckets" && params == "/?continuation-token=p%2B2%2F%3D&max-buckets=10000&x-id=ListBuckets":
			return page("", entry("ap.dotted", "ap-south-1"), entry("nowhere", ""))
		case op == "GetBucketPolicy":
			asked = append(asked, region+params)
			return `{"Version":"2012-10-17","Statement":[]}`
		}
		t.Errorf("unexpected %s with %s in %s", op, params, region)
		return "!Unexpected"
	})
	policy := `,"policy":"{\"Version\":\"2012-10-17\",\"Statement\":[]}"`
	collecttest.Want(t, got,
		line("eu", "eu-central-1", created+policy),
		line("us", "us-east-1", created+policy),
		line("ap.dotted", "ap-south-1", created+policy),
		line("nowhere", "", created+policy))
	slices.Sort(asked)
	if want := []string{"ap-south-1/ap.dotted?policy=", "eu-central-1/eu?policy=", "eu-central-1/nowhere?policy=", "us-east-1/us?policy="}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if len(requests) != 6 {
		t.Errorf("requests %q", requests)
	}
}

// A second page that fails leaves what the first told, and one hole for the account.
func TestLists(t *testing.T) { synctest.Test(t, lists) }

func lists(t *testing.T) {
	for name, second := range map[string]string{
		`"access-denied","call":"s3:ListBuckets","detail":"AccessDenied: no"`:                                                          "!AccessDenied no",
		`"call-failed","call":"s3:ListBuckets","detail":"the answer is empty"`:                                                         "",
		`"call-failed","call":"s3:ListBuckets","detail":"the answer is a \u003cError\u003e, not a \u003cListAllMyBucketsResult\u003e"`: "<Error><Code>InternalError</Code></Error>",
		`"call-failed","call":"s3:ListBuckets","detail":"the answer is cut off"`:                                                       page("", entry("b", "eu-central-1"))[:200],
	} {
		got, _ := collecttest.Run(t, Calls, []string{"s3.Bucket"}, []string{"eu-central-1"}, func(_, _, params string) string {
			if strings.Contains(params, "continuation-token") {
				return second
			}
			return page("2", entry("a", "eu-central-1"))
		})
		collecttest.Want(t, got, line("a", "eu-central-1", created), `{"unlisted":"AWS::S3::Bucket","account":"111122223333","gap":{"reason":`+name+`}}`)
	}
	got, _ := collecttest.Run(t, Calls, []string{"s3.Bucket"}, []string{"eu-central-1"}, func(_, _, _ string) string { return page("") })
	collecttest.Want(t, got)
}

// What each call tells of a bucket, and what it says if there is nothing, in all the ways of S3: an error code, or an empty document.
// Denial is neither, nor is half a document.
func TestBucket(t *testing.T) {
	gap := func(op, reason, detail string) string {
		return `,"gaps":[{"reason":"` + reason + `","call":"s3:` + op + `","detail":"` + detail + `"}]` + created
	}
	known := func(rest string) string { return created + rest }
	for _, test := range []struct{ attr, op, answer, want string }{
		{"PublicAccessBlock", "GetPublicAccessBlock",
			`<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>TRUE</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
			known(`,"publicAccessBlock":{"blockPublicAcls":true,"ignorePublicAcls":false,"blockPublicPolicy":true,"restrictPublicBuckets":false}`)},
		{"PublicAccessBlock", "GetPublicAccessBlock", "!NoSuchPublicAccessBlockConfiguration The public access block configuration was not found",
			known(`,"publicAccessBlock":{"blockPublicAcls":false,"ignorePublicAcls":false,"blockPublicPolicy":false,"restrictPublicBuckets":false}`)},
		{"PublicAccessBlock", "GetPublicAccessBlock", `<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>`, known("")},
		{"PublicAccessBlock", "GetPublicAccessBlock", `<PublicAccessBlockConfiguration/>`, known("")},
		{"PublicAccessBlock", "GetPublicAccessBlock", `!AccessDenied with an explicit deny in a resource-based policy`,
			gap("GetPublicAccessBlock", "access-denied-resource", "AccessDenied: with an explicit deny in a resource-based policy")},
		{"PublicAccessBlock", "GetPublicAccessBlock", `!NoSuchBucket gone`, gap("GetPublicAccessBlock", "call-failed", "NoSuchBucket: gone")},

		{"Ownership", "GetBucketOwnershipControls", `<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`, known(`,"ownership":"BucketOwnerEnforced"`)},
		{"Ownership", "GetBucketOwnershipControls", `!OwnershipControlsNotFoundError none`, known(`,"ownership":""`)},
		{"Ownership", "GetBucketOwnershipControls", `<OwnershipControls><Rule></Rule></OwnershipControls>`, known("")},
		{"Ownership", "GetBucketOwnershipControls", `<OwnershipControls/>`, known("")},

		{"Policy", "GetBucketPolicy", `{"Statement":[]}`, known(`,"policy":"{\"Statement\":[]}"`)},
		{"Policy", "GetBucketPolicy", `!NoSuchBucketPolicy The bucket policy does not exist`, known(`,"policy":""`)},
		{"Policy", "GetBucketPolicy", `{"Statement":[`, gap("GetBucketPolicy", "call-failed", "the answer is no JSON object")},
		{"Policy", "GetBucketPolicy", ``, gap("GetBucketPolicy", "call-failed", "the answer is empty")},
		{"Policy", "GetBucketPolicy", `<html></html>`, gap("GetBucketPolicy", "call-failed", "the answer is no JSON object")},

		{"Versioning", "GetBucketVersioning", `<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>`, known(`,"versioning":"Enabled","mfaDelete":true`)},
		{"Versioning", "GetBucketVersioning", `<VersioningConfiguration><Status>Suspended</Status><MfaDelete>Disabled</MfaDelete></VersioningConfiguration>`, known(`,"versioning":"Suspended","mfaDelete":false`)},
		{"Versioning", "GetBucketVersioning", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`, known(`,"versioning":"","mfaDelete":false`)},
		{"Versioning", "GetBucketVersioning", `<GetBucketVersioningResponse><Status>Enabled</Status></GetBucketVersioningResponse>`, known(`,"versioning":"Enabled","mfaDelete":false`)}, // as moto does
		{"Versioning", "GetBucketVersioning", `<VersioningConfiguration><Status/>`, gap("GetBucketVersioning", "call-failed", "the answer is cut off")},
		{"Versioning", "GetBucketVersioning", `<html/>`, gap("GetBucketVersioning", "call-failed", `the answer is a \u003chtml\u003e, not a \u003cVersioningConfiguration\u003e`)},
		{"Versioning", "GetBucketVersioning", `{}`, gap("GetBucketVersioning", "call-failed", "the answer is no XML document: EOF")},

		{"Lifecycle", "GetBucketLifecycleConfiguration", `<LifecycleConfiguration>
			<Rule><ID>old logs</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status><Expiration><Days>365</Days></Expiration><Transition><Days>30</Days><StorageClass>STANDARD_IA</StorageClass></Transition><Transition><Days>90</Days><StorageClass>GLACIER_IR</StorageClass></Transition></Rule>
			<Rule><ID>date</ID><Prefix></Prefix><Status>Disabled</Status><Expiration><Date>2027-01-01T00:00:00.000Z</Date></Expiration></Rule>
			<Rule><Filter><And><Prefix/><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></And></Filter><Status>Enabled</Status><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>
				<NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays></NoncurrentVersionExpiration><NoncurrentVersionTransition><NoncurrentDays>30</NoncurrentDays><StorageClass>GLACIER</StorageClass></NoncurrentVersionTransition></Rule>
			<Rule><Filter/><Status>Enabled</Status><AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>
			<Rule><Prefix>tmp</Prefix><Status>Enabled</Status></Rule></LifecycleConfiguration>`,
			known(`,"lifecycle":[{"id":"old logs","enabled":true,"partial":true,"expires":true,"expirationDays":365,"transitions":["STANDARD_IA","GLACIER_IR"]},{"id":"date","enabled":false,"expires":true},` +
				`{"enabled":true,"partial":true,"noncurrentExpires":true,"noncurrentDays":90,"noncurrentTransitions":["GLACIER"]},{"enabled":true,"abortUploadDays":7},{"enabled":true,"partial":true}]`)},
		{"Lifecycle", "GetBucketLifecycleConfiguration", `!NoSuchLifecycleConfiguration none`, known(`,"lifecycle":[]`)},
		{"Lifecycle", "GetBucketLifecycleConfiguration", `<LifecycleConfiguration/>`, known("")},
		{"Lifecycle", "GetBucketLifecycleConfiguration", `<LifecycleConfiguration><Rule><ID>x</ID></Rule></LifecycleConfiguration>`, known("")},

		{"LogTarget", "GetBucketLogging", `<BucketLoggingStatus><LoggingEnabled><TargetBucket>logs</TargetBucket><TargetPrefix>a/</TargetPrefix></LoggingEnabled></BucketLoggingStatus>`, known(`,"logTarget":"logs"`)},
		{"LogTarget", "GetBucketLogging", `<BucketLoggingStatus xmlns="http://doc.s3.amazonaws.com/2006-03-01" />`, known(`,"logTarget":""`)},
		{"LogTarget", "GetBucketLogging", `<BucketLoggingStatus><LoggingEnabled/></BucketLoggingStatus>`, known("")},

		{"Tags", "GetBucketTagging", `<Tagging><TagSet><Tag><Key>team</Key><Value>shop</Value></Tag><Tag><Key>empty</Key><Value/></Tag></TagSet></Tagging>`, known(`,"tags":{"empty":"","team":"shop"}`)},
		{"Tags", "GetBucketTagging", `!NoSuchTagSet none`, known(`,"tags":{}`)},
		{"Tags", "GetBucketTagging", `<Tagging/>`, known("")},
	} {
		synctest.Test(t, func(t *testing.T) {
			got, requests := collecttest.Run(t, Calls, []string{"s3.Bucket." + test.attr}, []string{"eu-central-1"}, func(_, op, _ string) string {
				if op == "ListBuckets" {
					return page("", entry("b", "eu-central-1"))
				}
				if op != test.op {
					t.Errorf("unexpected %s", op)
				}
				return test.answer
			})
			collecttest.Want(t, got, line("b", "eu-central-1", test.want))
			if !slices.Contains(requests, "eu-central-1 "+test.op) || t.Failed() {
				t.Errorf("%s: requests %q", test.answer, requests)
			}
		})
	}
}

// The ACL of a bucket is asked for unless ownership is known to make it void.
func TestACL(t *testing.T) {
	const acl = `<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>0a1b</ID></Owner><AccessControlList>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"><ID>0a1b</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>` +
		`<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Group"><URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>` +
		`</AccessControlList></AccessControlPolicy>`
	const grants = `,"aclOwner":"0a1b","grants":[{"user":"0a1b","permission":"FULL_CONTROL"},{"group":"http://acs.amazonaws.com/groups/global/AllUsers","permission":"READ"}]`
	ownership := map[string]string{
		"enforced":  `<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`,
		"preferred": `<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>`,
		"denied":    `!AccessDenied no`,
	}
	acls := map[string]string{
		"empty":       `<AccessControlPolicy><Owner><ID>0a1b</ID></Owner><AccessControlList/></AccessControlPolicy>`,
		"no-list":     `<AccessControlPolicy><Owner><ID>0a1b</ID></Owner></AccessControlPolicy>`,
		"nothing":     `<AccessControlPolicy/>`,
		"nobody":      `<AccessControlPolicy><Owner><ID>0a1b</ID></Owner><AccessControlList><Grant><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>`,
		"no-permit":   `<AccessControlPolicy><Owner><ID>0a1b</ID></Owner><AccessControlList><Grant><Grantee><ID>0a1b</ID></Grantee></Grant></AccessControlList></AccessControlPolicy>`,
		"access-deny": `!AccessDenied no`,
	}
	names := []string{"enforced", "preferred", "denied", "none", "empty", "no-list", "nothing", "nobody", "no-permit", "access-deny"}
	got, requests := collecttest.Run(t, Calls, []string{"s3.Bucket.Grants"}, []string{"eu-central-1"}, func(_, op, params string) string {
		name, _, _ := strings.Cut(strings.TrimPrefix(params, "/"), "?")
		switch {
		case op == "ListBuckets":
			var all []string
			for _, n := range names {
				all = append(all, entry(n, "eu-central-1"))
			}
			return page("", all...)
		case op == "GetBucketOwnershipControls" && ownership[name] != "":
			return ownership[name]
		case op == "GetBucketOwnershipControls":
			return "!OwnershipControlsNotFoundError none"
		case acls[strings.ReplaceAll(name, "no-list", "no-list")] != "":
			return acls[strings.ReplaceAll(name, "no-list", "no-list")]
		}
		return acl
	})
	none := created + `,"ownership":""`
	collecttest.Want(t, got,
		line("enforced", "eu-central-1", created+`,"ownership":"BucketOwnerEnforced"`),
		line("preferred", "eu-central-1", created+`,"ownership":"BucketOwnerPreferred"`+grants),
		line("denied", "eu-central-1", `,"gaps":[{"reason":"access-denied","call":"s3:GetBucketOwnershipControls","detail":"AccessDenied: no"}]`+created+grants),
		line("none", "eu-central-1", none+grants),
		line("empty", "eu-central-1", none+`,"aclOwner":"0a1b","grants":[]`),
		line("no-list", "eu-central-1", none),
		line("nothing", "eu-central-1", none),
		line("nobody", "eu-central-1", none+`,"aclOwner":"0a1b"`),
		line("no-permit", "eu-central-1", none+`,"aclOwner":"0a1b"`),
		line("access-deny", "eu-central-1", `,"gaps":[{"reason":"access-denied","call":"s3:GetBucketAcl","detail":"AccessDenied: no"}]`+none))
	if n := len(slices.DeleteFunc(requests, func(r string) bool { return !strings.HasSuffix(r, " GetBucketAcl") })); n != len(names)-1 {
		t.Errorf("asked for %d ACLs, want %d", n, len(names)-1)
	}
}

// The block of the account is asked for once, of the account.
func TestAccount(t *testing.T) { synctest.Test(t, account) }

func account(t *testing.T) {
	const four = `<PublicAccessBlockConfiguration xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`
	for answer, want := range map[string]string{
		four: `,"publicAccessBlock":{"blockPublicAcls":true,"ignorePublicAcls":true,"blockPublicPolicy":false,"restrictPublicBuckets":true}`,
		"!NoSuchPublicAccessBlockConfiguration The public access block configuration was not found": `,"publicAccessBlock":{"blockPublicAcls":false,"ignorePublicAcls":false,"blockPublicPolicy":false,"restrictPublicBuckets":false}`,
		"!AccessDenied no":                  `,"gaps":[{"reason":"access-denied","call":"s3control:GetPublicAccessBlock","detail":"AccessDenied: no"}]`,
		`<PublicAccessBlockConfiguration/>`: ``,
		four[:200]:                          `,"gaps":[{"reason":"call-failed","call":"s3control:GetPublicAccessBlock","detail":"the answer is cut off"}]`,
		``:                                  `,"gaps":[{"reason":"call-failed","call":"s3control:GetPublicAccessBlock","detail":"the answer is empty"}]`,
	} {
		got, requests := collecttest.Run(t, Calls, []string{"s3.Account.PublicAccessBlock"}, []string{"eu-central-1", "us-east-1"}, func(region, op, params string) string {
			if region != "" || params != "/111122223333/v20180820/configuration/publicAccessBlock" {
				t.Errorf("unexpected %s with %s in %s", op, params, region)
			}
			return answer
		})
		collecttest.Want(t, got, `{"kind":"AWS::S3::Account","id":"111122223333","account":"111122223333"`+want+`}`)
		if len(requests) != 1 && !strings.HasPrefix(want, `,"gaps":[{"reason":"call-failed"`) {
			t.Errorf("requests %q", requests)
		}
	}
}

type client func(*http.Request) (*http.Response, error)

func (f client) Do(r *http.Request) (*http.Response, error) { return f(r) }

// At an endpoint for everything, as an emulator has, no bucket becomes a part of the host, nor an account where nothing can stand before it.
func TestEndpoint(t *testing.T) {
	for endpoint, want := range map[string][2]string{
		"http://127.0.0.1:5000":    {"127.0.0.1:5000", "127.0.0.1:5000"},
		"http://localhost:4566":    {"localhost:4566", "localhost:4566"},
		"https://aws.acme.example": {"aws.acme.example", "111122223333.aws.acme.example"},
		"":                         {"acme.s3.eu-central-1.amazonaws.com", "111122223333.s3-control.eu-central-1.amazonaws.com"},
	} {
		var mu sync.Mutex
		hosts := map[string]string{}
		cfg := awstest.Config("eu-central-1", client(func(r *http.Request) (*http.Response, error) {
			q, err := awstest.RequestOf(r)
			mu.Lock()
			defer mu.Unlock()
			hosts[q.Op] = r.URL.Host
			if q.Op == "s3:ListBuckets" {
				return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(page("", entry("acme", "eu-central-1"))))}, err
			}
			return awstest.Error(r, q, 404, "NoSuch", "none"), err
		}))
		if endpoint != "" {
			cfg.BaseEndpoint = &endpoint
		}
		plan, err := collect.NewPlan([]collect.Service{Calls}, kinds.All, []string{"s3.Account.PublicAccessBlock", "s3.Bucket.Policy"})
		if err != nil {
			t.Fatal(err)
		}
		place := model.Place{Account: collecttest.Account, Region: "eu-central-1"}
		plan.Run(t.Context(), []collect.At{{Place: place, Partition: "aws", Config: cfg}}, engine.NewSnapshot(engine.Header{Read: []model.Place{place}}))
		if got := [2]string{hosts["s3:GetBucketPolicy"], hosts["s3control:GetPublicAccessBlock"]}; got != want {
			t.Errorf("%s: requests to %q, want %q", endpoint, got, want)
		}
	}
}
