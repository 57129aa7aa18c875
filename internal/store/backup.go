package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Backup writes a copy of the database to a file that is not there yet, while it is in use: what is there at one moment, as a database in a file. So
// whoever has a PostgreSQL database can look at it, and restore it, without one. What the queue has ordered is left out: it is ordered anew.
func (s *Store) Backup(ctx context.Context, file string) error {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already", file)
	}
	part := file + ".part" // so that nobody takes half a backup for one
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	defer os.Remove(part) // of nothing, once it has its name
	if s.dialect == postgres {
		err = s.copyTo(ctx, part)
	} else {
		_, err = s.DB.ExecContext(ctx, `VACUUM INTO $1`, part)
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", file, err)
	}
	return os.Rename(part, file)
}

// copyTo copies all that this scanner keeps into an empty file.
func (s *Store) copyTo(ctx context.Context, file string) error {
	to, err := openFile(file, "rw")
	if err != nil {
		return err
	}
	defer to.DB.Close()
	if err := to.migrateTo(ctx, int64(len(all))); err != nil {
		return err
	}
	return errors.Join(copyAll(ctx, s, to, int64(len(all))), to.DB.Close())
}

// openFile opens a backup. Unlike a database in use it is one file, and nothing beside it.
func openFile(file, mode string) (*Store, error) {
	full, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	v := url.Values{"mode": {mode}, "_pragma": {"busy_timeout(10000)"}, "_txlock": {"deferred"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: full}).EscapedPath(), RawQuery: v.Encode()}).String())
	return &Store{DB: db, dialect: sqlite, name: file}, err
}

// Restore fills an empty database, of either sort, with a backup of either sort. A backup of an older scanner is brought up to date.
func Restore(ctx context.Context, address, file string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	from, err := openFile(file, "ro")
	if err != nil {
		return err
	}
	defer from.DB.Close()
	var version int64
	if err := from.DB.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&version); err != nil || version < 1 {
		return fmt.Errorf("%s is no backup: give a file that scanner db backup has written", file)
	}
	if version > int64(len(all)) {
		return fmt.Errorf("%s is of a newer scanner (version %d, this one knows %d): restore it with that scanner", file, version, len(all))
	}
	s, err := open(ctx, address)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Alone(); err != nil {
		return err
	}
	return s.Migrating(ctx, func() error {
		if err := s.migrate(ctx); err != nil {
			return err
		}
		var n int
		if err := s.DB.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM scans) + (SELECT COUNT(*) FROM findings)`).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%s holds scans already: restore into an empty database", s.name)
		}
		if err := s.migrateTo(ctx, version); err != nil {
			return err
		}
		if err := copyAll(ctx, from, s, version); err != nil {
			return fmt.Errorf("%s cannot be restored: %w", file, err)
		}
		return s.migrate(ctx)
	})
}

var tableNames = regexp.MustCompile(`(CREATE|DROP) TABLE (\w+)`)

// tables lists those of a version, in the order in which they were made.
func tables(version int64) (names []string) {
	for _, m := range all[:version] {
		for _, found := range tableNames.FindAllStringSubmatch(m.up, -1) {
			names = slices.DeleteFunc(names, func(name string) bool { return name == found[2] })
			if found[1] == "CREATE" {
				names = append(names, found[2])
			}
		}
	}
	return names
}

// copyAll copies the rows of all tables of a version, as they are at one moment, into tables of that version that are empty.
func copyAll(ctx context.Context, from, to *Store, version int64) error {
	o := &sql.TxOptions{ReadOnly: true}
	if from.dialect == postgres {
		o.Isolation = sql.LevelRepeatableRead
	}
	reading, err := from.DB.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer reading.Rollback()
	return to.tx(ctx, func(tx *sql.Tx) error {
		for _, table := range tables(version) {
			if err := copyTable(ctx, reading, tx, to.dialect, table); err != nil {
				return fmt.Errorf("table %s: %w", table, err)
			}
		}
		return nil
	})
}

// manyBytes is how much a statement that copies rows may hold.
const manyBytes = 4 << 20

func copyTable(ctx context.Context, from, to *sql.Tx, d dialect, table string) error {
	rows, err := from.QueryContext(ctx, `SELECT * FROM `+table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into, bytes := make([]any, len(columns)), make([]any, len(columns)), 0
	for i := range values {
		into[i] = &values[i]
	}
	id, numbered := slices.Index(columns, "id"), false // by the database
	head := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `)`
	if d == postgres {
		head += ` OVERRIDING SYSTEM VALUE` // of numbers that the database would choose
	}
	b := newBatch(to, d, head+` VALUES `, len(columns), "")
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if id >= 0 {
			_, numbered = values[id].(int64)
		}
		for _, v := range values {
			switch v := v.(type) {
			case string:
				bytes += len(v)
			case []byte:
				bytes += len(v)
			}
		}
		if err := b.add(ctx, slices.Clone(values)...); err != nil {
			return err
		}
		if bytes > manyBytes {
			bytes = 0
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(rows.Err(), b.flush(ctx)); err != nil || !numbered || d != postgres {
		return err
	}
	_, err = to.ExecContext(ctx, `SELECT setval(pg_get_serial_sequence($1, 'id'), (SELECT MAX(id) FROM `+table+`))`, table)
	return err
}
