package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"awsscanner/internal/notify"
	"awsscanner/internal/notify/deliver"
	"awsscanner/internal/notify/outbox"
	"awsscanner/internal/report"
	"awsscanner/internal/store"
	"awsscanner/internal/suggest"
	"awsscanner/rules"
)

func notifyCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "notify",
		Short: "Try the channels by which scanner serve tells people",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(notifyTestCommand())
	return c
}

// testTime is how long a channel may take for its test.
const testTime = 90 * time.Second

func notifyTestCommand() *cobra.Command {
	var conf configured
	c := &cobra.Command{
		Use:   "test [CHANNEL]...",
		Short: "Send a test message to each channel of the settings, or to some, and say what became of it",
		Long: `Test sends a message that says it is a test to each channel under notifications in the settings, or to those that are named. PagerDuty gets an
event that is resolved at once, OpsCenter an OpsItem that is, and Security Hub a finding that is archived. Exit 4 if a channel does not take it.`,
		Example: `  scanner notify test
  scanner notify test chat pager --config scanner.yaml`,
		Args: cobra.ArbitraryArgs,
	}
	conf.flags(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg := &conf.all().Notifications
		var names []string
		for i := range cfg.Channels {
			names = append(names, cfg.Channels[i].Name)
		}
		if len(names) == 0 {
			return usage("no channel is set: add channels under notifications to a file of settings, as docs/notifications.md shows")
		}
		for _, name := range args {
			if !slices.Contains(names, name) {
				return usage("there is no channel %q: %s", name, suggest.DidYouMean(name, names, "there are "+strings.Join(names, ", ")))
			}
		}
		log := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
		return testChannels(c.Context(), c.OutOrStdout(), deliverer(cfg, log), args)
	}
	return c
}

// deliverer sends to the channels of the settings.
func deliverer(cfg *notify.Config, log *slog.Logger) *deliver.Deliverer {
	return &deliver.Deliverer{Config: cfg, Version: version, Log: log, Now: time.Now, TestSecurityHub: testHub}
}

// testChannels tries channels side by side, and tells in their order.
func testChannels(ctx context.Context, w io.Writer, d *deliver.Deliverer, only []string) error {
	m := notify.Test(time.Now())
	results := make([]error, len(d.Config.Channels))
	var wg sync.WaitGroup
	for i := range d.Config.Channels {
		ch := &d.Config.Channels[i]
		if len(only) > 0 && !slices.Contains(only, ch.Name) {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, testTime)
			defer cancel()
			results[i] = d.Send(ctx, ch, m)
		})
	}
	wg.Wait()
	bad := 0
	for i := range d.Config.Channels {
		ch := &d.Config.Channels[i]
		if len(only) > 0 && !slices.Contains(only, ch.Name) {
			continue
		}
		text := fmt.Sprintf("%s (%s): sent", ch.Name, ch.Type)
		if err := results[i]; err != nil {
			bad++
			text = fmt.Sprintf("%s (%s): not sent: %s", ch.Name, ch.Type, err)
		}
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return &exitError{report.ExitInterrupted, "interrupted: some channels may not have got the test"}
	case bad > 0:
		return failed("%s did not take the test", plural(bad, "channel"))
	}
	return nil
}

// announceOften is how often a service looks for scans that are done: those that other machines have judged, and those that nobody announced before a crash.
const announceOften = 5 * time.Second

// notifications tells people what scans have found, until the context ends, by the settings as they are at the time. Without channels it only notes that
// there was nobody to tell, so that whoever sets one later does not get the news of months.
func (k *keeper) notifications(ctx context.Context, now func() *notify.Config) {
	var mu sync.Mutex
	var cfg *notify.Config
	var d *deliver.Deliverer
	latest := func() (*notify.Config, outbox.Deliver) {
		mu.Lock()
		defer mu.Unlock()
		if c := now(); c != cfg {
			cfg, d = c, deliverer(c, k.log)
			d.SecurityHub = k.publish
		}
		return cfg, d.Send
	}
	a := &outbox.Announcer{Store: k.store, Rules: rules.All, Log: k.log, Now: time.Now}
	s := &outbox.Sender{Store: k.store, Settings: latest, Log: k.log, Now: time.Now, Holder: store.NewID()}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { s.Run(ctx) })
	for {
		a.Config, _ = latest()
		if err := a.Announce(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("scans cannot be announced: it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(announceOften):
		}
	}
}

// publish publishes a scan of the store to Security Hub.
func (k *keeper) publish(ctx context.Context, ch *notify.Channel, id string) error {
	s, err := k.store.Scan(ctx, id)
	if err != nil {
		return err
	}
	conf := configured{none: true}
	if len(s.Settings) > 0 {
		x, err := unpack(s.Settings)
		if err != nil {
			return err
		}
		conf = x.sel.conf
	}
	snapshot, err := k.store.Snapshot(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return &notify.Rejection{Why: "the snapshot of the scan is not kept any more"}
	}
	if err != nil {
		return err
	}
	defer snapshot.Close()
	f, err := os.CreateTemp("", "scanner-*.jsonl.zst")
	if err != nil {
		return errors.New(osText(err))
	}
	defer os.Remove(f.Name())
	_, err = io.Copy(f, snapshot)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("the snapshot cannot be read: %s", osText(err))
	}
	return publishSaved(ctx, k.log, ch, f.Name(), conf)
}
