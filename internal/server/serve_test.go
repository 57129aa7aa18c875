package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"awsscanner/internal/config"
	"awsscanner/internal/store"
)

// writeCertificate writes a certificate of a serial number.
func writeCertificate(t *testing.T, dir string, serial int64, changed time.Time) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	x := config.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	for name, block := range map[string]*pem.Block{x.CertFile: {Type: "CERTIFICATE", Bytes: der}, x.KeyFile: {Type: "PRIVATE KEY", Bytes: hidden}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

// It serves by TLS, takes a new certificate when there is one, and ends when it is told to, with those who follow scans.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	clock := &atomic.Int64{}
	w := closed(t, func(o *Options) {
		o.Settings.Listen = "0.0.0.0:0"
		o.Settings.TLS = writeCertificate(t, dir, 1, now)
		o.Now = func() time.Time { return now.Add(time.Duration(clock.Load())) }
	})
	_, token := w.token(config.Viewer, time.Time{})
	id := store.NewID()
	if err := w.store.Begin(t.Context(), store.Scan{ID: id, Stream: "production", Created: now}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.ServeOn(ctx, l) }()
	get := func(path string) (*http.Response, error) {
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
		r, err := http.NewRequest("GET", "https://"+l.Addr().String()+path, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return c.Do(r)
	}
	serial := func() int64 {
		t.Helper()
		x, err := get("/api/v1/me")
		if err != nil {
			t.Fatal(err)
		}
		defer x.Body.Close()
		if x.StatusCode != 200 {
			b, _ := io.ReadAll(x.Body)
			t.Fatalf("%d %s", x.StatusCode, b)
		}
		return x.TLS.PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 1 {
		t.Errorf("certificate %d", n)
	}
	writeCertificate(t, dir, 2, now.Add(time.Minute))
	if n := serial(); n != 1 {
		t.Errorf("certificate %d at once", n)
	}
	clock.Store(int64(2 * time.Minute))
	if n := serial(); n != 2 {
		t.Errorf("certificate %d after a while", n)
	}
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	clock.Store(int64(4 * time.Minute))
	if n := serial(); n != 2 {
		t.Errorf("certificate %d while a new one is written", n)
	}
	if _, err := http.Get("http://" + l.Addr().String() + "/healthz"); err == nil {
		x, _ := http.Get("http://" + l.Addr().String() + "/healthz")
		if x != nil && x.StatusCode != 400 {
			t.Errorf("by http: %d", x.StatusCode)
		}
	}
	follow, err := get("/api/v1/scans/" + id + "/events")
	if err != nil || follow.StatusCode != 200 {
		t.Fatal(follow, err)
	}
	stop()
	if _, err := io.ReadAll(follow.Body); err != nil {
		t.Errorf("who follows a scan: %v", err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := get("/healthz"); err == nil {
		t.Error("it still answers")
	}
}

func TestServeFails(t *testing.T) {
	w := build(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.listen = config.Address(l.Addr().String())
	if err := w.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "the server cannot listen") {
		t.Errorf("a port that is taken: %v", err)
	}
	w.close(func(o *Options) {
		o.Settings.TLS = config.TLS{CertFile: "/nothing", KeyFile: "/no-key"}
		_, _ = w.token(config.Admin, time.Time{})
	})
	m, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.ServeOn(t.Context(), m); err == nil || !strings.Contains(err.Error(), "the certificate /nothing with the key /no-key cannot be used: ") {
		t.Errorf("no certificate: %v", err)
	}
}
