package oracle_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// A call is what tells one request from another.
type call struct {
	op     string // as the scanner spells it: "sqs:ListQueues"
	region string
	params string // in an order of their own
}

func (c call) String() string { return c.op + " in " + c.region + " with " + c.params }

// more reports whether the call asks for a page after the first.
func (c call) more() bool { return token.MatchString(c.params) }

// token matches what says where the last page ended. CBOR has no quotation marks.
var token = regexp.MustCompile(`(?i)nexttoken|continuation-token=|exclusivestarttablename|\bmarker["=]`)

// services are those whose signatures have another name than the scanner.
var services = map[string]string{"logs": "cloudwatchlogs", "monitoring": "cloudwatch", "config": "configservice", "elasticloadbalancing": "elasticloadbalancingv2",
	"application-autoscaling": "applicationautoscaling"}

// callOf reads service and region from the scope of the signature, and the operation from where its protocol has it.
func callOf(r *http.Request, body []byte) call {
	var c call
	service, name := "", ""
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if scope := strings.Split(credential, "/"); len(scope) >= 5 {
		c.region, service = scope[2], cmp.Or(services[scope[3]], scope[3])
	}
	form, err := url.ParseQuery(string(body))
	switch target := r.Header.Get("X-Amz-Target"); {
	case target != "":
		name = target[strings.LastIndex(target, ".")+1:]
		c.params = sorted(body)
	case isForm(r) && err == nil:
		name = form.Get("Action")
		form.Del("Action")
		c.params = form.Encode()
	case r.Header.Get("Smithy-Protocol") != "": // CBOR: /service/GraniteServiceVersion20100801/operation/DescribeAlarms
		name = r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		c.params = string(body)
	default:
		c.op = rest(service, r.URL)
		c.params = r.URL.Path + "?" + r.URL.Query().Encode() + sorted(body)
		return c
	}
	c.op = service + ":" + name
	return c
}

// rest returns the operation of a request of a REST protocol, which is in its path, or for S3 in its query.
func rest(service string, u *url.URL) string {
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	last := path[len(path)-1]
	switch service {
	case "s3":
		switch {
		case last == "publicAccessBlock":
			return "s3control:GetPublicAccessBlock"
		case last == "":
			return "s3:ListBuckets"
		}
		for query, op := range map[string]string{"versioning": "GetBucketVersioning", "publicAccessBlock": "GetPublicAccessBlock", "ownershipControls": "GetBucketOwnershipControls",
			"acl": "GetBucketAcl", "policy": "GetBucketPolicy", "lifecycle": "GetBucketLifecycleConfiguration", "logging": "GetBucketLogging"} {
			if u.Query().Has(query) {
				return "s3:" + op
			}
		}
	case "lambda": // /2015-03-31/functions/NAME/policy
		if last == "policy" && u.Query().Has("Qualifier") {
			return "lambda:GetPolicy#aliases"
		}
		return "lambda:" + cmp.Or(map[string]string{"functions": "ListFunctions", "policy": "GetPolicy", "aliases": "ListAliases", "versions": "ListVersionsByFunction",
			"urls": "ListFunctionUrlConfigs", "list": "ListFunctionEventInvokeConfigs"}[last], last)
	case "guardduty": // /detector/ID/administrator
		return "guardduty:" + []string{"", "ListDetectors", "GetDetector", "GetAdministratorAccount"}[len(path)]
	}
	return service + ":" + strings.ToUpper(last[:1]) + last[1:] // account:ListRegions is POST /listRegions
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// sorted returns JSON with the keys of objects in order, and anything else as it is.
func sorted(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// A fault is what goes wrong with a call.
type fault string

const (
	denied      fault = "denied"      // by no policy that allows it
	deniedSCP   fault = "denied-scp"  // by the organization
	throttled   fault = "throttled"   // however often it is tried
	unavailable fault = "unavailable" // so too, with a page of HTML
	truncated   fault = "truncated"   // the answer ends in the middle
	cut         fault = "cut"         // the connection too
	empty       fault = "empty"       // an answer without a body
	page        fault = "page"        // a page of HTML, as of a hotel, with status 200
	hung        fault = "hung"        // no answer
)

// reasons are what the scanner has to call them.
var reasons = map[fault]string{denied: "access-denied", deniedSCP: "access-denied-scp", throttled: "throttled", unavailable: "throttled", truncated: "call-failed",
	cut: "call-failed", empty: "call-failed", page: "call-failed", hung: "timed-out"}

// A spoiler says what goes wrong with a call, "" for nothing. A fault that begins with a brace is an answer.
type spoiler func(call) fault

// spoil makes a scan through a proxy.
func (o *oracle) spoil(ctx context.Context, spoiler spoiler, args ...string) *scan {
	target, err := url.Parse(o.url)
	if err != nil {
		return &scan{err: err}
	}
	p := &proxy{spoiler: spoiler}
	p.upstream = httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: &o.memory, ModifyResponse: truncate,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}}
	server := httptest.NewServer(p)
	defer server.Close()
	s := o.scan(ctx, server.URL, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	s.calls = p.calls
	return s
}

// A proxy stands between the scanner and moto.
type proxy struct {
	spoiler  spoiler
	upstream httputil.ReverseProxy

	mu    sync.Mutex
	calls []call
}

// Keys of what the proxy notes with a request on its way to moto.
type (
	callKey  struct{}
	faultKey struct{}
)

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c := callOf(r, body)
	p.mu.Lock()
	p.calls = append(p.calls, c)
	p.mu.Unlock()
	var f fault
	if p.spoiler != nil {
		f = p.spoiler(c)
	}
	switch f {
	case "", truncated, cut:
		ctx := context.WithValue(context.WithValue(r.Context(), callKey{}, c), faultKey{}, f)
		r = r.WithContext(ctx)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		p.upstream.ServeHTTP(w, r)
	case denied, deniedSCP, throttled:
		refuse(w, r, c, f)
	case unavailable:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, "<!doctype html><title>503 Service Unavailable</title>")
	case empty:
		w.WriteHeader(http.StatusOK)
	case page:
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, "<!doctype html><html><body>Welcome to the hotel. Please sign in.</body></html>")
	case hung:
		<-r.Context().Done() // the scanner goes away first
	default:
		io.WriteString(w, string(f))
	}
}

// What must not come out of an error, as no two equal ones share it.
const (
	requestID = "5a1f3b7e-0000-4000-8000-0123456789ab"
	encoded   = "ZW5jb2RlZC1hdXRob3JpemF0aW9uLWZhaWx1cmU"
)

// refuse answers with an error in the form of the request's protocol.
func refuse(w http.ResponseWriter, r *http.Request, c call, f fault) {
	service, _, _ := strings.Cut(c.op, ":")
	code, message, status := "AccessDeniedException", "User: arn:aws:iam::"+accountID+":user/oracle is not authorized to perform: "+c.op, http.StatusBadRequest
	switch f {
	case denied:
		message += " because no identity-based policy allows the " + c.op + " action"
	case deniedSCP:
		message += " with an explicit deny in a service control policy"
	case throttled:
		code, message = "ThrottlingException", "Rate exceeded"
	}
	switch {
	case isForm(r) && service == "ec2": // EC2 protocol
		code, status = map[string]string{"AccessDeniedException": "UnauthorizedOperation", "ThrottlingException": "RequestLimitExceeded"}[code], http.StatusForbidden
		if f == throttled {
			status = http.StatusServiceUnavailable
		} else {
			message = "You are not authorized to perform this operation. " + message + ". Encoded authorization failure message: " + encoded
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>", code, message, requestID)
	case isForm(r): // query protocol
		denial := "AccessDenied"
		if service == "sns" { // which has a word of its own
			denial = "AuthorizationError"
		}
		code = map[string]string{"AccessDeniedException": denial, "ThrottlingException": "Throttling"}[code]
		if f != throttled {
			status = http.StatusForbidden
		}
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>", code, message, requestID)
	case service == "s3", service == "s3control": // REST with XML
		code, status = map[string]string{"AccessDeniedException": "AccessDenied", "ThrottlingException": "SlowDown"}[code], http.StatusForbidden
		if f == throttled {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		text := fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>", code, message, requestID)
		if service == "s3control" {
			text = "<ErrorResponse>" + text + "</ErrorResponse>"
		}
		io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+text)
	case r.Header.Get("Smithy-Protocol") != "": // CBOR: a map with two texts
		w.Header().Set("Content-Type", "application/cbor")
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		w.Header().Set("X-Amzn-Query-Error", map[string]string{"AccessDeniedException": "AccessDenied", "ThrottlingException": "Throttling"}[code]+";Sender")
		w.WriteHeader(status)
		io.WriteString(w, "\xa2"+cborText("__type")+cborText("com.amazonaws.cloudwatch#"+code)+cborText("message")+cborText(message))
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.Header().Set("X-Amzn-RequestId", requestID)
		w.Header().Set("X-Amzn-Errortype", code)
		if service == "sqs" { // which once spoke the query protocol, and still tells the code that it had there
			w.Header().Set("X-Amzn-Query-Error", map[string]string{"AccessDeniedException": "AccessDenied", "ThrottlingException": "RequestThrottled"}[code]+";Sender")
		}
		if service == "account" || service == "lambda" || service == "guardduty" { // REST: the status says it too
			status = map[fault]int{throttled: http.StatusTooManyRequests}[f]
			status = cmp.Or(status, http.StatusForbidden)
		}
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
	}
}

// cborText writes a text of up to 65535 bytes. Source: RFC 8949, section 3.1.
func cborText(s string) string { return string([]byte{3<<5 | 25, byte(len(s) >> 8), byte(len(s))}) + s }

// truncate cuts the answer to some calls; a cut one says that it is longer.
func truncate(res *http.Response) error {
	f, _ := res.Request.Context().Value(faultKey{}).(fault)
	if f == "" {
		return nil
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	whole := len(body)
	body = body[:whole*2/3]
	res.Body = io.NopCloser(bytes.NewReader(body))
	if f == truncated {
		whole = len(body)
	}
	res.ContentLength = int64(whole)
	res.Header.Set("Content-Length", strconv.Itoa(whole))
	return nil
}

// A memory is how the proxies reach moto. It asks each question once, as the account does not change while they are in
// use: moto answers 150 requests a second, and the scans make thousands.
type memory struct {
	mu      sync.Mutex
	answers map[call]answer
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (m *memory) RoundTrip(r *http.Request) (*http.Response, error) {
	c, _ := r.Context().Value(callKey{}).(call)
	m.mu.Lock()
	a, ok := m.answers[c]
	m.mu.Unlock()
	if !ok {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		a = answer{status: res.StatusCode, header: res.Header}
		if a.body, err = io.ReadAll(res.Body); err != nil {
			return nil, err
		}
		m.mu.Lock()
		m.answers[c] = a
		m.mu.Unlock()
	}
	return &http.Response{StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header.Clone(),
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}
