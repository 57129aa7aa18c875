package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"awsscanner/internal/engine"
	"awsscanner/internal/lockfile"
	"awsscanner/internal/model/kinds"
)

// keeping says what becomes of what a scan reads.
type keeping struct {
	journal   bool   // it stands in the state directory from the first cell on
	tags      bool   // of what is judged are asked for
	resume    string // the journal or snapshot to go on from; "" for none
	logFormat string
	warnings  io.Writer
}

// A journal is the file of a scan under way, and where it will go.
type journal struct {
	*engine.Journal
	file  *os.File
	final string // name of the snapshot that it becomes; "" if the file has no name
	end   engine.End

	mu  sync.Mutex
	err error // the first that occurred: from then on nothing is written
}

// oldest is how long after its begin a scan may be resumed: later, what was read first may no longer be so.
const oldest = 24 * time.Hour

// newJournal begins a journal in the state directory, or in a file that nobody else sees.
func newJournal(h engine.Header, kept bool) (*journal, error) {
	if !kept {
		f, err := os.CreateTemp("", "scanner-*.journal")
		if err != nil {
			return nil, errors.New(osText(err))
		}
		os.Remove(f.Name()) // it stays until it is closed
		j, err := engine.NewJournal(f, h, kinds.All, false)
		return &journal{Journal: j, file: f}, err
	}
	f, err := createJournal(h.Accounts(), h.Start)
	if err != nil {
		return nil, err
	}
	j, err := engine.NewJournal(f, h, kinds.All, true)
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, fmt.Errorf("%s: %s", f.Name(), osText(err))
	}
	return &journal{Journal: j, file: f, final: strings.TrimSuffix(f.Name(), ".journal") + ".jsonl.zst"}, nil
}

// createJournal makes a file of the next free number in the state directory, and holds it for this process.
func createJournal(accounts []string, start time.Time) (*os.File, error) {
	dir, err := stateDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%s: %s", dir, osText(err))
	}
	all, err := savedScans(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", dir, osText(err))
	}
	n := 1
	if len(all) > 0 {
		fmt.Sscanf(filepath.Base(all[len(all)-1]), "%d-", &n)
		n++
	}
	account := "none"
	if len(accounts) > 0 {
		account = accounts[0]
	}
	for ; ; n++ {
		name := filepath.Join(dir, fmt.Sprintf("%06d-%s-%s.journal", n, account, start.UTC().Format("20060102T150405Z")))
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) { // of another scan that begins now
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s", dir, osText(err))
		}
		return f, hold(f)
	}
}

// hold keeps other processes from resuming the same scan.
func hold(f *os.File) error {
	if err := lockfile.Try(f); errors.Is(err, lockfile.ErrHeld) {
		return fmt.Errorf("%s is in use by another scanner", f.Name())
	} else if err != nil {
		return fmt.Errorf("%s cannot be locked: %s", f.Name(), osText(err))
	}
	return nil
}

// resumeJournal opens what an earlier scan has read: its journal, or the snapshot that came of it. Name is "last" for the newest.
func resumeJournal(name string, now time.Time, all []account) (*journal, error) {
	if name == "last" {
		dir, err := stateDir()
		if err != nil {
			return nil, usage("--resume: %s", err)
		}
		scans, err := savedScans(dir)
		if err != nil || len(scans) == 0 {
			return nil, usage("--resume: no scan was kept yet: leave --resume out")
		}
		name = scans[len(scans)-1]
	}
	bad := func(err error) error { return usage("--resume: %s cannot be resumed: %s", name, err) }
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, bad(errors.New(osText(err)))
	}
	j := &journal{file: f}
	if strings.HasSuffix(name, ".journal") {
		j.final = strings.TrimSuffix(name, ".journal") + ".jsonl.zst"
		if err = hold(f); err == nil {
			j.Journal, err = engine.OpenJournal(f, kinds.All)
		}
	} else {
		j, err = fromSnapshot(f)
		f.Close()
	}
	if err == nil {
		err = j.fits(now, all)
	}
	if err != nil {
		if j != nil && j.file != nil {
			j.file.Close()
		}
		return nil, bad(err)
	}
	return j, nil
}

// fits refuses what is of other accounts, or too old to be told as one with what is read now.
func (j *journal) fits(now time.Time, all []account) error {
	if age := now.Sub(j.Start); age > oldest {
		return fmt.Errorf("it was begun at %s, and after %s what it has may no longer be so: scan anew", j.Start.UTC().Format("2006-01-02 15:04 UTC"), oldest)
	}
	for _, id := range j.Accounts() {
		if !slices.ContainsFunc(all, func(a account) bool { return a.id == id }) {
			var now []string
			for _, a := range all {
				now = append(now, a.id)
			}
			return fmt.Errorf("it is of account %s, but this scan reads %s: give it the same credentials and accounts, or scan anew", id, strings.Join(now[:min(3, len(now))], ", "))
		}
	}
	return nil
}

// fromSnapshot makes a journal of a snapshot, which stays as it is.
func fromSnapshot(f *os.File) (*journal, error) {
	r, closeReader, err := uncompressed(f)
	if err != nil {
		return nil, err
	}
	defer closeReader()
	to, err := createJournal(nil, time.Now())
	if err != nil {
		return nil, err
	}
	j := &journal{file: to, final: strings.TrimSuffix(to.Name(), ".journal") + ".jsonl.zst"}
	if _, err = io.Copy(to, r); err == nil {
		if _, err = to.Seek(0, io.SeekStart); err == nil {
			j.Journal, err = engine.OpenJournal(to, kinds.All) // without its end, which is no cell
		}
	}
	if err != nil {
		os.Remove(to.Name())
	}
	return j, err
}

// append adds a cell. After an error the journal is no longer written.
func (j *journal) append(c engine.Cell) error {
	j.mu.Lock()
	err := j.err
	j.mu.Unlock()
	if err == nil {
		if err = j.Append(c); err != nil {
			j.mu.Lock()
			j.err = cmp.Or(j.err, err)
			j.mu.Unlock()
		}
	}
	return err
}

// open returns the snapshot that the journal has become.
func (j *journal) open() (io.ReadCloser, error) {
	r, err := j.Snapshot(j.end)
	return io.NopCloser(r), err
}

// save writes the snapshot to a file.
func (j *journal) save(name string) error {
	return writeSnapshot(name, func(w io.Writer) error {
		r, err := j.Snapshot(j.end)
		if err == nil {
			_, err = io.Copy(w, bufio.NewReaderSize(r, 1<<20))
		}
		return err
	})
}

// keep turns the journal into a snapshot in the state directory, and forgets all but the newest.
func (j *journal) keep() (name string, err error) {
	if j.err == nil {
		err = j.save(j.final)
	} else {
		err = j.err
	}
	if err != nil {
		return "", fmt.Errorf("%s: %s", filepath.Dir(j.final), osText(err))
	}
	os.Remove(strings.TrimSuffix(j.final, ".jsonl.zst") + ".journal")
	all, err := savedScans(filepath.Dir(j.final))
	for i := 0; err == nil && i < len(all)-kept; i++ {
		if f, openErr := os.Open(all[i]); openErr == nil {
			if !strings.HasSuffix(all[i], ".journal") || hold(f) == nil { // another scan may be under way
				err = os.Remove(all[i])
			}
			f.Close()
		}
	}
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return j.final, err
}

// close lets others resume the journal, if it is still there.
func (j *journal) close() {
	if j != nil {
		j.file.Close()
	}
}

// writeSnapshot writes a snapshot, compressed if its name ends in .zst. Only its owner may read it.
func writeSnapshot(name string, write func(io.Writer) error) error {
	return atomically(name, 0o600, func(w io.Writer) error {
		if !strings.HasSuffix(name, ".zst") {
			return write(w)
		}
		z, err := zstd.NewWriter(w)
		if err != nil {
			return err
		}
		err = write(z)
		return cmp.Or(err, z.Close())
	})
}
