package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"awsscanner/internal/notify"
	"awsscanner/internal/store"
)

// A Sender sends what is in the outbox. Many may work on one store: a channel belongs to one of them at a time, for as long as its lease runs, so that
// messages come in order and at the rate that the channel bears. If he is killed another one goes on when the lease is over.
type Sender struct {
	Store    *store.Store
	Settings func() (*notify.Config, Deliver) // as they are now: they may change from message to message
	Log      *slog.Logger
	Now      func() time.Time
	Holder   string        // names this sender among all
	Lease    time.Duration // 0 for a minute and a half
}

// Deliver sends a message to a channel of the settings that it comes with.
type Deliver func(ctx context.Context, ch *notify.Channel, m *notify.Message) error

const (
	often       = 2 * time.Second  // how often it looks for something to send
	firstPause  = 5 * time.Second  // after a failure; the next ones are twice as long, each
	mostPause   = 10 * time.Minute // so that a receiver that was away for long is told soon when it is back
	patience    = 2 * time.Minute  // for one message
	tooOld      = 7 * 24 * time.Hour
	enoughTries = 50 // before what is too old is given up
	rejections  = 3  // in a row, before a message is taken for one that nobody will take
)

// Run sends until the context ends, and then lets what is on its way arrive.
func (s *Sender) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	expired := time.Time{}
	for {
		if now := s.Now(); now.Sub(expired).Abs() > time.Hour {
			expired = now
			s.expire(ctx)
		}
		for s.begin(ctx, &wg) {
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(often):
		}
	}
}

// Step sends what can be sent now, and waits for that.
func (s *Sender) Step(ctx context.Context) {
	var wg sync.WaitGroup
	s.expire(ctx)
	for s.begin(ctx, &wg) {
	}
	wg.Wait()
}

func (s *Sender) lease() time.Duration {
	if s.Lease == 0 {
		return 90 * time.Second
	}
	return s.Lease
}

// begin takes a channel, if there is one to be had, and works on it on the side.
func (s *Sender) begin(ctx context.Context, wg *sync.WaitGroup) bool {
	now := s.Now()
	name, err := s.Store.TakeChannel(ctx, s.Holder, s.channels(), now, now.Add(s.lease()), now.Add(max(mostPause, s.lease())))
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Error("the outbox cannot be read", "error", err)
		}
		return false
	}
	if name == "" {
		return false
	}
	wg.Go(func() {
		if err := s.work(ctx, name); err != nil && !errors.Is(err, store.ErrChannelLost) && ctx.Err() == nil {
			s.Log.Error("the outbox cannot be worked off", "channel", name, "error", err)
		}
	})
	return true
}

// channels returns the names of those that the settings have.
func (s *Sender) channels() (names []string) {
	cfg, _ := s.Settings()
	for i := range cfg.Channels {
		names = append(names, cfg.Channels[i].Name)
	}
	return names
}

func (s *Sender) expire(ctx context.Context) {
	n, err := s.Store.Expire(ctx, s.Now().Add(-tooOld), enoughTries, s.channels())
	if err != nil && ctx.Err() == nil {
		s.Log.Error("the outbox cannot be cleared", "error", err)
	} else if n > 0 {
		s.Log.Warn("messages are given up: nobody took them for a week", "messages", n)
	}
}

// work sends the messages of a channel one by one, until there is none, the channel wants a rest, or the settings have it no more.
func (s *Sender) work(ctx context.Context, name string) error {
	quiet := context.WithoutCancel(ctx) // what was sent must be noted, even if the process is told to end
	for {
		m, failures, err := s.Store.NextMessage(ctx, name)
		cfg, deliver := s.Settings()
		ch := cfg.Channel(name)
		if err != nil || m == nil || ch == nil || ctx.Err() != nil {
			return errors.Join(err, s.Store.LeaveChannel(quiet, name, s.Holder, "", s.Now()))
		}
		now := s.Now()
		n, first, err := s.Store.TriedSince(ctx, ch.Name, now.Add(-time.Minute), now)
		if err != nil {
			return err
		}
		if rate := ch.PerMinute(); n >= rate {
			return s.Store.LeaveChannel(quiet, ch.Name, s.Holder, "", first.Add(time.Minute+time.Millisecond))
		}
		err = s.send(ctx, ch, m, deliver)
		now = s.Now()
		var rejected *notify.Rejection
		var pause *notify.Pause
		switch {
		case err == nil:
			if err := s.Store.Settle(quiet, m, s.Holder, store.Sent, "", now); err != nil {
				return err
			}
		case errors.Is(err, store.ErrChannelLost):
			return err
		case ctx.Err() != nil: // it is sent again
			return s.Store.LeaveChannel(quiet, ch.Name, s.Holder, "", now)
		case errors.As(err, &rejected) && failures+1 >= rejections && m.Failure != "":
			s.Log.Error("a message is given up: the receiver does not take it", "channel", ch.Name, "id", m.Key, "kind", m.Kind, "reason", rejected.Why)
			if err := s.Store.Settle(quiet, m, s.Holder, store.Refused, rejected.Why, now); err != nil {
				return err
			}
		default:
			wait := min(firstPause<<min(failures, 20), mostPause)
			if errors.As(err, &pause) {
				wait = min(max(wait, pause.For), mostPause)
			}
			s.Log.Warn("a message could not be sent: it is tried again", "channel", ch.Name, "id", m.Key, "failures", failures+1, "again", now.Add(wait).UTC().Format(time.RFC3339), "reason", err)
			if err := s.Store.Settle(quiet, m, s.Holder, store.ToSend, err.Error(), now); err != nil {
				return err
			}
			return s.Store.LeaveChannel(quiet, ch.Name, s.Holder, err.Error(), now.Add(wait))
		}
	}
}

// send delivers a message, and renews the lease meanwhile.
func (s *Sender) send(ctx context.Context, ch *notify.Channel, m *store.Message, deliver Deliver) error {
	var told notify.Message
	if err := json.Unmarshal(m.Payload, &told); err != nil {
		return &notify.Rejection{Why: fmt.Sprintf("the message in the outbox is not understood: %s", err)}
	}
	if err := s.Store.KeepChannel(ctx, ch.Name, s.Holder, s.Now().Add(s.lease())); err != nil {
		return err
	}
	if ch.Type != notify.SecurityHub { // which may have much to do
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		tick := time.NewTicker(s.lease() / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := s.Store.KeepChannel(ctx, ch.Name, s.Holder, s.Now().Add(s.lease())); errors.Is(err, store.ErrChannelLost) {
					stop(err)
					return
				}
			}
		}
	}()
	err := deliver(ctx, ch, &told)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, store.ErrChannelLost) {
		return cause
	}
	return err
}
