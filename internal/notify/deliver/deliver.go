// Package deliver sends messages to channels: it knows their formats and protocols. Nothing that scans reaches it.
package deliver

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"awsscanner/internal/notify"
)

// A Deliverer sends messages.
type Deliverer struct {
	Config  *notify.Config
	Version string // of the scanner
	Log     *slog.Logger
	Now     func() time.Time
	TLS     *tls.Config // what servers are trusted; nil for what the system trusts

	// SecurityHub publishes a scan that the store has. It is nil where nobody can.
	SecurityHub func(ctx context.Context, ch *notify.Channel, scan string) error
	// TestSecurityHub tries whether that can be done.
	TestSecurityHub func(ctx context.Context, ch *notify.Channel) error

	once   sync.Once
	client *http.Client
	mu     sync.Mutex
	base   *aws.Config
	roles  map[string]aws.CredentialsProvider // by role, external ID and region
}

// Send sends a message. A *notify.Rejection says that it will never be taken; after any other error it may be sent again. No error tells a secret.
func (d *Deliverer) Send(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
	var secrets []string
	secret := func(s notify.Secret) (string, error) {
		text, err := d.secret(ctx, ch, s)
		if err == nil {
			secrets = append(secrets, text)
			if u, err := url.Parse(text); err == nil && u.Host != "" { // a receiver may repeat a part of its address
				secrets = append(secrets, strings.FieldsFunc(u.RequestURI(), func(r rune) bool { return strings.ContainsRune("/?&=", r) })...)
			}
		}
		return text, err
	}
	return scrub(d.send(ctx, ch, m, secret), secrets)
}

// A resolver reads a secret.
type resolver func(notify.Secret) (string, error)

func (d *Deliverer) send(ctx context.Context, ch *notify.Channel, m *notify.Message, secret resolver) error {
	switch ch.Type {
	case notify.Slack:
		return d.toURL(ctx, ch, secret, slack(m))
	case notify.Teams:
		return d.toURL(ctx, ch, secret, teams(m))
	case notify.Webhook:
		return d.webhook(ctx, ch, m, secret)
	case notify.Email:
		return d.email(ctx, ch, m, secret)
	case notify.PagerDuty:
		return d.pagerDuty(ctx, ch, m, secret)
	case notify.SNS:
		return d.sns(ctx, ch, m)
	case notify.SQS:
		return d.sqs(ctx, ch, m)
	case notify.EventBridge:
		return d.eventBridge(ctx, ch, m)
	case notify.OpsCenter:
		return d.opsCenter(ctx, ch, m)
	case notify.SecurityHub:
		return d.securityHub(ctx, ch, m)
	}
	return &notify.Rejection{Why: fmt.Sprintf("there is no channel of type %q", string(ch.Type))}
}

func (d *Deliverer) securityHub(ctx context.Context, ch *notify.Channel, m *notify.Message) error {
	switch {
	case m.Kind == notify.OfTest && d.TestSecurityHub != nil:
		return d.TestSecurityHub(ctx, ch)
	case m.Kind == notify.OfScan && m.Scan != nil && d.SecurityHub != nil:
		return d.SecurityHub(ctx, ch, m.Scan.ID)
	case m.Kind == notify.OfTest || m.Kind == notify.OfScan:
		return errors.New("this process cannot publish to Security Hub")
	}
	return &notify.Rejection{Why: "Security Hub gets scans and no messages"}
}

// http returns the client of all channels. It follows no redirection: what it sends is for one receiver.
func (d *Deliverer) http() *http.Client {
	d.once.Do(func() {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.TLSClientConfig = d.TLS
		transport.ResponseHeaderTimeout = 30 * time.Second
		d.client = &http.Client{Transport: transport, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	})
	return d.client
}

// address returns where a channel is.
func (d *Deliverer) address(ch *notify.Channel, secret resolver) (string, error) {
	where, hidden := ch.URL.Secret()
	if !hidden {
		return string(ch.URL), nil
	}
	text, err := secret(where)
	if err != nil {
		return "", err
	}
	if why := ch.RefuseURL(text); why != "" {
		return "", fmt.Errorf("the address that %s tells cannot be used: %s", where, why)
	}
	return text, nil
}

// toURL posts JSON to the address of a channel.
func (d *Deliverer) toURL(ctx context.Context, ch *notify.Channel, secret resolver, body []byte) error {
	to, err := d.address(ch, secret)
	if err != nil {
		return err
	}
	return d.post(ctx, to, body, nil)
}

// post sends JSON. What the receiver answers is in the error, as far as it is short and plain.
func (d *Deliverer) post(ctx context.Context, to string, body []byte, header http.Header) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return errors.New("the address cannot be used") // err tells it
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "scanner/"+d.Version)
	answer, err := d.http().Do(r)
	if err != nil {
		var tells *url.Error // the address, which may be a secret
		if errors.As(err, &tells) {
			err = tells.Err
		}
		return fmt.Errorf("the receiver cannot be reached: %w", err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 4096)) // a cut answer is an answer
	io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	why := fmt.Sprintf("the receiver answers %d", answer.StatusCode)
	if said := notify.Line(string(text), 200); said != "" && !strings.HasPrefix(said, "<") {
		why += ": " + said
	}
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest, code == http.StatusRequestEntityTooLarge, code == http.StatusUnsupportedMediaType, code == http.StatusUnprocessableEntity:
		return &notify.Rejection{Why: why}
	case code >= 300 && code < 400:
		return fmt.Errorf("%s: it sends elsewhere, which is not followed: set the address to the new one", why)
	}
	if wait := retryAfter(answer.Header.Get("Retry-After"), d.Now()); wait > 0 {
		return &notify.Pause{Why: why, For: wait}
	}
	return errors.New(why)
}

// retryAfter returns how long a receiver wants to be left alone.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 && seconds < 1<<20 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// scrub takes secrets out of an error that may repeat what a receiver has said.
func scrub(err error, secrets []string) error {
	if err == nil {
		return nil
	}
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	clean := func(text string) string {
		for _, s := range secrets {
			if len(s) >= 6 {
				text = strings.ReplaceAll(text, s, "***")
			}
		}
		return notify.Line(text, 500)
	}
	var rejected *notify.Rejection
	var pause *notify.Pause
	switch {
	case errors.As(err, &rejected):
		return &notify.Rejection{Why: clean(err.Error())}
	case errors.As(err, &pause):
		return &notify.Pause{Why: clean(err.Error()), For: pause.For}
	case errors.Is(err, context.Canceled):
		return err
	}
	return errors.New(clean(err.Error()))
}

// subject is what a message is called where there is room for little.
func subject(m *notify.Message, most int) string {
	return notify.Line(cmp.Or(m.Title, string(m.Kind)), most)
}
