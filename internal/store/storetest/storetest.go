// Package storetest gives tests an empty database of each sort.
package storetest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Each runs a test on a database of each sort: a file, and PostgreSQL where that is installed. With SCANNER_TEST_POSTGRES=required a
// machine without it fails the test.
func Each(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, t.TempDir()) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

var (
	once   sync.Once
	shared *Server
	failed error
)

// Postgres returns the address of an empty database of a PostgreSQL server that is started for this test binary and ends with it.
func Postgres(t testing.TB) string {
	t.Helper()
	once.Do(func() { shared, failed = newServer() })
	return database(t, shared, failed)
}

// A Server is a PostgreSQL server that ends with this process.
type Server struct {
	bin, dir string
	port     int
	made     int // databases
	mu       sync.Mutex
	command  *exec.Cmd
	over     chan struct{}
}

// NewServer returns a server that a test may stop, and the address of an empty database on it.
func NewServer(t testing.TB) (s *Server, address string) {
	t.Helper()
	s, err := newServer()
	address = database(t, s, err)
	t.Cleanup(func() {
		s.Stop()
		os.RemoveAll(s.dir)
	})
	return s, address
}

func database(t testing.TB, s *Server, err error) string {
	t.Helper()
	if err != nil {
		if os.Getenv("SCANNER_TEST_POSTGRES") == "required" {
			t.Fatalf("no PostgreSQL: %v", err)
		}
		t.Skipf("no PostgreSQL: %v", err)
	}
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("test%d", s.made)
	s.mu.Unlock()
	conn, err := pgx.Connect(t.Context(), s.address("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	return s.address(name)
}

func (s *Server) address(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("scanner"), Host: fmt.Sprintf("127.0.0.1:%d", s.port), Path: "/" + database}).String()
}

// newServer runs a server on a free port of the loopback interface.
func newServer() (*Server, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("initdb is not installed: apt-get install postgresql")
	}
	slices.Sort(found)
	dir, err := os.MkdirTemp("", "scanner-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: filepath.Dir(found[len(found)-1]), dir: dir}
	init, err := s.run("initdb", "-D", filepath.Join(dir, "data"), "-U", "scanner", "--auth=trust", "--no-sync", "--encoding=UTF8")
	if err != nil {
		return nil, err
	}
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %v: %s", err, strings.TrimSpace(string(out)))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	return s, s.Start()
}

func (s *Server) run(name string, args ...string) (*exec.Cmd, error) {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir, c.Env = s.dir, []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
	return c, child(c, s.dir)
}

// watch ends the server at once when it is told to (QUIT), and removes its files too when this process has ended (TERM).
const watch = `dir=$1; shift; "$@" & server=$!
end() { kill -QUIT $server; wait $server; }
trap 'end; exit' QUIT
trap 'end; rm -rf "$dir"; exit' TERM
wait $server`

// Start starts the server, and waits until it answers.
func (s *Server) Start() error {
	c, err := s.run("postgres", "-D", filepath.Join(s.dir, "data"), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-k", s.dir, "-c", "fsync=off", "-c", "max_connections=200")
	if err != nil {
		return err
	}
	c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", watch, "sh", s.dir, c.Path}, c.Args[1:]...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if s.over, err = start(c); err != nil {
		return err
	}
	s.command = c
	for range 200 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, s.address("postgres"))
		if err == nil {
			conn.Close(ctx)
			cancel()
			return nil
		}
		cancel()
		time.Sleep(50 * time.Millisecond)
	}
	told, _ := os.ReadFile(log.Name())
	return fmt.Errorf("the server does not answer: %s", strings.TrimSpace(string(told)))
}

// Stop ends the server at once, as if its machine had lost power.
func (s *Server) Stop() {
	if s.command != nil {
		s.command.Process.Signal(syscall.SIGQUIT)
		<-s.over
		s.command = nil
	}
}
