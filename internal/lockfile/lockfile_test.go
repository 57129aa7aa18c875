package lockfile_test

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"awsscanner/internal/lockfile"
)

// A process that holds the file of its argument until it is killed.
func TestMain(m *testing.M) {
	if name := os.Getenv("LOCKFILE_TEST"); name != "" {
		f, err := os.Open(name)
		if err == nil {
			err = lockfile.Try(f)
		}
		if err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		os.Stdout.WriteString("held\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestTry(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := lockfile.Try(f); err != nil {
		t.Fatal(err)
	}
	again, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := lockfile.Try(again); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("held twice: %v", err)
	}
	f.Close()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "LOCKFILE_TEST="+name)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Errorf("what was closed is still held: %q", line)
	}
	if err := lockfile.Try(again); !errors.Is(err, lockfile.ErrHeld) {
		t.Errorf("held by two processes: %v", err)
	}
	other.Process.Kill()
	other.Wait()
	if err := lockfile.Try(again); err != nil {
		t.Errorf("held by a process that is dead: %v", err)
	}
}
