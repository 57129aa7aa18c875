package main

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/klauspost/compress/zstd"
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

// Of a scan under way there is a journal; a snapshot takes its place.
var savedScan = regexp.MustCompile(`^\d{6}-.*\.(jsonl\.zst|journal)$`)

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

// lastScan returns the newest finished scan.
func lastScan() (string, error) {
	dir, err := stateDir()
	if err != nil {
		return "", usage("%s: name a snapshot file", err)
	}
	all, err := savedScans(dir)
	if err != nil {
		return "", usage("%s cannot be read (%s): name a snapshot file", dir, osText(err))
	}
	all = slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, ".journal") })
	if len(all) == 0 {
		return "", usage("no scan was saved yet: run scanner scan first, or name a snapshot file")
	}
	return all[len(all)-1], nil
}

func unreadable(name string, err error) error {
	return usage("the snapshot %s cannot be read: %s", name, err)
}

// uncompressed reads a file that may be compressed, whatever its name.
func uncompressed(f *os.File) (r io.Reader, done func(), err error) {
	in := bufio.NewReaderSize(f, 1<<16)
	if head, _ := in.Peek(4); string(head) != "\x28\xb5\x2f\xfd" { // RFC 8878
		return in, func() {}, nil
	}
	z, err := zstd.NewReader(in)
	if err != nil {
		return nil, nil, err
	}
	return compressed{z}, z.Close, nil
}

type compressed struct{ *zstd.Decoder }

func (c compressed) Read(b []byte) (int, error) {
	n, err := c.Decoder.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the compressed file is cut off")
	}
	return n, err
}
