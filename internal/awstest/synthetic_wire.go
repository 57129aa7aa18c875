package awstest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// A protocol is how AWS services write requests, answers and errors. Source: the protocol specifications at smithy.io,
// "AWS protocols" and "Smithy RPC v2 CBOR", and what the SDK's decoders of errors look at.
type protocol int

const (
	awsJSON  protocol = iota // 1.0 and 1.1: operation in X-Amz-Target
	query                    // a form; XML with a result inside the response
	ec2Query                 // a form; XML without a result
	restJSON                 // operation in method and path
	restXML
	s3XML // REST XML whose errors are not wrapped
	rpcCBOR
)

// An object is an answer, or a part of one, with its members in order. Values are string, bool, int, time.Time, object, []string
// and []object; members without a value are left out. In REST XML the root is the only member, and a list is members of one name.
type object []member

type member struct {
	name  string
	value any
}

// A refusal is an error of AWS.
type refusal struct {
	status  int
	code    string // with the namespace of the shape where AWS sends it
	message string
	query   string // code that came before JSON: in X-Amzn-Query-Error of services that once spoke query
}

// refusals are what AWS answers before a service looks at a request. Sources: "Common error types" in the API reference of each
// service; "Error codes for the Amazon EC2 API"; "Error responses" of S3; of REST JSON, the errors of Lambda and Account Management.
var refusals = map[Kind]map[protocol]refusal{
	Throttled: {awsJSON: {status: 400, code: "ThrottlingException"}, query: {status: 400, code: "Throttling"}, ec2Query: {status: 503, code: "RequestLimitExceeded"},
		restJSON: {status: 429, code: "TooManyRequestsException"}, restXML: {status: 400, code: "Throttling"}, s3XML: {status: 503, code: "SlowDown"},
		rpcCBOR: {status: 400, code: "ThrottlingException"}},
	Denied:    denied,
	DeniedSCP: denied,
	Expired: {awsJSON: {status: 400, code: "ExpiredTokenException"}, query: {status: 403, code: "ExpiredToken"}, ec2Query: {status: 400, code: "RequestExpired"},
		restJSON: {status: 403, code: "ExpiredTokenException"}, restXML: {status: 403, code: "ExpiredToken"}, s3XML: {status: 400, code: "ExpiredToken"},
		rpcCBOR: {status: 400, code: "ExpiredTokenException"}},
	unknownKey: {awsJSON: {status: 400, code: "UnrecognizedClientException"}, query: {status: 403, code: "InvalidClientTokenId"}, ec2Query: {status: 401, code: "AuthFailure"},
		restJSON: {status: 403, code: "UnrecognizedClientException"}, restXML: {status: 403, code: "InvalidClientTokenId"}, s3XML: {status: 403, code: "InvalidAccessKeyId"},
		rpcCBOR: {status: 400, code: "UnrecognizedClientException"}},
	unknownOp: {awsJSON: {status: 400, code: "UnknownOperationException"}, query: {status: 400, code: "InvalidAction"}, ec2Query: {status: 400, code: "InvalidAction"},
		restJSON: {status: 404, code: "UnknownOperationException"}, restXML: {status: 404, code: "InvalidAction"}, s3XML: {status: 405, code: "MethodNotAllowed"},
		rpcCBOR: {status: 404, code: "UnknownOperationException"}},
}

var denied = map[protocol]refusal{awsJSON: {status: 400, code: "AccessDeniedException"}, query: {status: 403, code: "AccessDenied"}, ec2Query: {status: 403, code: "UnauthorizedOperation"},
	restJSON: {status: 403, code: "AccessDeniedException"}, restXML: {status: 403, code: "AccessDenied"}, s3XML: {status: 403, code: "AccessDenied"},
	rpcCBOR: {status: 400, code: "AccessDeniedException"}}

// exceptions are services with codes of their own. Sources: errors of ListQueues in the SQS API reference, of
// ListAccounts in that of Organizations.
var exceptions = map[string]map[Kind]refusal{
	"sqs":           {Throttled: {status: 400, code: "com.amazonaws.sqs#RequestThrottled", query: "RequestThrottled"}},
	"organizations": {Throttled: {status: 400, code: "TooManyRequestsException"}},
}

// names are services that the scanner knows by another name than the one they sign with.
var names = map[string]string{"logs": "cloudwatchlogs", "monitoring": "cloudwatch"}

// xmlServices speak REST XML.
var xmlServices = map[string]protocol{"s3": s3XML, "route53": restXML, "cloudfront": restXML}

// A call is a request as it was understood.
type call struct {
	place
	Request
	protocol
	service     string // "logs"
	name        string // "cloudwatchlogs"
	action      string // "DescribeLogGroups"
	version     string // of a form
	contentType string // of the answer
	ends        string // when the credentials do: Unix time to base 36, 0 for never
	params      map[string]any
	page        int // of a list, from 1
}

func (c *call) hash() uint64 { return c.s.hash(0, c.account, c.region, c.Op, c.Params) }

// text returns a parameter, "" if it was not given.
func (c *call) text(name string) string {
	switch v := c.params[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// read finds out who asks what where. Whether that makes sense is decided later, when it can be said in the right protocol.
func (s *Synthetic) read(r *http.Request) (*call, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	scope := strings.Split(credential, "/")
	if len(scope) != 5 {
		return nil, errors.New("the request is not signed with a scope of key, day, region, service and aws4_request")
	}
	c := &call{place: place{s: s, region: scope[2]}, service: scope[3], params: map[string]any{}}
	if key := scope[0]; len(key) > 16 { // AKIA or ASIA, the account, and when it ends
		c.account, c.ends = key[4:16], key[16:]
	}
	c.name = cmp.Or(names[c.service], c.service)
	c.contentType = r.Header.Get("Content-Type")
	switch target := r.Header.Get("X-Amz-Target"); {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor": // /service/X/operation/Y
		c.protocol, c.action, c.contentType = rpcCBOR, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], "application/cbor"
		var v cbor.Value
		if len(body) > 0 {
			if v, err = cbor.Decode(body); err != nil {
				return nil, err
			}
		}
		c.params, _ = plain(v).(map[string]any)
	case target != "":
		c.protocol, c.action = awsJSON, target[strings.LastIndexByte(target, '.')+1:]
		err = decode(body, &c.params)
	case strings.HasPrefix(c.contentType, "application/x-www-form-urlencoded"):
		c.protocol, c.contentType = query, "text/xml"
		if c.service == "ec2" {
			c.protocol, c.contentType = ec2Query, "text/xml;charset=UTF-8"
		}
		form, bad := url.ParseQuery(string(body))
		err = bad
		for k := range form {
			c.params[k] = form.Get(k)
		}
		c.action, c.version = form.Get("Action"), form.Get("Version")
		delete(c.params, "Action")
		delete(c.params, "Version")
	default:
		var isXML bool
		if c.protocol, isXML = xmlServices[c.service]; isXML {
			c.contentType = "application/xml"
		} else {
			c.protocol, c.contentType = restJSON, "application/json"
			err = decode(body, &c.params)
		}
		c.action = r.Method + " " + r.URL.Path // unless a route leads on
		for k, v := range r.URL.Query() {
			c.params[k] = v[0]
		}
		for op, o := range operations {
			if values, ok := o.takes(c.name, op, r); ok {
				c.action = op[strings.IndexByte(op, ':')+1:]
				for k, v := range values {
					c.params[k] = v
				}
			}
		}
	}
	if err != nil {
		return nil, err
	}
	params, err := json.Marshal(c.params) // sorted
	c.Request = Request{Op: c.name + ":" + c.action, Region: c.region, Params: string(params)}
	return c, err
}

func decode(body []byte, into any) error {
	if len(body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return d.Decode(into)
}

// takes reports whether a route leads from a REST request to an operation, and the values in its path. A route is as
// "GET /{Bucket}?policy": a method, a path, and a parameter if it is that which tells the operation.
func (o operation) takes(service, op string, r *http.Request) (values map[string]string, ok bool) {
	method, route, _ := strings.Cut(o.route, " ")
	if method != r.Method || !strings.HasPrefix(op, service+":") {
		return nil, false
	}
	route, parameter, _ := strings.Cut(route, "?")
	if parameter != "" && !r.URL.Query().Has(parameter) {
		return nil, false
	}
	want, got := strings.Split(route, "/"), strings.Split(r.URL.Path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	values = map[string]string{}
	for i, w := range want {
		if label, is := strings.CutPrefix(w, "{"); is && got[i] != "" {
			values[strings.TrimSuffix(label, "}")] = got[i]
		} else if w != got[i] {
			return nil, false
		}
	}
	return values, true
}

// encode writes an answer.
func (c *call) encode(o object) []byte {
	switch c.protocol {
	case query:
		return xmlDocument(object{{c.action + "Response", object{{c.action + "Result", o}, {"ResponseMetadata", object{{"RequestId", c.requestID()}}}}}}, c.namespace())
	case ec2Query:
		return xmlDocument(object{{c.action + "Response", append(object{{"requestId", c.requestID()}}, o...)}}, c.namespace())
	case restXML, s3XML:
		return xmlDocument(o, "")
	case rpcCBOR:
		return appendCBOR(nil, o)
	}
	return appendJSON(nil, o)
}

func (c *call) namespace() string {
	return "http://" + c.service + ".amazonaws.com/doc/" + c.version + "/"
}

func (c *call) requestID() string {
	return fmt.Sprintf("5e5b1d00-0000-4000-8000-%012x", c.s.seen.requestID())
}

// encodeError writes an error, which some protocols have in the header as well.
func (c *call) encodeError(e *refusal, header http.Header) []byte {
	id := c.requestID()
	header.Set("X-Amzn-Requestid", id)
	if e.query != "" {
		header.Set("X-Amzn-Query-Error", e.query+";Sender")
	}
	err := object{{"Code", e.code}, {"Message", e.message}}
	switch c.protocol {
	case query, restXML:
		return xmlDocument(object{{"ErrorResponse", object{{"Error", append(object{{"Type", "Sender"}}, err...)}, {"RequestId", id}}}}, c.namespace())
	case ec2Query:
		return xmlDocument(object{{"Response", object{{"Errors", object{{"Error", err}}}, {"RequestID", id}}}}, "")
	case s3XML:
		return xmlDocument(object{{"Error", append(err, member{"RequestId", id})}}, "")
	case restJSON:
		header.Set("X-Amzn-Errortype", e.code)
		return appendJSON(nil, object{{"message", e.message}})
	case rpcCBOR:
		return appendCBOR(nil, object{{"__type", e.code}, {"message", e.message}})
	}
	return appendJSON(nil, object{{"__type", e.code}, {"message", e.message}})
}

// appendJSON writes times as seconds, as JSON protocols do unless a member says otherwise.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case object:
		b = append(b, '{')
		for _, m := range v {
			if m.value != nil {
				b = appendJSON(append(appendJSON(b, m.name), ':'), m.value)
				b = append(b, ',')
			}
		}
		return append(bytes.TrimSuffix(b, []byte(",")), '}')
	case []object:
		return append(list(append(b, '['), v, ",", appendJSON), ']')
	case []string:
		return append(list(append(b, '['), v, ",", appendJSON), ']')
	case time.Time:
		return strconv.AppendFloat(b, float64(v.UnixMilli())/1000, 'f', -1, 64)
	default:
		text, _ := json.Marshal(v) // of a string, a bool or an int
		return append(b, text...)
	}
}

func list[T any](b []byte, items []T, between string, write func([]byte, any) []byte) []byte {
	for i, item := range items {
		if i > 0 {
			b = append(b, between...)
		}
		b = write(b, item)
	}
	return b
}

// appendCBOR writes maps and lists without their length, as RFC 8949 section 3.2.2 allows, and times as tag 1.
func appendCBOR(b []byte, v any) []byte {
	const aMap, aList, end = 0xbf, 0x9f, 0xff
	switch v := v.(type) {
	case object:
		b = append(b, aMap)
		for _, m := range v {
			if m.value != nil {
				b = appendCBOR(appendCBOR(b, m.name), m.value)
			}
		}
		return append(b, end)
	case []object:
		return append(list(append(b, aList), v, "", appendCBOR), end)
	case []string:
		return append(list(append(b, aList), v, "", appendCBOR), end)
	case time.Time:
		return append(b, cbor.Encode(&cbor.Tag{ID: 1, Value: cbor.Float64(float64(v.UnixMilli()) / 1000)})...)
	case int:
		return append(b, cbor.Encode(cbor.Uint(v))...)
	case bool:
		return append(b, cbor.Encode(cbor.Bool(v))...)
	default:
		return append(b, cbor.Encode(cbor.String(fmt.Sprint(v)))...)
	}
}

// xmlDocument writes a root element, with a namespace unless it is "". Elements of lists are called member, or item in EC2.
func xmlDocument(root object, namespace string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	item := "member"
	if strings.HasPrefix(namespace, "http://ec2.") {
		item = "item"
	}
	if namespace != "" {
		namespace = ` xmlns="` + namespace + `"`
	}
	for _, m := range root {
		b.WriteString("<" + m.name + namespace + ">")
		writeXML(&b, m.value, item)
		b.WriteString("</" + m.name + ">")
	}
	return b.Bytes()
}

func writeXML(b *bytes.Buffer, v any, item string) {
	element := func(name string, v any) {
		b.WriteString("<" + name + ">")
		writeXML(b, v, item)
		b.WriteString("</" + name + ">")
	}
	switch v := v.(type) {
	case object:
		for _, m := range v {
			if m.value != nil {
				element(m.name, m.value)
			}
		}
	case []object:
		for _, o := range v {
			element(item, o)
		}
	case []string:
		for _, s := range v {
			element(item, s)
		}
	case time.Time:
		b.WriteString(v.UTC().Format("2006-01-02T15:04:05.000Z"))
	default:
		xml.EscapeText(b, []byte(fmt.Sprint(v)))
	}
}

// some returns a text, or nothing: AWS leaves out members without a value.
func some(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// arn names a resource of a place.
func (p place) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + p.region + ":" + p.account + ":" + resource
}

// cutARN returns the parts of an ARN that tell where a resource is.
func cutARN(arn string) (region, account, resource string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return "", "", "", false
	}
	return parts[3], parts[4], parts[5], true
}
