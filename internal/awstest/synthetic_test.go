package awstest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// ask makes a request of a form: "Action=DescribeStacks&Version=2010-05-15", or of a target and JSON: "AmazonSQS.ListQueues {}".
func ask(s *Synthetic, key, service, what string) *httptest.ResponseRecorder {
	target, body, isJSON := strings.Cut(what, " ")
	if !isJSON {
		body = what
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if isJSON {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
	}
	return send(s, r, key, service)
}

func send(s *Synthetic, r *http.Request, key, service string) *httptest.ResponseRecorder {
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// The credentials of a role belong to its account, and end.
func TestSyntheticRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Synthetic{Accounts: 2, Expire: time.Minute}
		base := s.Key(s.Account(0))
		var out struct {
			Credentials struct{ AccessKeyId string } `xml:"AssumeRoleResult>Credentials"`
		}
		w := ask(s, base, "sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=x&RoleArn=arn:aws:iam::"+s.Account(1)+":role/scan")
		if err := xml.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		who := func(key string) string {
			return ask(s, key, "sts", "Action=GetCallerIdentity&Version=2011-06-15").Body.String()
		}
		if got := who(out.Credentials.AccessKeyId); !strings.Contains(got, "<Account>"+s.Account(1)+"</Account>") {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		if got := who(out.Credentials.AccessKeyId); !strings.Contains(got, "<Code>ExpiredToken</Code>") {
			t.Error(got)
		}
		if got := who(base); !strings.Contains(got, "<Account>"+s.Account(0)+"</Account>") {
			t.Error(got)
		}
		for _, unknown := range []string{"AKIDEXAMPLE", "AKIA9999888877770000", "AKIA" + s.Account(2) + "0000"} {
			if got := who(unknown); !strings.Contains(got, "<Code>InvalidClientTokenId</Code>") {
				t.Errorf("%s: %s", unknown, got)
			}
		}
		w = ask(s, base, "sts", "Action=AssumeRole&Version=2011-06-15&RoleSessionName=x&RoleArn=arn:aws:iam::999988887777:role/scan")
		if w.Code != 403 || !strings.Contains(w.Body.String(), "<Code>AccessDenied</Code>") {
			t.Error(w)
		}
	})
}

// A bucket holds its burst, fills at its rate, and is one of many.
func TestSyntheticBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Synthetic{Accounts: 2, Buckets: map[string]Bucket{"kms": {Rate: 10, Burst: 3}}}
		try := func(account, n int) (throttled int) {
			for i := range n {
				w := ask(s, s.Key(s.Account(account)), "kms", fmt.Sprintf(`TrentService.DescribeKey {"KeyId":"alias/%d"}`, i))
				if strings.Contains(w.Body.String(), "ThrottlingException") {
					throttled++
				}
			}
			return throttled
		}
		if got := try(0, 5); got != 2 {
			t.Errorf("%d of 5 throttled, want 2", got)
		}
		if got := try(1, 3); got != 0 {
			t.Errorf("%d of 3 throttled in another account", got)
		}
		time.Sleep(time.Second)
		if got := try(0, 4); got != 1 {
			t.Errorf("%d of 4 throttled after a second, want 1", got)
		}
		time.Sleep(time.Second)
		try(0, 1)
		uses := s.Stats().Buckets
		if len(uses) != 1 {
			t.Fatalf("%+v: want only the one that throttled", uses)
		}
		if answered, throttled, seconds := uses[0].After(1); answered != 3 || throttled != 1 || seconds != 1 {
			t.Errorf("%d answered, %d throttled in %d s", answered, throttled, seconds)
		}
	})
}

// Answers come late, in pieces, or after a pause, by the clock.
func TestSyntheticTime(t *testing.T) {
	for _, test := range []struct {
		s    *Synthetic
		want time.Duration
	}{
		{&Synthetic{Latency: func(q Request) time.Duration {
			return map[string]time.Duration{"sts:GetCallerIdentity": 50 * time.Millisecond}[q.Op]
		}}, 50 * time.Millisecond},
		{&Synthetic{Faults: []Fault{{Kind: TimedOut, Stall: 30 * time.Second}}}, 30 * time.Second},
		{&Synthetic{Faults: []Fault{{Kind: Slow, Rate: 100}}}, 4 * time.Second}, // for some 440 bytes
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			w := ask(test.s, test.s.Key(test.s.Account(0)), "sts", "Action=GetCallerIdentity&Version=2011-06-15")
			if took := time.Since(began); took < test.want || took > test.want*5/4 || !strings.HasSuffix(w.Body.String(), "</GetCallerIdentityResponse>") {
				t.Errorf("after %s instead of %s: %s", took, test.want, w.Body)
			}
		})
	}
}

// A share of the requests fails, the same whenever they are made, and other ones at the next attempt.
func TestSyntheticShare(t *testing.T) {
	fails := func(s *Synthetic) (out string) {
		for i := range 200 {
			w := ask(s, s.Key(s.Account(0)), "kms", fmt.Sprintf(`TrentService.DescribeKey {"KeyId":"alias/%d"}`, i))
			if out += "."; w.Code == 500 {
				out = out[:len(out)-1] + "x"
			}
		}
		return out
	}
	faults := []Fault{{Kind: Broken, Op: "kms:*", Region: "eu-*", Share: 0.2}, {Kind: Denied, Op: "kms:*", Region: "us-*"}}
	s := &Synthetic{Seed: 7, Faults: faults}
	first := fails(s)
	if n := strings.Count(first, "x"); n < 25 || n > 55 {
		t.Errorf("%d of 200 fail, want about 40", n)
	}
	if first == fails(s) {
		t.Error("what failed once fails for ever")
	}
	if first != fails(&Synthetic{Seed: 7, Faults: faults}) || first == fails(&Synthetic{Seed: 8, Faults: faults}) {
		t.Error("the faults do not follow from the seed")
	}
}

// What no table entry serves is refused and counted, in each protocol; so is what was asked before.
func TestSyntheticUnknown(t *testing.T) {
	s := &Synthetic{Resources: map[string]int{buckets: 2}}
	key := s.Key(s.Account(0))
	for _, test := range []struct{ service, ask, want string }{
		{"sqs", "AmazonSQS.PurgeQueue {}", "UnknownOperationException"},
		{"sts", "Action=GetSessionToken&Version=2011-06-15", "<Code>InvalidAction</Code>"},
		{"ec2", "Action=RunInstances&Version=2016-11-15", "<Response><Errors><Error><Code>InvalidAction</Code>"},
	} {
		if w := ask(s, key, test.service, test.ask); w.Code != 400 || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%s: %v %s", test.ask, w.Code, w.Body)
		}
	}
	for _, service := range []string{"account", "s3", "route53"} {
		if w := send(s, httptest.NewRequest("GET", "/nowhere", nil), key, service); w.Code < 400 {
			t.Errorf("%s: %v", service, w)
		}
	}
	if w := send(s, httptest.NewRequest("GET", "/?x-id=ListBuckets", nil), key, "s3"); strings.Count(w.Body.String(), "<Bucket><Name>") != 2 {
		t.Error(w.Body)
	}
	for range 2 {
		ask(s, key, "sts", "Action=GetCallerIdentity&Version=2011-06-15")
	}
	stats := s.Stats()
	if Total(stats.Unknown) != 6 || stats.Unknown["s3:GET /nowhere"] != 1 || Total(stats.Duplicates) != 1 || stats.Duplicates["sts:GetCallerIdentity"] != 1 {
		t.Errorf("%+v", stats)
	}
	if w := httptest.NewRecorder(); true {
		if s.ServeHTTP(w, httptest.NewRequest("GET", "/", nil)); w.Code != 400 || !strings.Contains(w.Body.String(), "not signed") {
			t.Error(w)
		}
	}
}

// Each operation answers in its protocol, and a token is good only for the list that it comes from.
func TestSyntheticToken(t *testing.T) {
	s := &Synthetic{Accounts: 2, Resources: map[string]int{queues: 3}}
	list := func(account int, token string) string {
		return ask(s, s.Key(s.Account(account)), "sqs", `AmazonSQS.ListQueues {"MaxResults":2`+token+`}`).Body.String()
	}
	_, token, _ := strings.Cut(list(0, ""), `"NextToken"`)
	token = `,"NextToken"` + strings.TrimSuffix(token, "}")
	if got := list(0, token); strings.Count(got, "https://") != 1 || strings.Contains(got, "NextToken") {
		t.Error(got)
	}
	if got := list(1, token); !strings.Contains(got, "InvalidNextToken") {
		t.Error(got)
	}
	// Without a size SQS shows a thousand queues, and does not say that there are more.
	s = &Synthetic{Resources: map[string]int{queues: 1001}}
	got := ask(s, s.Key(s.Account(0)), "sqs", `AmazonSQS.ListQueues {}`).Body.String()
	if strings.Count(got, "https://") != 1000 || strings.Contains(got, "NextToken") {
		t.Errorf("%d queues", strings.Count(got, "https://"))
	}
}

// Routes lead by method, path and the parameter that tells operations of one path apart.
func TestSyntheticRoute(t *testing.T) {
	for _, test := range []struct {
		route, request, want string
		ok                   bool
	}{
		{"GET /", "GET /", "map[]", true},
		{"GET /{Bucket}", "GET /logs", "map[Bucket:logs]", true},
		{"GET /{Bucket}?policy", "GET /logs?policy", "map[Bucket:logs]", true},
		{"GET /{Bucket}?policy", "GET /logs?acl", "map[]", false},
		{"GET /{Bucket}", "PUT /logs", "map[]", false},
		{"GET /{Bucket}", "GET /", "map[]", false},
		{"GET /2015-03-31/functions/{FunctionName}/policy", "GET /2015-03-31/functions/f/policy", "map[FunctionName:f]", true},
		{"GET /2015-03-31/functions/{FunctionName}/policy", "GET /2015-03-31/functions/f/code", "map[]", false},
	} {
		method, target, _ := strings.Cut(test.request, " ")
		got, ok := operation{route: test.route}.takes("s3", "s3:X", httptest.NewRequest(method, target, nil))
		if ok != test.ok || fmt.Sprint(got) != test.want {
			t.Errorf("%s, %s: %v %v", test.route, test.request, got, ok)
		}
	}
}

// One answer in all notations.
func TestSyntheticNotations(t *testing.T) {
	at := time.Date(2026, 11, 1, 0, 0, 0, 500e6, time.UTC)
	o := object{{"Name", `a<b>&"c"`}, {"Gone", nil}, {"Count", 3}, {"On", true}, {"At", at}, {"Names", []string{"x", "y"}}, {"Items", []object{{{"K", "v"}}, {}}}}
	const want = `{"Name":"a\u003cb\u003e\u0026\"c\"","Count":3,"On":true,"At":1793491200.5,"Names":["x","y"],"Items":[{"K":"v"},{}]}`
	if got := string(appendJSON(nil, o)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	const members = `<A><Name>a&lt;b&gt;&amp;&#34;c&#34;</Name><Count>3</Count><On>true</On><At>2026-11-01T00:00:00.500Z</At><Names><member>x</member><member>y</member></Names><Items><member><K>v</K></member><member></member></Items></A>`
	if got := string(xmlDocument(object{{"A", o}}, "")); got != xml.Header+members {
		t.Errorf("%s\nwant %s", got, members)
	}
	items := strings.ReplaceAll(strings.Replace(members, "<A>", `<A xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">`, 1), "member>", "item>")
	if got := string(xmlDocument(object{{"A", o}}, "http://ec2.amazonaws.com/doc/2016-11-15/")); got != xml.Header+items {
		t.Errorf("%s\nwant %s", got, items)
	}
	encoded := appendCBOR(nil, o)
	v, err := cbor.Decode(encoded)
	m, _ := v.(cbor.Map)
	if tag, _ := m["At"].(*cbor.Tag); err != nil || len(m) != 6 || m["Count"] != cbor.Uint(3) || tag == nil || tag.ID != 1 || tag.Value != cbor.Float64(1793491200.5) {
		t.Errorf("%v %v", v, err)
	}
	if !bytes.Equal(encoded, appendCBOR(nil, o)) {
		t.Error("one object is encoded in two ways")
	}
}
