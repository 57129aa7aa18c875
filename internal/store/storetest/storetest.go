// Package storetest gives tests an empty database of each sort.
package storetest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
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
	server string // address of the database postgres
	failed error
	number int
	mu     sync.Mutex
)

// Postgres returns the address of an empty database of a PostgreSQL server that is started for this test binary and ends with it.
func Postgres(t testing.TB) string {
	t.Helper()
	once.Do(func() { server, failed = start() })
	if failed != nil {
		if os.Getenv("SCANNER_TEST_POSTGRES") == "required" {
			t.Fatalf("no PostgreSQL: %v", failed)
		}
		t.Skipf("no PostgreSQL: %v", failed)
	}
	mu.Lock()
	number++
	name := fmt.Sprintf("test%d", number)
	mu.Unlock()
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(server)
	u.Path = "/" + name
	return u.String()
}

// start runs a server on a free port of the loopback interface. It ends when this process does.
func start() (string, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("initdb is not installed: apt-get install postgresql")
	}
	slices.Sort(found)
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "scanner-postgres-")
	if err != nil {
		return "", err
	}
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} // which ends it at once
	if os.Getuid() == 0 {                                    // it refuses to run as root
		u, err := user.Lookup("postgres")
		if err != nil {
			return "", err
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(dir, uid, gid); err != nil {
			return "", err
		}
	}
	run := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.SysProcAttr, c.Env = dir, attr, []string{"LC_ALL=C", "TZ=UTC", "PATH=" + os.Getenv("PATH")}
		return c
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-U", "scanner", "--auth=trust", "--no-sync").CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %v: %s", err, strings.TrimSpace(string(out)))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	c := run("postgres", "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", dir, "-c", "fsync=off", "-c", "max_connections=200")
	log, err := os.Create(filepath.Join(os.TempDir(), filepath.Base(dir)+".log"))
	if err != nil {
		return "", err
	}
	c.Stdout, c.Stderr = log, log
	ready := make(chan error, 1)
	go func() { // the thread that starts it must live as long as this process: its end would end the server
		lock(c, ready)
	}()
	if err := <-ready; err != nil {
		return "", err
	}
	address := fmt.Sprintf("postgres://scanner@127.0.0.1:%d/postgres", port)
	for range 200 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		conn, err := pgx.Connect(ctx, address)
		if err == nil {
			conn.Close(ctx)
			cancel()
			return address, nil
		}
		cancel()
		time.Sleep(50 * time.Millisecond)
	}
	return "", fmt.Errorf("the server does not answer: see %s", log.Name())
}
