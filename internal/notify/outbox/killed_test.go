package outbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/notify"
	"awsscanner/internal/store"
	"awsscanner/internal/store/storetest"
)

// The test binary is a service that can be killed, if its environment says so.
func TestMain(m *testing.M) {
	if role := os.Getenv("SCANNER_TEST_CHILD"); role != "" {
		if err := child(role, os.Getenv("SCANNER_TEST_STORE"), os.Getenv("SCANNER_TEST_RECEIVER")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const shortLease = time.Second

// child announces or sends, and never ends by itself.
func child(role, address, receiver string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, address)
	if err != nil {
		return err
	}
	config := &notify.Config{Storm: 100, Channels: []notify.Channel{{Name: "hook", Type: notify.Webhook, Rate: 6000}}, Routes: []notify.Route{{Channels: []string{"hook"}}}}
	switch role {
	case "announce":
		a := Announcer{Store: s, Config: config, Rules: rules, Log: quiet, Now: func() time.Time { return begin.AddDate(0, 0, 2) }}
		if err := a.Announce(ctx); err != nil {
			return err
		}
		fmt.Println("committed")
	case "send":
		deliver := func(ctx context.Context, _ *notify.Channel, m *notify.Message) error {
			text, err := json.Marshal(m)
			if err != nil {
				return err
			}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, receiver, bytes.NewReader(text))
			if err != nil {
				return err
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				return err
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return errors.New(answer.Status)
			}
			return nil
		}
		sender := Sender{Store: s, Settings: func() (*notify.Config, Deliver) { return config, deliver }, Log: quiet, Now: time.Now, Holder: store.NewID(), Lease: shortLease}
		fmt.Println("sending")
		sender.Run(ctx)
	}
	select {}
}

// start starts a child and waits until it says something.
func start(t *testing.T, role, address, receiver, says string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), "SCANNER_TEST_CHILD="+role, "SCANNER_TEST_STORE="+address, "SCANNER_TEST_RECEIVER="+receiver)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(c) })
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != says+"\n" {
		t.Fatalf("the child says %q", line)
	}
	return c
}

// kill ends a child as the kernel does, without a word to it.
func kill(c *exec.Cmd) {
	c.Process.Kill()
	c.Wait()
}

// A service that is killed between commit and send, and one that is killed while it sends: after a restart everything that was committed is there, and nothing else.
func TestKilled(t *testing.T) {
	storetest.Each(t, func(t *testing.T, address string) {
		w := newWorld(t, address, chat)
		w.scan("prod", 0, map[string]int{})
		queues := map[string]int{}
		for i := range 8 {
			queues[fmt.Sprintf("%c", 'a'+i)] = 2
		}
		w.scan("prod", 1, queues)

		var mu sync.Mutex
		got := map[string]int{}
		const held = 3 // the request that is never answered
		arrived, done := make(chan struct{}), make(chan struct{})
		n := 0
		receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			var m notify.Message
			text, err := io.ReadAll(r.Body)
			if err != nil || json.Unmarshal(text, &m) != nil {
				t.Errorf("received %q, %v", text, err)
			}
			mu.Lock()
			n++
			got[m.ID]++
			at, all := n, len(got)
			mu.Unlock()
			if at == held {
				close(arrived)
				<-r.Context().Done() // until its sender is dead
			}
			if all == len(queues) {
				select {
				case <-done:
				default:
					close(done)
				}
			}
		}))
		defer receiver.Close()

		kill(start(t, "announce", address, receiver.URL, "committed"))
		rows, err := w.store.Messages(t.Context(), "hook", 100)
		mu.Lock()
		sent := n
		mu.Unlock()
		if err != nil || len(rows) != len(queues) || sent != 0 {
			t.Fatalf("%d rows are committed, %d sent, %v", len(rows), sent, err)
		}
		sender := start(t, "send", address, receiver.URL, "sending")
		wait(t, arrived)
		kill(sender)
		start(t, "send", address, receiver.URL, "sending")
		wait(t, done)

		mu.Lock()
		defer mu.Unlock()
		twice := 0
		for _, row := range rows {
			switch got[row.Key] {
			case 1:
			case 2:
				twice++
			default:
				t.Errorf("message %s was sent %d times", row.Key, got[row.Key])
			}
			delete(got, row.Key)
		}
		if len(got) > 0 || twice != 1 { // of the one on the way nobody can know
			t.Errorf("%d messages were sent twice, and %d were never committed", twice, len(got))
		}
		for range 300 { // the last one may have been sent and not noted yet
			states, err := w.store.ChannelStates(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if states[0].Waiting == 0 {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Error("a message still waits")
	})
}

func wait(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatal("it takes longer than a minute")
	}
}
