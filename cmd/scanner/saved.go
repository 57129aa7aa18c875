package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/kinds"
)

// kept is how many scans stay in the state directory.
const kept = 5

// stateDir is where scans are saved: the XDG state directory.
func stateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "scanner"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("neither XDG_STATE_HOME nor HOME says where to keep scans")
	}
	return filepath.Join(home, ".local", "state", "scanner"), nil
}

// keep saves a scan in the state directory, and forgets all but the newest.
func keep(s *engine.Snapshot) (name string, err error) {
	dir, err := stateDir()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%s: %s", dir, osText(err))
	}
	account := "none"
	if len(s.Read) > 0 {
		account = s.Read[0].Account
	}
	all, err := savedScans(dir)
	if err != nil {
		return "", err
	}
	n := 1
	if len(all) > 0 {
		fmt.Sscanf(filepath.Base(all[len(all)-1]), "%d-", &n)
		n++
	}
	name = filepath.Join(dir, fmt.Sprintf("%06d-%s-%s.jsonl.zst", n, account, s.Start.UTC().Format("20060102T150405Z")))
	if err := saveSnapshot(name, s); err != nil {
		return "", fmt.Errorf("%s: %s", dir, osText(err))
	}
	for i := range max(0, len(all)+1-kept) {
		if err := os.Remove(all[i]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return name, err
		}
	}
	return name, nil
}

var savedScan = regexp.MustCompile(`^\d{6}-.*\.jsonl\.zst$`)

// savedScans lists the saved scans, oldest first.
func savedScans(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // in order
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	var all []string
	for _, e := range entries {
		if savedScan.MatchString(e.Name()) {
			all = append(all, filepath.Join(dir, e.Name()))
		}
	}
	return all, err
}

// lastScan returns the newest saved scan.
func lastScan() (string, error) {
	dir, err := stateDir()
	if err != nil {
		return "", usage("%s: name a snapshot file", err)
	}
	all, err := savedScans(dir)
	if err != nil {
		return "", usage("%s cannot be read (%s): name a snapshot file", dir, osText(err))
	}
	if len(all) == 0 {
		return "", usage("no scan was saved yet: run scanner scan first, or name a snapshot file")
	}
	return all[len(all)-1], nil
}

// saveSnapshot writes a snapshot, compressed if its name ends in .zst. Only its owner may read it.
func saveSnapshot(name string, s *engine.Snapshot) error {
	return atomically(name, 0o600, func(w io.Writer) error {
		if !strings.HasSuffix(name, ".zst") {
			return s.Save(w)
		}
		z, err := zstd.NewWriter(w)
		if err != nil {
			return err
		}
		err = s.Save(z)
		return cmp.Or(err, z.Close())
	})
}

// loadSnapshot reads a snapshot file.
func loadSnapshot(name string) (*engine.Snapshot, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage("the snapshot %s cannot be read: %s", name, osText(err))
	}
	defer f.Close()
	in := bufio.NewReader(f)
	var r io.Reader = in
	compressed := false
	if head, _ := in.Peek(4); string(head) == "\x28\xb5\x2f\xfd" { // RFC 8878: compressed, whatever its name
		z, err := zstd.NewReader(in)
		if err != nil {
			return nil, usage("the snapshot %s cannot be read: %s", name, err)
		}
		defer z.Close()
		r, compressed = z, true
	}
	s, err := engine.Load(r, kinds.All)
	if compressed && errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, usage("the snapshot %s cannot be read: the compressed file is cut off", name)
	}
	if err != nil {
		return nil, usage("the snapshot %s cannot be read: %s", name, err)
	}
	return s, nil
}
