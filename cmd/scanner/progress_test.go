package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is told while a scan reads: where it is, how fast, and how long it will take as far as anybody can know.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &progress{all: make([]account, 3), regions: 10, started: time.Now()}
		time.Sleep(10 * time.Second)
		if got, want := p.text(), "reading 0 of 3 accounts: 0 of 10 regions, 0 of 0 calls known"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		p.Calls.Store(500)
		p.Expected.Store(1000)
		p.Regions.Store(4)
		p.Accounts.Store(1)
		if got, want := p.text(), "reading 1 of 3 accounts: 4 of 10 regions, 500 of 1000 calls known, 50 a second, about 15s left"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		one := &progress{all: []account{{id: "111122223333"}}, regions: 2, started: time.Now()}
		if got, want := one.text(), "reading account 111122223333: 0 of 2 regions, 0 of 0 calls known"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		// Where there is no terminal, a log line every few seconds.
		var b bytes.Buffer
		stop := p.watch(&b, "json")
		time.Sleep(11 * time.Second)
		stop()
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if len(lines) != 2 {
			t.Fatalf("%d lines in 11 seconds: %q", len(lines), lines)
		}
		var line map[string]any
		if err := json.Unmarshal([]byte(lines[1]), &line); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]any{"msg": "reading", "accounts": 1.0, "accountsTotal": 3.0, "regions": 4.0, "calls": 500.0, "callsKnown": 1000.0, "callsPerSecond": 25.0, "throttled": 0.0} {
			if line[name] != want {
				t.Errorf("%s is %v, want %v", name, line[name], want)
			}
		}
		b.Reset()
		stop = p.watch(&b, "text")
		time.Sleep(6 * time.Second)
		stop()
		if !strings.Contains(b.String(), "level=INFO msg=reading accounts=1 accountsTotal=3") {
			t.Errorf("log line %q", b.String())
		}
	})
}
