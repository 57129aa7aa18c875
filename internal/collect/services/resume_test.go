package services_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/awstest"
	"awsscanner/internal/collect"
	"awsscanner/internal/collect/services"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/demo"
	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/kinds"
)

// A scan that goes on from the cells of another asks for nothing that these tell, and comes to the same snapshot.
func TestResume(t *testing.T) {
	plan, err := collect.NewPlan(services.All, kinds.All, everything())
	if err != nil {
		t.Fatal(err)
	}
	// run reads the account, keeps the cells in a journal as a scan does, and returns them, the snapshot and the requests.
	run := func(known []engine.Cell) (cells []engine.Cell, snapshot string, requests []string) {
		t.Helper()
		client := account(t).(*awstest.Replayer)
		sess, err := session.Open(t.Context(), awstest.Config("eu-central-1", client), collect.Agent{Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		h := engine.Header{Partition: sess.Partition, Start: demo.Start, Listed: plan.Kinds}
		var places []collect.At
		for _, region := range sess.Regions(t.Context()).Enabled {
			places = append(places, sess.At(region, demo.Start))
			h.Read = append(h.Read, model.Place{Account: sess.Account, Region: region})
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "journal"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		j, err := engine.NewJournal(f, h, kinds.All, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range known {
			if err := j.Append(c); err != nil {
				t.Fatal(err)
			}
		}
		reopen := func() []engine.Cell { // as a scan does that goes on
			t.Helper()
			_, err := f.Seek(0, io.SeekStart)
			if err == nil {
				j, err = engine.OpenJournal(f, kinds.All)
			}
			var earlier []engine.Cell
			if err == nil {
				earlier, err = j.Earlier(sess.Account)
			}
			if err != nil {
				t.Fatal(err)
			}
			return earlier
		}
		if known = reopen(); known != nil {
			if err := j.Begin(h); err != nil {
				t.Fatal(err)
			}
		}
		before := len(client.Requests())
		s := engine.NewSnapshot(h)
		(&collect.Reading{Plan: plan, Known: known, Finished: func(c engine.Cell) {
			if err := j.Append(c); err != nil {
				t.Error(err)
			}
		}}).Run(t.Context(), places, s)
		for _, q := range client.Requests()[before:] {
			requests = append(requests, q.Op+" "+q.Region+" "+q.Params)
		}
		r, err := j.Snapshot(engine.End{})
		if err != nil {
			t.Fatal(err)
		}
		whole, err := engine.Load(r, kinds.All)
		if err != nil {
			t.Fatal(err)
		}
		// What the journal tells is what is in memory.
		var fromJournal, fromMemory bytes.Buffer
		whole.Lines = 0
		if err := whole.Save(&fromJournal); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(&fromMemory); err != nil {
			t.Fatal(err)
		}
		if fromJournal.String() != fromMemory.String() {
			t.Errorf("the journal has\n%s\nmemory\n%s", fromJournal.String(), fromMemory.String())
		}
		return reopen(), fromMemory.String(), requests
	}
	all, want, requests := run(nil)
	if slices.Sort(requests); len(slices.Compact(slices.Clone(requests))) != len(requests) {
		t.Errorf("a request is made twice: %q", requests)
	}
	check := func(known []engine.Cell) (made []string) {
		t.Helper()
		_, got, made := run(known)
		if got != want {
			t.Errorf("with %d cells known: got\n%s\nwant\n%s", len(known), got, want)
		}
		for _, q := range made {
			if !slices.Contains(requests, q) {
				t.Errorf("with %d cells known there is a request of which the other scan had no need: %s", len(known), q)
			}
		}
		return made
	}
	if made := check(all); len(made) > 0 {
		t.Errorf("although everything is known, it asks %q", made)
	}
	// All but one: its calls are made, and no others.
	for i, c := range all {
		made := check(slices.Delete(slices.Clone(all), i, i+1))
		for _, q := range made {
			op, rest, _ := strings.Cut(q, " ")
			region, _, _ := strings.Cut(rest, " ")
			if !fills(c.Service, op) || c.Region != "" && region != c.Region {
				t.Errorf("without the cell %s %s it asks %s", c.Service, c.Region, q)
			}
		}
	}
	// Any cells, as a scan may be killed at any time.
	for range 40 {
		known := slices.DeleteFunc(slices.Clone(all), func(engine.Cell) bool { return rand.IntN(2) == 0 })
		check(known)
	}
	// What was asked for other rules, or failed for a moment, is asked again.
	i := slices.IndexFunc(all, func(c engine.Cell) bool { return c.Service == "sqs" && len(c.Resources) > 0 })
	other := slices.Clone(all)
	other[i].Plan = "another"
	if made := check(other); len(made) == 0 {
		t.Error("a cell of another plan is taken over")
	}
	other = slices.Clone(all)
	other[i].Resources = slices.Clone(other[i].Resources)
	q := model.Clone(other[i].Resources[0])
	q.About().Gaps = append(q.About().Gaps, &model.Gap{Reason: model.Throttled, Call: "sqs:GetQueueAttributes"})
	other[i].Resources[0] = q
	if made := check(other); len(made) == 0 {
		t.Error("a cell with a throttled call is taken over")
	}
}

// fills reports whether an operation, of whatever service, lists or fills the kinds of a service.
func fills(service, op string) bool {
	for _, t := range kinds.All {
		is := func(call string) bool { return t.Service() == service && model.Operation(call) == op }
		if is(t.List) || slices.ContainsFunc(t.Attrs, func(a model.Attribute) bool { return slices.ContainsFunc(a.Calls, is) }) {
			return true
		}
	}
	return false
}
