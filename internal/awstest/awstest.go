// Package awstest stands in for AWS at the wire: it records the answers to real SDK clients, replays them
// in the same process, and injects faults in the form of each protocol.
package awstest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Config returns a configuration whose requests go to a client instead of the network. Environment
// and files do not count: AWS_ENDPOINT_URL neither.
func Config(region string, client aws.HTTPClient) aws.Config {
	return aws.Config{Region: region, HTTPClient: client, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")}
}

// A Request is what tells one request from another. Host, headers and signature do not, but for what S3 says by these alone.
type Request struct {
	Op     string `json:"op"`     // "sqs:ListQueues"
	Region string `json:"region"` // "" if it does not matter
	Params string `json:"params"` // JSON with sorted keys, or a sorted form, or path and query: "/bucket?policy="
}

// An Exchange is a request and its answer, in a form that people can read and edit.
type Exchange struct {
	Request
	Status int             `json:"status"`
	Type   string          `json:"type,omitempty"`   // Content-Type
	JSON   json.RawMessage `json:"json,omitempty"`   // the body, if it is JSON
	Body   string          `json:"body,omitempty"`   // otherwise
	Edited string          `json:"edited,omitempty"` // what was changed by hand, and why
}

// RequestOf tells which request an SDK client makes.
func RequestOf(r *http.Request) (Request, error) {
	ctx := r.Context()
	service := strings.ToLower(strings.ReplaceAll(awsmiddleware.GetServiceID(ctx), " ", ""))
	q := Request{Op: service + ":" + awsmiddleware.GetOperationName(ctx), Region: awsmiddleware.GetRegion(ctx)}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return q, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return q, err
		}
		form.Del("Action")
		form.Del("Version")
		q.Params = form.Encode()
	case len(bytes.TrimSpace(body)) > 0:
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			return q, err
		}
		if m, ok := v.(map[string]any); ok && q.Op == "resourcegroupstaggingapi:GetResources" {
			delete(m, "ResourceTypeFilters") // depends on the rules; an answer may tell more
		}
		b, _ := json.Marshal(v)
		q.Params = string(b)
	default:
		q.Params = pathOf(service, r)
		if service == "s3control" || service == "s3" && strings.HasPrefix(q.Params, "/?") {
			q.Region = "" // about the account: each region has the same answer, and any is asked
		}
	}
	return q, nil
}

// pathOf returns the path and query of a request. The bucket is the first part of the path, also if it stands in the host, and so
// is the account of S3 Control.
func pathOf(service string, r *http.Request) string {
	uri := r.URL.RequestURI()
	switch service {
	case "s3":
		if bucket, endpoint, _ := strings.Cut(r.URL.Host, "."); strings.HasPrefix(endpoint, "s3.") || strings.HasPrefix(endpoint, "s3-") {
			if rest := strings.TrimPrefix(uri, "/"); rest == "" || rest[0] == '?' {
				return "/" + bucket + rest
			}
			return "/" + bucket + uri
		}
	case "s3control":
		return "/" + r.Header.Get("X-Amz-Account-Id") + uri
	}
	return uri
}

// response makes the answer of an exchange.
func (e *Exchange) response(r *http.Request) *http.Response {
	body := e.Body
	if len(e.JSON) > 0 {
		body = string(e.JSON)
	}
	h := http.Header{}
	if e.Type != "" {
		h.Set("Content-Type", e.Type)
	}
	return &http.Response{StatusCode: e.Status, Status: http.StatusText(e.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
}

// A Recorder passes requests on and keeps what is answered.
type Recorder struct {
	Client aws.HTTPClient

	mu  sync.Mutex
	all map[Request]Exchange
}

func (rec *Recorder) Do(r *http.Request) (*http.Response, error) {
	q, err := RequestOf(r)
	if err != nil {
		return nil, err
	}
	res, err := rec.Client.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	e := Exchange{Request: q, Status: res.StatusCode, Type: res.Header.Get("Content-Type")}
	if json.Valid(body) {
		e.JSON = body
	} else {
		e.Body = string(body)
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.all == nil {
		rec.all = map[Request]Exchange{}
	}
	rec.all[q] = e
	return e.response(r), nil
}

// Save writes what was recorded of some operations, one exchange a line, in a fixed order.
func (rec *Recorder) Save(w io.Writer, of func(op string) bool) error {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	keys := make([]Request, 0, len(rec.all))
	for q := range rec.all {
		if of(q.Op) {
			keys = append(keys, q)
		}
	}
	slices.SortFunc(keys, func(a, b Request) int {
		return cmp.Or(cmp.Compare(a.Op, b.Op), cmp.Compare(a.Region, b.Region), cmp.Compare(a.Params, b.Params))
	})
	for _, q := range keys {
		if err := out.Encode(rec.all[q]); err != nil {
			return err
		}
	}
	return nil
}

// A Replayer answers from a recording. A request that was not recorded is an error: nothing reaches the network.
type Replayer struct {
	answers map[Request]Exchange

	mu       sync.Mutex
	requests []Request
}

// Replay reads a recording.
func Replay(r io.Reader) (*Replayer, error) {
	rep := &Replayer{answers: map[Request]Exchange{}}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	for n := 1; d.More(); n++ {
		var e Exchange
		if err := d.Decode(&e); err != nil {
			return nil, fmt.Errorf("exchange %d of the recording: %w", n, err)
		}
		if _, twice := rep.answers[e.Request]; twice {
			return nil, fmt.Errorf("exchange %d of the recording: %v is there twice", n, e.Request)
		}
		rep.answers[e.Request] = e
	}
	return rep, nil
}

func (rep *Replayer) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	q, err := RequestOf(r)
	if err != nil {
		return nil, err
	}
	rep.mu.Lock()
	rep.requests = append(rep.requests, q)
	rep.mu.Unlock()
	e, ok := rep.answers[q]
	if !ok {
		return nil, unrecorded{q}
	}
	return e.response(r), nil
}

// An unrecorded request stays so: the SDK need not try again.
type unrecorded struct{ Request }

func (u unrecorded) Error() string {
	return fmt.Sprintf("nothing was recorded for %s in %s with %s", u.Op, u.Region, u.Params)
}

func (unrecorded) RetryableError() bool { return false }

// Requests returns the requests made so far.
func (rep *Replayer) Requests() []Request {
	rep.mu.Lock()
	defer rep.mu.Unlock()
	return slices.Clone(rep.requests)
}

// Exchanges returns the whole recording, in no order.
func (rep *Replayer) Exchanges() (out []Exchange) {
	for _, e := range rep.answers {
		out = append(out, e)
	}
	return out
}

// A Kind of fault.
type Kind string

const (
	Denied    Kind = "denied"
	DeniedSCP Kind = "denied-scp"
	Throttled Kind = "throttled"
	TimedOut  Kind = "timed-out"
	Truncated Kind = "truncated"  // the answer ends in the middle
	Empty     Kind = "empty"      // no body at all
	Foreign   Kind = "foreign"    // somebody else's page, with status 200
	WrongType Kind = "wrong-type" // members are not what they should be
	Broken    Kind = "broken"     // HTTP status 500 with a page
	Cut       Kind = "cut"        // the connection is reset
)

// Kinds lists all that Faults does.
var Kinds = []Kind{Denied, DeniedSCP, Throttled, TimedOut, Truncated, Empty, Foreign, WrongType, Broken, Cut}

// Faults is an HTTP client that spoils the answers of another one.
type Faults struct {
	Client aws.HTTPClient
	// Fault says what goes wrong with a request, "" for nothing.
	Fault func(Request) Kind
}

func (f *Faults) Do(r *http.Request) (*http.Response, error) {
	q, err := RequestOf(r)
	if err != nil {
		return nil, err
	}
	kind := f.Fault(q)
	switch kind {
	case "":
		return f.Client.Do(r)
	case Denied:
		return fail(r, q, 400, "AccessDeniedException", "User: arn:aws:iam::111122223333:role/scan is not authorized to perform: "+q.Op+" because no identity-based policy allows the action"), nil
	case DeniedSCP:
		return fail(r, q, 400, "AccessDeniedException", "User: arn:aws:iam::111122223333:role/scan is not authorized to perform: "+q.Op+" with an explicit deny in a service control policy"), nil
	case Throttled:
		return fail(r, q, 400, "ThrottlingException", "Rate exceeded"), nil
	case TimedOut:
		select {
		case <-r.Context().Done():
			return nil, r.Context().Err()
		case <-time.After(time.Hour):
			return nil, context.DeadlineExceeded
		}
	case Broken:
		return (&Exchange{Status: 500, Type: "text/html", Body: "<!doctype html><title>500 Internal Server Error</title>"}).response(r), nil
	case Cut:
		return nil, io.ErrUnexpectedEOF
	}
	res, err := f.Client.Do(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	e := Exchange{Status: res.StatusCode, Type: res.Header.Get("Content-Type")}
	switch kind {
	case Truncated:
		e.Body = string(body[:len(body)*2/3])
	case Empty:
	case Foreign:
		e.Type, e.Body = "text/html", "<html><body>Welcome to the hotel. Please sign in.</body></html>"
	case WrongType:
		if root := root.Find(body); isXML(r, q) && root != nil {
			e.Body = string(root) + "\x01<&></nonsense>"
		} else {
			e.Body = `["nonsense"]`
		}
	}
	return e.response(r), nil
}

// root finds the root element of an XML document.
var root = regexp.MustCompile(`<\w[^>]*>`)

// isXML reports whether a request is of a protocol whose errors are XML.
func isXML(r *http.Request, q Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || isREST(q)
}

// isREST reports whether a request is of the XML protocol of S3.
func isREST(q Request) bool {
	return strings.HasPrefix(q.Op, "s3:") || strings.HasPrefix(q.Op, "s3control:")
}

// fail answers with an error that has another code, and perhaps another status, in each protocol; that of JSON is given.
func fail(r *http.Request, q Request, status int, code, message string) *http.Response {
	codes := map[string]string{"AccessDeniedException": "AccessDenied", "ThrottlingException": "Throttling"}
	switch {
	case strings.HasPrefix(q.Op, "ec2:"):
		codes = map[string]string{"AccessDeniedException": "UnauthorizedOperation", "ThrottlingException": "RequestLimitExceeded"}
	case isREST(q):
		codes["ThrottlingException"] = "SlowDown"
		status = map[string]int{"AccessDeniedException": 403, "ThrottlingException": 503}[code]
	case !isXML(r, q):
		codes = nil
	}
	return Error(r, q, status, cmp.Or(codes[code], code), message)
}

// Error answers with an error in the form of the request's protocol.
func Error(r *http.Request, q Request, status int, code, message string) *http.Response {
	e := &Exchange{Status: status, Type: "text/xml"}
	switch {
	case strings.HasPrefix(q.Op, "ec2:"):
		e.Body = fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r-1</RequestID></Response>", code, message)
	case strings.HasPrefix(q.Op, "s3:"):
		e.Body = fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>%s</Code><Message>%s</Message><RequestId>R1</RequestId><HostId>h=</HostId></Error>", code, message)
	case isXML(r, q):
		e.Body = fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>", code, message)
	default:
		e.Type, e.Body = "application/x-amz-json-1.1", fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
	}
	res := e.response(r)
	if e.Type != "text/xml" {
		res.Header.Set("X-Amzn-Errortype", code)
	}
	return res
}
