package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/notify"
	"awsscanner/internal/store"
)

const shop = `{"schema":"scanner.snapshot/v1","tool":"0.1.0","partition":"aws","start":"2026-01-0DT12:00:00Z","caller":"arn:aws:sts::111122223333:assumed-role/audit/me","read":[{"account":"111122223333","region":"eu-west-1"}],"listed":["AWS::KMS::Key","AWS::SQS::Queue"],"rules":["sqs-queue-dead-letter-queue"]}
{"kind":"AWS::SQS::Queue","id":"https://sqs.eu-west-1.amazonaws.com/111122223333/orders","arn":"arn:aws:sqs:eu-west-1:111122223333:orders","name":"orders","account":"111122223333","region":"eu-west-1","deadLetterArn":"","maxReceives":0,"redriveAllow":""}
{"end":{"finished":"2026-01-0DT12:00:09Z","calls":9,"lines":1}}
`

// The service announces what scans have found, also those that were recorded before it started, and tells channels and Security Hub.
func TestServeTells(t *testing.T) {
	home := t.TempDir()
	for name, value := range map[string]string{"XDG_STATE_HOME": home, "HOME": home, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "HOOK": "sesame"} {
		t.Setenv(name, value)
	}
	hubs := new(hub)
	aws := httptest.NewServer(hubs)
	defer aws.Close()
	t.Setenv("AWS_ENDPOINT_URL", aws.URL)
	var mu sync.Mutex
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var m notify.Message
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		text := strings.TrimPrefix(r.URL.Path+" ", "/ ") + string(m.Kind)
		for _, f := range m.Findings {
			text += " " + string(f.Event) + " " + f.Resource.Name
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, text)
	}))
	defer hook.Close()
	s, err := store.Open(t.Context(), filepath.Join(home, "data"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	k := &keeper{store: s, log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	record := func(day string, gone bool) {
		t.Helper()
		file := filepath.Join(home, "day"+day+".jsonl")
		text := strings.ReplaceAll(shop, "2026-01-0D", "2026-01-0"+day)
		if gone {
			lines := strings.SplitAfter(text, "\n")
			text = lines[0] + strings.ReplaceAll(lines[2], `"lines":1`, `"lines":0`)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		rec, err := openRecording(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		sel := (&configured{none: true}).again()
		picked, err := rec.rules(sel)
		if err != nil {
			t.Fatal(err)
		}
		x := store.Scan{ID: store.NewID(), Stream: "adhoc", Cause: "command", Created: time.Now()}
		if err := s.Begin(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if err := k.record(t.Context(), x, &scanning{sel: *sel, picked: picked}, rec.scan, func() (io.ReadCloser, error) { return openFile(t.Context(), file) }); err != nil {
			t.Fatal(err)
		}
	}
	record("1", false)
	record("2", true)
	cfgFile := filepath.Join(home, "notify.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(cfgFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first := "notifications:\n  channels:\n    - {name: hook, type: webhook, url: \"" + hook.URL + "\", secret: \"env:HOOK\"}\n    - {name: hub, type: securityhub}\n" +
		"  routes: [{channels: hook, events: [first-scan, new, regressed, fixed]}]\n"
	write(first)
	l := &latest{files: []string{cfgFile}, log: k.log}
	ctx, stop := context.WithCancel(t.Context())
	var telling sync.WaitGroup
	telling.Go(func() { k.notifications(ctx, func() *notify.Config { return &l.now().Notifications }) })
	defer telling.Wait()
	defer stop()
	wait := func(want []string, active int) {
		t.Helper()
		n, all := 0, []string(nil)
		for range 600 {
			mu.Lock()
			all = slices.Clone(got)
			mu.Unlock()
			hubs.mu.Lock()
			n = 0
			for _, f := range hubs.findings {
				if f["RecordState"] == "ACTIVE" {
					n++
				}
			}
			hubs.mu.Unlock()
			if slices.Equal(all, want) && n == active {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		states, _ := s.ChannelStates(t.Context())
		t.Fatalf("the webhook got %q, want %q; Security Hub has %d findings, want %d; %+v", all, want, n, active, states)
	}
	wait([]string{"first-scan", "findings fixed orders"}, 0)
	record("3", false)
	wait([]string{"first-scan", "findings fixed orders", "findings regressed orders"}, 1)
	record("4", true)
	wait([]string{"first-scan", "findings fixed orders", "findings regressed orders", "findings fixed orders"}, 0)

	// What is told, and to whom, may change. A mistake changes nothing.
	write("notifications:\n  chanels: []\n")
	l.now()
	record("5", false)
	wait([]string{"first-scan", "findings fixed orders", "findings regressed orders", "findings fixed orders", "findings regressed orders"}, 1)
	write(strings.ReplaceAll(first, hook.URL, hook.URL+"/other"))
	l.now()
	record("6", true)
	wait([]string{"first-scan", "findings fixed orders", "findings regressed orders", "findings fixed orders", "findings regressed orders", "/other findings fixed orders"}, 0)
}
