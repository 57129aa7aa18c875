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

// Host returns the host that an operation goes to from a place, as the SDK resolves it: "sqs.eu-west-1.amazonaws.com", or
// "*.s3.eu-west-1.amazonaws.com" if the name of what it asks about comes first. Nothing is sent, and no credentials are needed. It is "" if the
// SDK knows of none, as for FIPS where there are no such endpoints.
func Host(services []Service, op string, at At) string {
	to := new(nowhere)
	at.Config.HTTPClient = to
	at.Config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	at.Config.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: nobody, SecretAccessKey: nobody}, nil
	})
	service, _, _ := strings.Cut(op, ":")
	var calls []Call
	for _, s := range services {
		for _, c := range s(at) {
			switch {
			case c.Op == op:
				calls = append([]Call{c}, calls...)
			case strings.HasPrefix(c.Op, service+":"):
				calls = append(calls, c)
			}
		}
	}
	for _, c := range calls {
		in := in{refs: []string{nobody}}
		if c.Do.of != nil {
			r := c.Do.of.New()
			*r.About() = model.Meta{ID: nobody, ARN: nobody, Name: nobody}
			in.items = []model.Resource{r}
		}
		// One that needs attributes, which are unknown here, comes to nothing: others of the service go to the same host.
		if guard(func() error { return c.Do.run(context.Background(), in, func(model.Resource) {}) }); to.host != "" {
			if rest, ok := strings.CutPrefix(to.host, nobody+"."); ok {
				return "*." + rest
			}
			return to.host
		}
	}
	return ""
}

// nobody is the name of what is asked about to find a host.
const nobody = "nobody"

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
