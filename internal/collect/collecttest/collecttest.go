// Package collecttest serves canned AWS answers to collectors under test.
package collecttest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// Account is the one that is scanned, at Start.
const Account = "111122223333"

// Start is the time of the scan.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Run collects what reads needs from some regions, with a real SDK client. It returns the snapshot as text, and the
// requests made as "region op", sorted. The function answers them: params are the request's JSON with sorted keys, its
// sorted form, or its path and query. An answer that starts with '!' is an error code and message; XML answers come without
// the root, but for those of S3, where it says something.
func Run(t *testing.T, service collect.Service, reads, regions []string, answer func(region, op, params string) string) (snapshot string, requests []string) {
	t.Helper()
	plan, err := collect.NewPlan([]collect.Service{service}, kinds.All, reads)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	client := roundTrip(func(r *http.Request) (*http.Response, error) {
		q, err := awstest.RequestOf(r)
		if err != nil {
			return nil, err
		}
		op := q.Op[strings.Index(q.Op, ":")+1:]
		mu.Lock()
		requests = append(requests, q.Region+" "+op)
		mu.Unlock()
		body := answer(q.Region, op, q.Params)
		if e, ok := strings.CutPrefix(body, "!"); ok {
			code, message, _ := strings.Cut(e, " ")
			return awstest.Error(r, q, 400, code, message), nil
		}
		switch isForm := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"); {
		case isForm && strings.HasPrefix(q.Op, "ec2:"):
			body = fmt.Sprintf("<%[1]sResponse>%[2]s</%[1]sResponse>", op, body)
		case isForm:
			body = fmt.Sprintf("<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", op, body)
		}
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {r.Header.Get("Content-Type")}},
			Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
	})
	var places []collect.At
	h := engine.Header{Partition: "aws", Start: Start}
	for _, region := range regions {
		p := model.Place{Account: Account, Region: region}
		h.Read = append(h.Read, p)
		cfg, _ := collect.Watch(awstest.Config(region, client), collect.Agent{Version: "test"})
		places = append(places, collect.At{Place: p, Partition: "aws", Start: Start, Config: cfg})
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
	got := strings.Split(strings.TrimSpace(snapshot), "\n")
	got = got[1 : len(got)-1] // without header and end
	for _, l := range lines {
		if !slices.Contains(got, l) {
			t.Errorf("missing    %s", l)
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
