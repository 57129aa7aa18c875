package awstest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Synthetic serves made-up accounts of any size over HTTP, in the wire formats of AWS: the other end of benchmarks, and of
// tests that need a socket. It takes the account from the access key, region and service from the scope of the signature, which
// it does not verify, and the operation from where the protocol has it. All content follows from the seed and is made while it
// is asked for; what it remembers is a few bytes for each request. Its fields must not change once it serves.
type Synthetic struct {
	Seed      uint64
	Accounts  int            // of the organization, whose first account manages it; 0 for a single one
	Regions   []string       // that are enabled
	Resources map[string]int // in each region of each account, by type: "AWS::SQS::Queue"
	Start     time.Time      // from which ages and expiries count; zero for the beginning of the day

	Latency func(Request) time.Duration // before each answer; nil for none
	Buckets map[string]Bucket           // for each account, region and operation; by "ec2:DescribeVolumes", or "ec2" for each other one of ec2
	Faults  []Fault                     // the first that fits a request counts
	Expire  time.Duration               // after which the credentials of assumed roles end; 0: when the caller asks for it

	seen counters
}

// A Bucket is a token bucket, by which AWS throttles: it holds Burst requests, and Rate are added each second.
type Bucket struct{ Rate, Burst float64 }

// A Fault is something that goes wrong with the requests that fit all of its conditions.
type Fault struct {
	Kind     Kind
	Account  string
	Op       string  // glob: "sqs:*"
	Region   string  // glob
	Resource string  // a part of the parameters
	Page     int     // of a list, from 1
	First    int     // only these many attempts of each request
	Share    float64 // of the attempts, picked by the seed; 0 for all

	Rate  int           // of a Slow answer, in bytes a second
	Stall time.Duration // until a TimedOut answer comes after all; 0 for never
}

// Faults that only Synthetic knows.
const (
	Expired Kind = "expired" // the credentials have ended
	Slow    Kind = "slow"    // the answer trickles
)

// What Synthetic refuses by itself.
const (
	unknownKey Kind = "unknown-key"
	unknownOp  Kind = "unknown-operation"
)

const firstAccount = 111122220001

// Account returns the ID of an account, from 0.
func (s *Synthetic) Account(i int) string { return strconv.Itoa(firstAccount + i) }

// Key returns an access key ID of an account that does not expire. Any secret fits.
func (s *Synthetic) Key(account string) string { return "AKIA" + account + "0000" }

func (s *Synthetic) has(account string) bool {
	n, err := strconv.Atoi(account)
	return err == nil && n >= firstAccount && n < firstAccount+max(1, s.Accounts)
}

func (s *Synthetic) start() time.Time {
	if s.Start.IsZero() {
		return time.Now().UTC().Truncate(24 * time.Hour)
	}
	return s.Start
}

// hash is a number that looks random but depends on the seed, the texts and the number alone.
func (s *Synthetic) hash(n int, texts ...string) uint64 {
	h := 14695981039346656037 ^ s.Seed // FNV-1a, and the finish of SplitMix64
	for _, text := range texts {
		for _, c := range []byte(text) {
			h = (h ^ uint64(c)) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	h += uint64(n) * 0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

func (s *Synthetic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.seen.arrive()
	defer s.seen.leave()
	c, err := s.read(r)
	if err != nil { // it cannot even be said in which protocol
		http.Error(w, "synthetic: "+err.Error(), http.StatusBadRequest)
		return
	}
	if s.Latency != nil && !sleep(r.Context(), s.Latency(c.Request)) {
		return
	}
	attempt := s.seen.attempt(c)
	kind, answer, refused := s.admit(c), object(nil), (*refusal)(nil)
	var fault Fault
	if kind == "" {
		answer, refused, kind = c.run() // which tells the page as well
		if fault = s.fault(c, attempt); fault.Kind != "" {
			kind = fault.Kind
		}
	}
	if said := c.refuse(kind); said != nil {
		refused = said
	}
	s.seen.count(c, kind, refused)
	status, body := http.StatusOK, []byte(nil)
	if refused == nil {
		body = c.encode(answer)
	} else {
		status, body = refused.status, c.encodeError(refused, w.Header())
	}
	c.write(w, r, status, body, fault)
}

// admit says why AWS does not look at a request, in the order in which it checks: who is calling, and how often.
func (s *Synthetic) admit(c *call) Kind {
	end, err := strconv.ParseInt(c.ends, 36, 64)
	switch {
	case err != nil, !s.has(c.account), !slices.Contains(s.Regions, c.region) && slices.Contains(optIn, c.region):
		return unknownKey
	case end > 0 && time.Now().Unix() >= end:
		return Expired
	}
	b, ok := s.Buckets[c.Op]
	if !ok {
		b, ok = s.Buckets[c.name]
	}
	if ok && !s.seen.allow(c, b) {
		return Throttled
	}
	return ""
}

// fault returns what goes wrong with a request, the zero Fault for nothing.
func (s *Synthetic) fault(c *call, attempt int) Fault {
	fits := func(glob, text string) bool { ok, _ := path.Match(glob, text); return ok || glob == "" }
	for i, f := range s.Faults {
		if fits(f.Op, c.Op) && fits(f.Region, c.region) && fits(f.Account, c.account) && strings.Contains(c.Params, f.Resource) &&
			(f.Page == 0 || f.Page == c.page) && (f.First == 0 || attempt <= f.First) &&
			(f.Share == 0 || float64(s.hash(attempt, c.account, c.region, c.Op, c.Params, strconv.Itoa(i))>>11)/(1<<53) < f.Share) {
			return f
		}
	}
	return Fault{}
}

// write writes an answer as a fault leaves it.
func (c *call) write(w http.ResponseWriter, r *http.Request, status int, body []byte, f Fault) {
	w.Header().Set("Content-Type", c.contentType)
	if c.protocol == rpcCBOR {
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	}
	switch f.Kind {
	case Cut:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				tcp.SetLinger(0) // reset, rather than closed in order
			}
			conn.Close()
		}
		return
	case TimedOut:
		if f.Stall == 0 {
			<-r.Context().Done()
			return
		}
		if !sleep(r.Context(), f.Stall) {
			return
		}
	case Slow:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		for part := range slices.Chunk(body, max(1, f.Rate/10)) {
			w.Write(part)
			http.NewResponseController(w).Flush()
			if !sleep(r.Context(), time.Second/10) {
				return
			}
		}
		return
	case Truncated:
		body = body[:len(body)*2/3]
	case Empty:
		body = nil
	case Foreign:
		w.Header().Set("Content-Type", "text/html")
		body = []byte("<html><body>Welcome to the hotel. Please sign in.</body></html>")
	case WrongType:
		body = []byte(`["nonsense"]`)
	case Broken:
		w.Header().Set("Content-Type", "text/html")
		body, status = []byte("<!doctype html><title>500 Internal Server Error</title>"), http.StatusInternalServerError
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

// refuse returns how a protocol says no, or nil for a kind that is no refusal. Messages are those of AWS.
func (c *call) refuse(k Kind) *refusal {
	r, ok := refusals[k][c.protocol]
	if !ok {
		return nil
	}
	if special, known := exceptions[c.name][k]; known {
		r = special
	}
	action := c.service + ":" + c.action
	denied := fmt.Sprintf("User: %s is not authorized to perform: %s ", c.caller(), action)
	switch k {
	case Throttled:
		r.message = "Rate exceeded"
	case Denied:
		r.message = denied + "because no identity-based policy allows the " + action + " action"
	case DeniedSCP:
		r.message = denied + "with an explicit deny in a service control policy"
	case Expired:
		r.message = "The security token included in the request is expired"
	case unknownKey:
		r.message = "The security token included in the request is invalid."
	case unknownOp:
		r.message = "The action " + c.action + " is not valid for this web service."
	}
	return &r
}

// sleep waits, and reports whether the request is still wanted.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
