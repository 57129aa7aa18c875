package demo

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
	"awsscanner/rules"
)

var record = flag.String("record", "", "record account/recorded.jsonl at this `URL`, where seed.py serves the account")

// regions are those that acme uses.
var regions = []string{"eu-central-1", "eu-west-1", "us-east-1"}

// TestRecord makes a new recording if it is told where. Like any other, edit.py then has to correct it.
func TestRecord(t *testing.T) {
	if *record == "" {
		return
	}
	written := writtenByHand(t)
	recorder := &awstest.Recorder{Client: http.DefaultClient}
	cfg := awstest.Config(home, recorder)
	cfg.BaseEndpoint = record
	scan(t, cfg)
	f, err := os.Create("account/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := recorder.Save(f, func(op string) bool { return !written[op] }); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// scan reads for all rules what the account has in its regions.
func scan(t *testing.T, cfg aws.Config) *engine.Snapshot {
	t.Helper()
	sess, err := session.Open(t.Context(), cfg, collect.Agent{Version: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	found := sess.Regions(t.Context())
	if found.Gap != nil {
		t.Fatalf("regions: %v", found.Gap)
	}
	h := engine.Header{Partition: sess.Partition, Start: Start, Caller: sess.Caller}
	var places []collect.At
	for _, region := range found.Enabled {
		if slices.Contains(regions, region) { // the emulator has more
			at := sess.At(region, Start)
			places, h.Read = append(places, at), append(h.Read, at.Place)
		}
	}
	for _, region := range found.Off {
		h.Skipped = append(h.Skipped, engine.Skip{Place: model.Place{Account: sess.Account, Region: region}, Reason: model.NotEnabled})
	}
	var reads [][]string
	for _, r := range rules.All {
		t := r.Check.Subject
		reads = append(reads, slices.Concat(r.Needs(), engine.OwnerReads(t, kinds.All)))
		for _, a := range t.Attrs {
			if a.Name == "Tags" { // as with --tag
				reads = append(reads, []string{t.Name + ".Tags"})
			}
		}
	}
	plan, err := collect.NewPlan(services.All, kinds.All, reads...)
	if err != nil {
		t.Fatal(err)
	}
	s := engine.NewSnapshot(h)
	plan.Run(t.Context(), places, s)
	return s
}

// writtenByHand returns the operations whose answers stand in files of their own.
func writtenByHand(t *testing.T) map[string]bool {
	t.Helper()
	ops := map[string]bool{}
	files, err := filepath.Glob("account/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if filepath.Base(name) == "recorded.jsonl" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var e awstest.Exchange
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ops[e.Op] = true
		}
	}
	return ops
}
