// Package collecttest serves canned AWS answers to collectors under test.
package collecttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"awsscanner/internal/collect"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// Account is the one that is scanned.
const Account = "111122223333"

// Run collects what reads needs from some regions. It returns the snapshot as text, and the requests made, sorted.
// The function answers them; an answer that starts with '!' is an error code and message.
func Run(t *testing.T, service collect.Service, reads, regions []string, answer func(region, action, body string) string) (snapshot string, requests []string) {
	t.Helper()
	plan, err := collect.NewPlan([]collect.Service{service}, kinds.All, reads)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var places []collect.At
	var h engine.Header
	for _, region := range regions {
		p := model.Place{Account: Account, Region: region}
		h.Read = append(h.Read, p)
		places = append(places, collect.At{Place: p, Partition: "aws", Config: aws.Config{
			Region:           region,
			Credentials:      credentials.NewStaticCredentialsProvider("a", "b", ""),
			RetryMaxAttempts: 1,
			HTTPClient: roundTrip(func(r *http.Request) (*http.Response, error) {
				req, _ := io.ReadAll(r.Body)
				_, action, isJSON := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
				if !isJSON { // the query protocol
					form, _ := url.ParseQuery(string(req))
					action = form.Get("Action")
				}
				mu.Lock()
				requests = append(requests, region+" "+action)
				mu.Unlock()
				body, status := answer(region, action, string(req)), 200
				if e, ok := strings.CutPrefix(body, "!"); ok {
					code, message, _ := strings.Cut(e, " ")
					body, status = fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message), 400
					if !isJSON {
						body = fmt.Sprintf("<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>", code, message)
					}
				}
				return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {r.Header.Get("Content-Type")}},
					Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
			}),
		}})
	}
	s := engine.NewSnapshot(h)
	plan.Run(t.Context(), places, s)
	var got bytes.Buffer
	if err := s.Save(&got); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Load(bytes.NewReader(got.Bytes()), kinds.All); err != nil {
		t.Errorf("what was saved cannot be loaded: %v", err)
	}
	t.Log("\n" + got.String())
	slices.Sort(requests)
	return got.String(), requests
}

// Want reports lines that the snapshot lacks, and anything else about resources and holes in it.
func Want(t *testing.T, snapshot string, lines ...string) {
	t.Helper()
	got := strings.Split(strings.TrimSpace(snapshot), "\n")[1:]
	for _, l := range lines {
		if !slices.Contains(got, l) {
			t.Errorf("missing %s", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(lines, l) {
			t.Errorf("unexpected %s", l)
		}
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) Do(r *http.Request) (*http.Response, error) { return f(r) }
