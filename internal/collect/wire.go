package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/time/rate"
)

// A throttle is worth waiting for; an endpoint that does not answer is not. The retry quota of the SDK would turn throttles
// into lost data: it is off.
const (
	attempts       = 8
	maxBackoff     = 5 * time.Second
	HeaderTimeout  = 20 * time.Second // of an attempt, from request to the first byte of the answer
	attemptTimeout = 30 * time.Second // from request to the last byte
	tries          = 3                // attempts without an answer, or with a garbled one, that end a call
)

// An Agent is who makes the requests of a scan.
type Agent struct {
	Version string        // of the scanner, for the User-Agent header
	Limit   *rate.Limiter // for all requests of all accounts together; nil for none
	Share   float64       // of the rate that AWS was seen to throttle to take at most; 0 is 1, all of it
	Done    func(Done)    // told of each call when it has ended, from many goroutines; nil for nobody
}

// Watch returns a configuration whose clients retry with patience and are watched by the wire.
func Watch(cfg aws.Config, a Agent) (aws.Config, *Wire) {
	w := &Wire{agent: a, limiter: limiter{share: a.Share}}
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.MaxBackoff, o.RateLimiter = attempts, maxBackoff, ratelimit.None
			o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
				if isThrottle(err) {
					return aws.TrueTernary
				}
				return aws.UnknownTernary
			}))
		})
	}
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), w.add)
	return cfg, w
}

// A Wire watches the requests of all clients of an account: it paces and counts them, ends those that take too long,
// and refuses answers that the SDK would take for empty ones.
type Wire struct {
	Account string // whose requests they are, once somebody knows

	agent     Agent
	sent      atomic.Int64
	throttled atomic.Int64

	limiter limiter

	mu    sync.Mutex
	calls map[string]int // by operation, retries not counted
}

// Calls returns how often each operation was called, retries not counted.
func (w *Wire) Calls() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.calls)
}

// Release forgets the rates at which the account may be asked. What was counted stays.
func (w *Wire) Release() {
	w.limiter.mu.Lock()
	defer w.limiter.mu.Unlock()
	w.limiter.keys = nil
}

// Sent returns the number of requests sent, retries included.
func (w *Wire) Sent() int { return int(w.sent.Load()) }

// Throttled returns how many of them AWS answered with a throttle.
func (w *Wire) Throttled() int { return int(w.throttled.Load()) }

func (w *Wire) add(stack *middleware.Stack) error {
	if err := awsmiddleware.AddUserAgentKeyValue("scanner", w.agent.Version)(stack); err != nil {
		return err
	}
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("scanner:Call", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		p := paceOf(ctx)
		w.mu.Lock()
		if w.calls == nil {
			w.calls = map[string]int{}
		}
		w.calls[p.op]++
		w.mu.Unlock()
		c, start := new(call), time.Now()
		out, m, err := next.HandleInitialize(middleware.WithStackValue(ctx, callKey{}, c), in)
		if w.agent.Done != nil {
			w.agent.Done(c.done(w.Account, p, start, outcome(ctx, err)))
		}
		return out, m, err
	}), middleware.After) // the operation is known by then
	if err != nil {
		return err
	}
	// Each attempt waits, and does so before it is signed: signatures grow old.
	err = stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("scanner:Pace", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if err := w.limiter.wait(ctx, paceOf(ctx)); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		leave, err := admit(ctx) // after that: what is throttled takes nobody's place
		if err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, err
		}
		defer leave()
		if w.agent.Limit != nil {
			if err := w.agent.Limit.Wait(ctx); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, err
			}
		}
		callOf(ctx).attempts++
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		defer cancel()
		out, m, err := next.HandleFinalize(attempt, in)
		if err != nil && ctx.Err() == nil {
			err = useless(ctx, attempt, err)
		}
		return out, m, err
	}), "Retry", middleware.After)
	if err != nil {
		return err
	}
	err = stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("scanner:Count", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		w.sent.Add(1)
		out, m, err := next.HandleDeserialize(ctx, in)
		c := callOf(ctx)
		c.status = 0
		if response, ok := out.RawResponse.(*smithyhttp.Response); ok && response.Response != nil {
			c.status = response.StatusCode
		}
		var api smithy.APIError
		switch {
		case err != nil && isThrottle(err):
			w.throttled.Add(1)
			c.throttles++
			w.limiter.throttled(paceOf(ctx))
		case err == nil, errors.As(err, &api): // what AWS refuses it has let through
			w.limiter.answered(paceOf(ctx))
		}
		return out, m, err
	}), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("scanner:Answer", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, m, err := next.HandleDeserialize(ctx, in)
		if response, ok := out.RawResponse.(*smithyhttp.Response); ok && err == nil && response.StatusCode < 300 {
			body, readErr := io.ReadAll(response.Body)
			response.Body.Close()
			response.Body = io.NopCloser(bytes.NewReader(body))
			if readErr != nil {
				return out, m, fmt.Errorf("reading the answer: %w", readErr)
			}
			request, _ := in.Request.(*smithyhttp.Request)
			err = checkAnswer(paceOf(ctx).op, request, body)
		}
		return out, m, err
	}), middleware.After)
}

type callKey struct{} // of the call that a context belongs to

// A call is what the wire knows of one. Its attempts are made one after another.
type call struct {
	attempts  int
	useless   int // attempts that had no answer, or none that makes sense
	throttles int
	status    int // of the last answer
}

func callOf(ctx context.Context) *call { return middleware.GetStackValue(ctx, callKey{}).(*call) }

// A failure is an attempt whose answer never came, was cut off or is garbled: it may be worth another one.
type failure struct {
	error
	again bool
}

func (f failure) Unwrap() error        { return f.error }
func (f failure) RetryableError() bool { return f.again }

// useless marks errors of that sort, so that the SDK tries again a few times.
func useless(ctx, attempt context.Context, err error) error {
	var timeout net.Error
	var garbled *smithy.DeserializationError
	var answer answerError
	var response *smithyhttp.ResponseError
	refused := errors.As(err, &response) && response.HTTPStatusCode() >= 300 // by an endpoint that knows what it says
	switch {
	case attempt.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		err = errSilence
	case !refused && (errors.As(err, &answer) || errors.As(err, &garbled) || errors.Is(err, io.ErrUnexpectedEOF)):
	default:
		return err
	}
	c := callOf(ctx)
	c.useless++
	return failure{err, c.useless < tries}
}

var errSilence = errors.New("no answer in time")

// paceOf tells by what AWS counts the request of a context.
func paceOf(ctx context.Context) pace {
	return pace{awsmiddleware.GetRegion(ctx), strings.ToLower(strings.ReplaceAll(awsmiddleware.GetServiceID(ctx), " ", "")) + ":" + awsmiddleware.GetOperationName(ctx)}
}

// checkAnswer refuses a successful answer that is not one of the operation. The decoders of the SDK take an empty body,
// null, and any XML document whatever its root for an answer without members: a garbled list would be an empty one.
func checkAnswer(op string, request *smithyhttp.Request, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return answerError("the answer is empty")
	}
	want := roots[op]
	if request != nil && strings.HasPrefix(request.Header.Get("Content-Type"), "application/x-www-form-urlencoded") { // query and EC2 protocol
		want = op[strings.Index(op, ":")+1:] + "Response"
	}
	if want != "" {
		return checkXML(want, bytes.TrimSpace(body))
	}
	if request != nil && request.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		if body[0]>>5 != 5 { // RFC 8949, section 3.1: major type 5 is a map
			return answerError("the answer is no CBOR map")
		}
		return nil
	}
	if trimmed := bytes.TrimSpace(body); trimmed[0] != '{' || !json.Valid(trimmed) {
		return answerError("the answer is no JSON object")
	}
	return nil
}

// checkXML refuses what is not a whole XML document with this root, or one of several: "a|b".
func checkXML(want string, body []byte) error {
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		token, err := d.Token()
		if err != nil {
			return answerError("the answer is no XML document: " + err.Error())
		}
		root, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		names := strings.Split(want, "|")
		if !slices.Contains(names, root.Name.Local) {
			return answerError("the answer is a <" + root.Name.Local + ">, not a <" + names[0] + ">")
		}
		if bytes.HasSuffix(body, []byte("/>")) { // <VersioningConfiguration/> is whole if nothing else is in it
			token, _ = d.Token()
			_, ok = token.(xml.EndElement)
		}
		if !ok || !bytes.HasSuffix(body, []byte(root.Name.Local+">")) && !bytes.HasSuffix(body, []byte("/>")) {
			return answerError("the answer is cut off")
		}
		return nil
	}
}

// roots are the root elements of XML answers whose protocol does not derive them from the operation: REST, of S3. Source:
// API reference, "Response Syntax" of each operation. GetBucketPolicy is not among them, as it answers with the JSON of the policy.
var roots = map[string]string{
	"s3:GetBucketAcl":                    "AccessControlPolicy",
	"s3:GetBucketLifecycleConfiguration": "LifecycleConfiguration",
	"s3:GetBucketLogging":                "BucketLoggingStatus",
	"s3:GetBucketOwnershipControls":      "OwnershipControls",
	"s3:GetBucketTagging":                "Tagging",
	"s3:GetBucketVersioning":             "VersioningConfiguration|GetBucketVersioningResponse", // the second by moto, with the same content
	"s3:GetPublicAccessBlock":            "PublicAccessBlockConfiguration",
	"s3:ListBuckets":                     "ListAllMyBucketsResult",
	"s3control:GetPublicAccessBlock":     "PublicAccessBlockConfiguration",
}

// An answerError is a successful answer that is none.
type answerError string

func (e answerError) Error() string { return string(e) }
