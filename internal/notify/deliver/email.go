package deliver

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/notify"
)

// sendTime is how long a server may take for a mail.
const sendTime = time.Minute

// email sends a message by SMTP. A server that cannot encrypt gets nothing, unless it is on this machine or the configuration says tls: none.
func (d *Deliverer) email(ctx context.Context, ch *notify.Channel, m *notify.Message, secret resolver) error {
	password := ""
	if ch.Password != "" {
		var err error
		if password, err = secret(ch.Password); err != nil {
			return err
		}
	}
	from, err := mail.ParseAddress(ch.From)
	if err != nil {
		return errors.New("the sender is no address")
	}
	var to []*mail.Address
	for _, text := range ch.To {
		a, err := mail.ParseAddress(text)
		if err != nil {
			return errors.New("a recipient is no address")
		}
		to = append(to, a)
	}
	text, err := compose(m, from, to, d.Now())
	if err != nil {
		return err
	}
	c, err := d.smtp(ctx, ch)
	if err != nil {
		return fmt.Errorf("the mail server cannot be used: %w", err)
	}
	defer c.Close()
	if ch.User != "" {
		if err := c.Auth(smtp.PlainAuth("", ch.User, password, ch.Host)); err != nil {
			return fmt.Errorf("the mail server does not take user and password: %w", err)
		}
	}
	if err := c.Mail(from.Address); err != nil {
		return refusal("the mail server does not take the sender", err)
	}
	taken := 0
	var refused error
	for _, a := range to {
		if err := c.Rcpt(a.Address); err != nil {
			refused = refusal("the mail server does not take a recipient", err)
			d.Log.Warn("a recipient does not get a mail", "channel", ch.Name, "reason", notify.Line(err.Error(), 200))
			continue
		}
		taken++
	}
	if taken == 0 { // if some are taken they get it, and trying again would send it to them twice
		return refused
	}
	w, err := c.Data()
	if err != nil {
		return refusal("the mail server does not take the mail", err)
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return refusal("the mail server does not take the mail", err)
	}
	c.Quit() // the mail is taken already
	return nil
}

// refusal tells a refusal for ever from one for now.
func refusal(what string, err error) error {
	var said *textproto.Error
	if errors.As(err, &said) && said.Code >= 500 {
		return &notify.Rejection{Why: what + ": " + err.Error()}
	}
	return fmt.Errorf("%s: %w", what, err)
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

// smtp opens a session, encrypted as the channel says.
func (d *Deliverer) smtp(ctx context.Context, ch *notify.Channel) (*smtp.Client, error) {
	how := cmp.Or(ch.TLS, "starttls")
	port := cmp.Or(ch.Port, map[string]int{"starttls": 587, "implicit": 465, "none": 25}[how])
	conn, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(ch.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(sendTime)) // of the network, not of messages
	trust := d.TLS.Clone()                     // nil of nil
	if trust == nil {
		trust = &tls.Config{}
	}
	trust.ServerName, trust.MinVersion = ch.Host, tls.VersionTLS12
	if how == "implicit" {
		conn = tls.Client(conn, trust)
	}
	c, err := smtp.NewClient(conn, ch.Host)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if name, err := os.Hostname(); err == nil && hostName.MatchString(name) {
		if err := c.Hello(name); err != nil {
			c.Close()
			return nil, err
		}
	}
	if how == "starttls" {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			c.Close()
			return nil, errors.New("it does not offer STARTTLS: set tls: implicit, or tls: none if the way there is safe")
		}
		if err := c.StartTLS(trust); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// compose writes a mail: plain text and HTML. Nothing of a message gets into a header but the subject, which is one line and encoded.
func compose(m *notify.Message, from *mail.Address, to []*mail.Address, now time.Time) ([]byte, error) {
	t := m.Text()
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	var names []string
	for _, a := range to {
		names = append(names, a.String())
	}
	header := func(name, value string) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, strings.NewReplacer("\r", " ", "\n", " ").Replace(value))
	}
	header("From", from.String())
	header("To", strings.Join(names, ", "))
	header("Subject", mime.QEncoding.Encode("utf-8", subject(m, 200)))
	header("Date", now.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	domain := from.Address[strings.LastIndexByte(from.Address, '@')+1:]
	header("Message-ID", "<"+m.ID+".scanner@"+domain+">") // the same each time, so that servers and readers drop what came twice
	header("Auto-Submitted", "auto-generated")
	header("X-Scanner-Id", m.ID)
	header("MIME-Version", "1.0")
	if err := parts.SetBoundary("scanner-" + m.ID); err != nil {
		return nil, err
	}
	header("Content-Type", `multipart/alternative; boundary="`+parts.Boundary()+`"`)
	b.WriteString("\r\n")
	for _, part := range []struct{ kind, text string }{{"text/plain", t.Plain()}, {"text/html", page(t)}} {
		w, err := parts.CreatePart(textproto.MIMEHeader{"Content-Type": {part.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
		if err != nil {
			return nil, err
		}
		q := quotedprintable.NewWriter(w)
		if _, err := q.Write([]byte(part.text)); err != nil {
			return nil, err
		}
		if err := q.Close(); err != nil {
			return nil, err
		}
	}
	if err := parts.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// page writes a text as HTML.
func page(t *notify.Text) string {
	e := html.EscapeString
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html><head><meta charset="utf-8"></head><body style="font-family:sans-serif">`)
	fmt.Fprintf(&b, "\n<h2 style=\"font-size:1.1em\">%s</h2>\n<table>\n", e(t.Title))
	for _, f := range t.Facts {
		fmt.Fprintf(&b, "<tr><th style=\"text-align:left;vertical-align:top;padding-right:1em\">%s</th><td>%s</td></tr>\n", e(f.Name), e(f.Value))
	}
	b.WriteString("</table>\n")
	if len(t.Lines) > 0 {
		fmt.Fprintf(&b, "<p><b>%s</b></p>\n<ul>\n", e(t.Heading))
		for _, line := range t.Lines {
			fmt.Fprintf(&b, "<li>%s</li>\n", e(line))
		}
		b.WriteString("</ul>\n")
	}
	if t.Link != "" {
		fmt.Fprintf(&b, "<p><a href=\"%s\">Open in the dashboard</a></p>\n", e(t.Link))
	}
	if t.Foot != "" {
		fmt.Fprintf(&b, "<p><small>%s</small></p>\n", e(t.Foot))
	}
	b.WriteString("</body></html>\n")
	return b.String()
}
