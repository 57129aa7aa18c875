package config

import (
	"path/filepath"
	"testing"
	"time"
)

func TestServer(t *testing.T) {
	c, why := load(t, nil, `server:
  listen: 0.0.0.0:8443
  public_url: https://scanner.example.com
  tls: {cert_file: tls/cert.pem, key_file: /key.pem}
  session: 8h
  oidc:
    issuer: https://id.example.com
    client_id: scanner
    client_secret: env:OIDC_SECRET
    roles:
      viewer: "*"
      admin: [platform, security]
  limits: {streams: 20}
`)
	if why != "" {
		t.Fatal(why)
	}
	s := c.Server
	if s.Listen.Loopback() || s.PublicURL.Host() != "scanner.example.com" || filepath.Base(filepath.Dir(s.TLS.CertFile)) != "tls" || !filepath.IsAbs(s.TLS.CertFile) || s.TLS.KeyFile != "/key.pem" ||
		time.Duration(s.Session) != 8*time.Hour || s.OIDC.ClientSecret.String() != "env:OIDC_SECRET" || s.OIDC.Roles[Viewer][0] != "*" || len(s.OIDC.Roles[Admin]) != 2 || s.Limits.Streams != 20 {
		t.Errorf("%+v", s)
	}
	if c, why = load(t, nil, "server: {listen: '[::1]:0', local_role: none}\n"); why != "" || !c.Server.Listen.Loopback() || c.Server.LocalRole != NoRole {
		t.Errorf("%+v %s", c, why)
	}
	for text, want := range map[string]string{
		"server: {listen: localhost:8080}\n": "",
		"server: {listen: 127.0.0.2:80}\n":   "",
		"server: {proxies: [10.1.2.3, 'fd00::/8'], public_url: https://x.example, listen: ':80'}\n": "",
		"server:\n  listen: 0.0.0.0:80\n":                                                   "a.yaml:2: listen: 0.0.0.0:80 can be reached by others, so that TLS is demanded: add tls, or proxies that end it in front, or listen on 127.0.0.1",
		"server: {listen: ':80'}\n":                                                         "a.yaml:1: listen: :80 can be reached by others, so that TLS is demanded: add tls, or proxies that end it in front, or listen on 127.0.0.1",
		"server: {listen: example.com:80}\n":                                                `a.yaml:1: listen: "example.com:80" is nowhere to listen: write an IP address and a port, as 127.0.0.1:8080, or :8080`,
		"server: {listen: 8080}\n":                                                          `a.yaml:1: listen: "8080" is nowhere to listen: write an IP address and a port, as 127.0.0.1:8080, or :8080`,
		"server: {tls: {cert_file: x}}\n":                                                   "a.yaml:1: tls has a certificate, but no key: add key_file",
		"server: {tls: {key_file: x}}\n":                                                    "a.yaml:1: tls has a key, but no certificate: add cert_file",
		"server: {proxies: 10.0.0.0/8}\n":                                                   "a.yaml:1: behind a proxy, the server must know what people call it by: add public_url",
		"server: {proxies: here}\n":                                                         `a.yaml:1: an item of proxies: "here" is no network: write it as 10.0.0.0/8, or a single address`,
		"server: {public_url: http://x.example}\n":                                          `a.yaml:1: public_url: "http://x.example" begins with http: what is beyond this machine must be https`,
		"server: {public_url: x.example}\n":                                                 `a.yaml:1: public_url: "x.example" is no address of a site: write it as https://scanner.example.com`,
		"server: {local_role: root}\n":                                                      `a.yaml:1: local_role: "root" is no role: use viewer, operator, admin or none`,
		"server: {session: 1s}\n":                                                           `a.yaml:1: session: "1s" is no time from 1m to 720h: write a number with m or h, as 12h`,
		"server: {limits: {at_once: 0}}\n":                                                  "a.yaml:1: at_once must be at least 1",
		"server: {oidc: {client_secret: hunter2hunter2}}\n":                                 "a.yaml:1: client_secret: a secret does not belong into settings: say where it is kept, as env:NAME, file:PATH, secretsmanager:NAME, secretsmanager:NAME#KEY or ssm:NAME",
		"server: {oidc: {issuer: https://x.example}}\n":                                     "a.yaml:1: oidc has no client_id: add it",
		"server: {oidc: {issuer: https://x.example, client_id: x}}\n":                       `a.yaml:1: oidc has no roles, so that nobody could do anything: add roles, as {viewer: ["*"]}`,
		"server: {oidc: {issuer: https://x.example, client_id: x, roles: {viewer: '*'}}}\n": "a.yaml:1: oidc sends people back to this server, so that it must know what they call it by: add public_url",
		"server: {public_url: https://y.example, oidc: {issuer: https://x.example, client_id: x, roles: {none: x}}}\n": "a.yaml:1: roles: none is no role that a group can have: leave such groups out",
	} {
		if _, why := load(t, nil, text); why != want {
			t.Errorf("%q\n is refused with %s\n           want %s", text, why, want)
		}
	}
	if _, why := load(t, nil, "server: {listen: 127.0.0.1:1}\nlocked: server\n", "server: {listen: 127.0.0.1:2}\n"); why != "b.yaml:1: server is locked by a.yaml:2 (locked: server): remove it here" {
		t.Errorf("a locked server: %s", why)
	}
}
