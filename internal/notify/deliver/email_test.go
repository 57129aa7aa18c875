package deliver

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/notify"
)

// A mailServer speaks SMTP: as much of it as a server of our time does.
type mailServer struct {
	net.Listener
	tls      *tls.Config
	implicit bool
	plain    bool // offers no STARTTLS

	mu     sync.Mutex
	refuse map[string]string // answers by the beginning of a command
	mails  []sentMail
}

type sentMail struct {
	from, user string
	to         []string
	text       []byte
	encrypted  bool
}

// certificate makes one for 127.0.0.1 that the pool trusts.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func newMailServer(t *testing.T, cert tls.Certificate) *mailServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{Listener: l, tls: &tls.Config{Certificates: []tls.Certificate{cert}}, refuse: map[string]string{}}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func (s *mailServer) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	encrypted := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(text string) { fmt.Fprint(conn, text+"\r\n") }
	say("220 mail ESMTP")
	var m sentMail
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		s.mu.Lock()
		answer := ""
		for command, text := range s.refuse {
			if strings.HasPrefix(line, command) {
				answer = text
			}
		}
		s.mu.Unlock()
		verb, rest, _ := strings.Cut(line, " ")
		switch {
		case answer != "":
			say(answer)
		case verb == "EHLO":
			say("250-mail")
			if !encrypted && !s.plain {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go on")
			conn = tls.Server(conn, s.tls)
			in, encrypted = textproto.NewReader(bufio.NewReader(conn)), true
		case verb == "AUTH":
			_, code, _ := strings.Cut(rest, " ")
			text, _ := base64.StdEncoding.DecodeString(code)
			m.user = strings.ReplaceAll(string(text), "\x00", "/")
			say("235 welcome")
		case verb == "MAIL":
			m.from = rest
			say("250 ok")
		case verb == "RCPT":
			m.to = append(m.to, rest)
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			if m.text, err = in.ReadDotBytes(); err != nil {
				return
			}
			m.encrypted = encrypted
			s.mu.Lock()
			s.mails = append(s.mails, m)
			s.mu.Unlock()
			m = sentMail{user: m.user}
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("500 what")
		}
	}
}

func (s *mailServer) channel(how string) *notify.Channel {
	return &notify.Channel{Name: "mail", Type: notify.Email, Host: "127.0.0.1", Port: s.Addr().(*net.TCPAddr).Port, TLS: how, User: "scanner", Password: "env:SMTP", From: "Scanner ä <scanner@example.com>", To: []string{"a@example.com", "B <b@example.com>"}}
}

// Mails are plain text and HTML, over TLS, and nobody can write headers or tags into them.
func TestEmail(t *testing.T) {
	t.Setenv("SMTP", "sesame")
	cert, pool := certificate(t)
	for _, how := range []string{"", "implicit", "none"} {
		s := newMailServer(t, cert)
		s.implicit, s.plain = how == "implicit", how == "none"
		d := deliverer(&notify.Config{})
		d.TLS = &tls.Config{RootCAs: pool}
		for _, m := range messages() {
			m.Title += " " + hostile // as a resource may be called
			before := len(s.mails)
			if err := d.Send(t.Context(), s.channel(how), m); err != nil {
				t.Fatalf("%q: %s: %v", how, m.Kind, err)
			}
			if len(s.mails) != before+1 {
				t.Fatalf("%d mails", len(s.mails)-before)
			}
			got := s.mails[before]
			if got.encrypted != (how != "none") || got.user != "/scanner/sesame" || !strings.HasPrefix(got.from, "FROM:<scanner@example.com>") || strings.Join(got.to, " ") != "TO:<a@example.com> TO:<b@example.com>" {
				t.Errorf("%+v", got)
			}
			checkMail(t, got.text, m)
		}
	}
}

func checkMail(t *testing.T, text []byte, m *notify.Message) {
	t.Helper()
	x, err := mail.ReadMessage(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if x.Header.Get("Bcc") != "" || len(x.Header) != 9 {
		t.Errorf("headers: %v", x.Header)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(x.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, strings.Split(m.Title, " ")[0]) || x.Header.Get("Message-Id") != "<"+m.ID+".scanner@example.com>" || x.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Errorf("%q %v %v", subject, x.Header, err)
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		if len(line) > 998 {
			t.Errorf("line %d has %d bytes", i+1, len(line))
		}
	}
	_, params, err := mime.ParseMediaType(x.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(x.Body, params["boundary"])
	var kinds []string
	for {
		p, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, p.Header.Get("Content-Type"))
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			if strings.Contains(string(body), "<script") || !strings.Contains(string(body), "&lt;script&gt;") {
				t.Errorf("%s", body)
			}
		} else if m.Kind == notify.OfFindings && !strings.Contains(strings.ReplaceAll(string(body), "\r\n", "\n"), "\nHarm: Everybody reads it & more.\n") {
			t.Errorf("%s", body)
		}
	}
	if strings.Join(kinds, " ") != "text/plain; charset=utf-8 text/html; charset=utf-8" {
		t.Errorf("parts: %q", kinds)
	}
}

// A server that cannot encrypt, is not the one it says, or refuses: nothing is sent that could not be sent again.
func TestEmailRefused(t *testing.T) {
	t.Setenv("SMTP", "sesame")
	cert, pool := certificate(t)
	for _, c := range []struct {
		plain, stranger bool
		how             string
		refuse          map[string]string
		want            string
		rejected        bool
		mails           int
	}{
		{plain: true, want: "the mail server cannot be used: it does not offer STARTTLS: set tls: implicit, or tls: none if the way there is safe"},
		{stranger: true, want: "the mail server cannot be used: tls: failed to verify certificate"},
		{refuse: map[string]string{"AUTH": "535 no"}, want: "the mail server does not take user and password: 535 \"no\""},
		{refuse: map[string]string{"MAIL": "451 later"}, want: "the mail server does not take the sender: 451 \"later\""},
		{refuse: map[string]string{"RCPT": "550 unknown"}, want: "the mail server does not take a recipient: 550 \"unknown\"", rejected: true},
		{refuse: map[string]string{"RCPT TO:<a@": "550 unknown"}, mails: 1},
		{refuse: map[string]string{"DATA": "554 spam"}, want: "the mail server does not take the mail: 554 \"spam\"", rejected: true},
	} {
		s := newMailServer(t, cert)
		s.plain, s.refuse = c.plain, c.refuse
		d := deliverer(&notify.Config{})
		if !c.stranger {
			d.TLS = &tls.Config{RootCAs: pool}
		}
		err := d.Send(t.Context(), s.channel(c.how), message(1, notify.New, engine.High))
		var rejected *notify.Rejection
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) || errors.As(err, &rejected) != c.rejected || len(s.mails) != c.mails {
			t.Errorf("%+v: %v, %d mails", c, err, len(s.mails))
		}
	}
	s := newMailServer(t, cert)
	s.Close()
	if err := deliverer(&notify.Config{}).Send(t.Context(), s.channel(""), message(1, notify.New, engine.High)); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody is there: %v", err)
	}
}
