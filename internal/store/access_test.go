package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

func TestTokens(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, ctx := open(t, address), t.Context()
		hour := begin.Add(time.Hour)
		for _, x := range []store.Token{
			{ID: "a", Name: "grafana", Role: "viewer", Hash: store.Hash("secret"), Maker: "me", Created: begin, Expires: hour},
			{ID: "b", Name: "deploy", Role: "operator", Hash: store.Hash("other"), Maker: "me", Created: begin},
		} {
			if err := s.AddToken(ctx, x); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.AddToken(ctx, store.Token{ID: "c", Name: "grafana", Created: begin}); !errors.Is(err, store.ErrTaken) {
			t.Errorf("two tokens of a name: %v", err)
		}
		if err := s.AddToken(ctx, store.Token{ID: "c", Name: "grafana", Created: hour}); err != nil { // the other one is over
			t.Error(err)
		}
		a, err := s.Token(ctx, "a")
		if err != nil || !a.Valid(begin) || a.Valid(hour) || a.Hash == "secret" || len(a.Hash) != 64 || a.Role != "viewer" || !a.Used.IsZero() {
			t.Errorf("%+v %v", a, err)
		}
		if _, err := s.Token(ctx, "x"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no token: %v", err)
		}
		if err := s.UseToken(ctx, "a", begin.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		for hash, token := range map[string]string{"1": "a", "2": "b", "3": ""} {
			if err := s.AddSession(ctx, store.Session{Hash: hash, Token: token, Name: "n" + hash, Role: "viewer", Created: begin, Expires: begin.Add(3 * time.Hour)}); err != nil {
				t.Fatal(err)
			}
		}
		here := func(at time.Time) (names string) {
			for _, hash := range []string{"1", "2", "3", "4"} {
				x, err := s.Session(ctx, hash, at)
				if err == nil {
					names += x.Name + " "
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			}
			return strings.TrimSpace(names)
		}
		for at, want := range map[time.Time]string{begin: "n1 n2 n3", hour: "n2 n3", begin.Add(3 * time.Hour): ""} {
			if got := here(at); got != want {
				t.Errorf("sessions at %s: %q, want %q", at, got, want)
			}
		}
		if err := s.RevokeToken(ctx, "b", begin); err != nil {
			t.Fatal(err)
		}
		if err := s.RevokeToken(ctx, "b", begin); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("revoked twice: %v", err)
		}
		if err := s.EndSession(ctx, "1"); err != nil {
			t.Fatal(err)
		}
		if got := here(begin); got != "n3" {
			t.Errorf("sessions after all: %q", got)
		}
		if err := s.AddSession(ctx, store.Session{Hash: "5", Created: begin.Add(4 * time.Hour), Expires: begin.Add(5 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if got := here(begin); got != "" { // the next one has cleared away what was over
			t.Errorf("sessions that are over: %q", got)
		}
		all, err := s.Tokens(ctx)
		if err != nil || len(all) != 3 || all[0].ID != "c" || all[2].Revoked != begin || all[1].Used != begin.Add(time.Minute) {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestActions(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		s, ctx := open(t, address), t.Context()
		for i := range 5 {
			id, err := s.Act(ctx, store.Action{At: begin, Actor: "me", Action: "scan.start", Object: "prod", Outcome: "begun"})
			if err != nil || id != int64(i+1) {
				t.Fatal(id, err)
			}
		}
		if err := s.Outcome(ctx, 5, "done", "1234"); err != nil {
			t.Fatal(err)
		}
		if err := s.Outcome(ctx, 4, "no", ""); err != nil {
			t.Fatal(err)
		}
		page, err := s.Actions(ctx, 0, 2)
		if err != nil || len(page) != 2 || page[0].Object != "1234" || page[0].Outcome != "done" || page[1].Object != "prod" || page[1].Outcome != "no" || page[0].At != begin {
			t.Errorf("%+v %v", page, err)
		}
		if page, err = s.Actions(ctx, page[1].ID, 10); err != nil || len(page) != 3 || page[0].ID != 3 {
			t.Errorf("%+v %v", page, err)
		}
	})
}
