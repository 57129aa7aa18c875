package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"awsscanner/internal/secret"
)

// A Server says where pages and API are served, and who may use them.
type Server struct {
	Listen    Address  `yaml:"listen" doc:"where to listen, HOST:PORT or :PORT for every address; 127.0.0.1:8080 if it is left out. Beyond this machine only by TLS and with signing in"`
	PublicURL Origin   `yaml:"public_url" doc:"what people call it by, as https://scanner.example.com; needed for oidc, and behind a proxy"`
	TLS       TLS      `yaml:"tls" doc:"certificate and key, read anew when they change"`
	Proxies   []Prefix `yaml:"proxies" doc:"addresses or networks of the proxies that end TLS in front of it: only they are answered, and only what they got by https"`
	LocalRole Role     `yaml:"local_role" doc:"of whoever asks from this machine without signing in, where nobody else can: viewer, operator (the default), admin or none"`
	Session   Span     `yaml:"session" doc:"how long one stays signed in, as 12h, which is the default"`
	OIDC      OIDC     `yaml:"oidc" doc:"sign in by OpenID Connect"`
	Limits    Limits   `yaml:"limits" doc:"how much is answered at once"`
}

// A TLS names the files of a certificate.
type TLS struct {
	CertFile string `yaml:"cert_file" doc:"certificate with its chain, in PEM"`
	KeyFile  string `yaml:"key_file" doc:"its key, in PEM"`
}

// OIDC says who lets people sign in, and what their groups may do.
type OIDC struct {
	Issuer       Origin            `yaml:"issuer" doc:"address of the provider, as its tokens name it"`
	ClientID     string            `yaml:"client_id" doc:"what the provider knows this server by"`
	ClientSecret secret.Reference  `yaml:"client_secret" doc:"where its secret is kept: env:NAME, file:PATH, secretsmanager:NAME or ssm:NAME; left out for a public client"`
	Scopes       []string          `yaml:"scopes" doc:"what to ask for beside openid: profile and email if it is left out"`
	NameClaim    string            `yaml:"name_claim" doc:"what people are called by in logs; email if it is left out"`
	RolesClaim   string            `yaml:"roles_claim" doc:"where their groups stand; groups if it is left out"`
	Roles        map[Role][]string `yaml:"roles" doc:"which groups are viewer, operator or admin; * is everybody who can sign in"`
}

// Limits say how much is answered at once.
type Limits struct {
	RequestsPerSecond int `yaml:"requests_per_second" doc:"from one person, token or address; 500 if it is left out"`
	AtOnce            int `yaml:"at_once" doc:"requests under way; 256 if it is left out"`
	Streams           int `yaml:"streams" doc:"pages that follow a scan at once; 100 if it is left out"`
}

// A Role says what somebody may do: each includes those before it.
type Role int

const (
	Unsaid   Role = iota // nobody has said which
	NoRole               // may do nothing
	Viewer               // reads
	Operator             // starts and ends scans
	Admin                // lets others in
)

var roles = []string{"", "none", "viewer", "operator", "admin"}

func (r Role) String() string { return roles[r] }

func (r Role) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r *Role) UnmarshalText(b []byte) error {
	for i, name := range roles {
		if name == string(b) && i > 0 {
			*r = Role(i)
			return nil
		}
	}
	return fmt.Errorf("%.40q is no role: use viewer, operator, admin or none", b)
}

// An Address is where to listen.
type Address string

func (a *Address) UnmarshalText(b []byte) error {
	host, port, err := net.SplitHostPort(string(b))
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	if err == nil && host != "" && host != "localhost" {
		_, err = netip.ParseAddr(host)
	}
	if err != nil {
		return fmt.Errorf("%.80q is nowhere to listen: write an IP address and a port, as 127.0.0.1:8080, or :8080", b)
	}
	*a = Address(b)
	return nil
}

// Loopback reports whether only this machine can reach it.
func (a Address) Loopback() bool {
	host, _, _ := net.SplitHostPort(string(a))
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// An Origin is the address of a site.
type Origin string

func (o *Origin) UnmarshalText(b []byte) error {
	u, err := url.Parse(string(b))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%.80q is no address of a site: write it as https://scanner.example.com", b)
	}
	if u.Scheme == "http" && !Address(net.JoinHostPort(u.Hostname(), "80")).Loopback() {
		return fmt.Errorf("%.80q begins with http: what is beyond this machine must be https", b)
	}
	*o = Origin(b)
	return nil
}

// Host is what requests name it by.
func (o Origin) Host() string {
	u, err := url.Parse(string(o))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// A Prefix is a network, or a single address.
type Prefix struct{ netip.Prefix }

func (p *Prefix) UnmarshalText(b []byte) error {
	text := string(b)
	if ip, err := netip.ParseAddr(text); err == nil {
		p.Prefix = netip.PrefixFrom(ip, ip.BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return fmt.Errorf("%.80q is no network: write it as 10.0.0.0/8, or a single address", b)
	}
	p.Prefix = prefix.Masked()
	return nil
}

// A Span is a time that something lasts.
type Span time.Duration

func (s *Span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil || d < time.Minute || d > 30*24*time.Hour {
		return fmt.Errorf("%.40q is no time from 1m to 720h: write a number with m or h, as 12h", b)
	}
	*s = Span(d)
	return nil
}

// checkServer refuses what cannot be served.
func (l *layer) checkServer() {
	f, s := l.file, &l.Server
	refuse := func(path, format string, args ...any) {
		if !f.Wrong("server." + path) {
			f.Refuse("server."+path, format, args...)
		}
	}
	tls := s.TLS != TLS{}
	switch {
	case tls && s.TLS.CertFile == "":
		refuse("tls", "tls has a key, but no certificate: add cert_file")
	case tls && s.TLS.KeyFile == "":
		refuse("tls", "tls has a certificate, but no key: add key_file")
	case tls && len(s.Proxies) > 0:
		refuse("proxies", "proxies end TLS in place of this server: leave out tls, or proxies")
	}
	if len(s.Proxies) > 0 && s.PublicURL == "" {
		refuse("proxies", "behind a proxy, the server must know what people call it by: add public_url")
	}
	if listen := s.Listen; listen != "" && !listen.Loopback() && !tls && len(s.Proxies) == 0 {
		refuse("listen", "listen: %s can be reached by others, so that TLS is demanded: add tls, or proxies that end it in front, or listen on 127.0.0.1", listen)
	}
	if o := &s.OIDC; f.Has("server.oidc") {
		switch {
		case o.Issuer == "":
			refuse("oidc", "oidc has no issuer: add it")
		case o.ClientID == "":
			refuse("oidc", "oidc has no client_id: add it")
		case len(o.Roles) == 0:
			refuse("oidc", "oidc has no roles, so that nobody could do anything: add roles, as {viewer: [\"*\"]}")
		case s.PublicURL == "":
			refuse("oidc", "oidc sends people back to this server, so that it must know what they call it by: add public_url")
		}
		if _, none := o.Roles[NoRole]; none {
			refuse("oidc.roles", "roles: none is no role that a group can have: leave such groups out")
		}
	}
	for name, n := range map[string]int{"requests_per_second": s.Limits.RequestsPerSecond, "at_once": s.Limits.AtOnce, "streams": s.Limits.Streams} {
		if f.Has("server.limits."+name) && n < 1 {
			refuse("limits."+name, "%s must be at least 1", name)
		}
	}
}

// paths makes the files of a server those that its own file means.
func (s Server) paths(l *layer) Server {
	if s.TLS.CertFile != "" {
		s.TLS.CertFile = l.relative(s.TLS.CertFile)
	}
	if s.TLS.KeyFile != "" {
		s.TLS.KeyFile = l.relative(s.TLS.KeyFile)
	}
	return s
}
