package collect

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/model"
)

// Host returns the host that the calls to a service go to from a place, as the SDK resolves it: "sqs.eu-west-1.amazonaws.com". Nothing is sent, and
// no credentials are needed. It is "" if the SDK knows of none, as for FIPS where there are no such endpoints.
func Host(services []Service, service string, at At) string {
	to := new(nowhere)
	at.Config.HTTPClient = to
	at.Config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	at.Config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "none", SecretAccessKey: "none"}, nil
	})
	for _, s := range services {
		for _, c := range s(at) {
			if !strings.HasPrefix(c.Op, service+":") {
				continue
			}
			in := in{refs: []string{"none"}}
			if c.Do.of != nil {
				r := c.Do.of.New()
				*r.About() = model.Meta{ID: "none", ARN: "none", Name: "none"}
				in.items = []model.Resource{r}
			}
			// One that needs attributes, which are unknown here, comes to nothing: the next one does as well.
			if guard(func() error { return c.Do.run(context.Background(), in, func(model.Resource) {}) }); to.host != "" {
				return to.host
			}
		}
	}
	return ""
}

// A nowhere keeps where a request was to go, and sends none.
type nowhere struct{ host string }

func (n *nowhere) Do(r *http.Request) (*http.Response, error) {
	n.host = r.URL.Host
	return nil, errors.New("not sent")
}

// An Extent is how much there is to read, for an estimate.
type Extent struct {
	Accounts  int
	Regions   int                  // of each account
	Resources func(model.Kind) int // of a kind, in all accounts
}

// Requests returns how many requests an operation takes at least: each further page of a list is one more.
func (p *Plan) Requests(op string, e Extent) int {
	for _, c := range p.services[p.of[op]](At{}) {
		switch {
		case c.Op != op:
		case c.Do.refs != "":
			return chunked(e.Resources(c.Do.refs), c.Do.batch)
		case c.Do.of != nil && c.Do.batch > 0:
			return chunked(e.Resources(c.Do.of.Kind), c.Do.batch)
		case c.Do.of != nil:
			return min(e.Accounts*e.Regions, e.Resources(c.Do.of.Kind))
		case c.Do.global:
			return e.Accounts
		default:
			return e.Accounts * e.Regions
		}
	}
	return 0
}

// PerResource returns the kind of which an operation takes a request for each resource or few, or "".
func (p *Plan) PerResource(op string) model.Kind {
	for _, c := range p.services[p.of[op]](At{}) {
		if c.Op == op && c.Do.refs != "" {
			return c.Do.refs
		}
		if c.Op == op && c.Do.of != nil && c.Do.batch > 0 {
			return c.Do.of.Kind
		}
	}
	return ""
}

func chunked(n, size int) int { return int(math.Ceil(float64(n) / float64(max(1, size)))) }

// Fastest returns how long requests take if AWS answers each in this time and throttles none.
func Fastest(requests int, answer time.Duration) time.Duration {
	return time.Duration(chunked(requests, concurrency)) * answer
}
