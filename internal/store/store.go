// Package store keeps what scans have found over time: scans, findings with their life, events, snapshots. It is one code over SQLite, in a
// file of its own, and PostgreSQL.
//
// Findings belong to a stream: scans of the same selection, which are compared with each other. A stream is a schedule, or what
// people scan by hand. What a scan did not see changes nothing: a finding stays open until its place was seen as a whole.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	sqlitedriver "modernc.org/sqlite" // for files

	"awsscanner/internal/lockfile"
)

// A Store is an open database. It may be used by many.
type Store struct {
	DB      *sql.DB
	dialect dialect
	name    string   // for messages: the file, or the address without its password
	alone   *os.File // held by the service that works on a file
}

type dialect int

const (
	sqlite dialect = iota
	postgres
)

// Open opens a database and brings its tables up to date. Its address is postgres://..., or a directory in which the file is
// made if it is not there. A database of a newer scanner is refused.
func Open(ctx context.Context, address string) (*Store, error) {
	s, err := open(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := s.Migrating(ctx, func() error { return s.migrate(ctx) }); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, address string) (*Store, error) {
	s := &Store{}
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		config, err := pgx.ParseConfig(address)
		if err != nil {
			return nil, errors.New("the address of the database is not understood: write postgres://USER:PASSWORD@HOST:PORT/NAME") // err may tell the password
		}
		s.dialect, s.name = postgres, fmt.Sprintf("postgres://%s@%s:%d/%s", config.User, config.Host, config.Port, config.Database)
		s.DB = stdlib.OpenDB(*config)
		s.DB.SetMaxOpenConns(20)
		s.DB.SetMaxIdleConns(20) // one that is made anew is a process of the server, and knows no statement
		s.DB.SetConnMaxIdleTime(5 * time.Minute)
	} else {
		if err := os.MkdirAll(address, 0o700); err != nil {
			return nil, fmt.Errorf("the directory of the database cannot be made: %w", err)
		}
		s.name = filepath.Join(address, "scanner.db")
		f, err := os.OpenFile(s.name, os.O_CREATE|os.O_RDWR, 0o600) // so that nobody else may read it from the first moment on
		if err != nil {
			return nil, fmt.Errorf("the database cannot be opened: %w", err)
		}
		f.Close()
		v := url.Values{"_pragma": {"journal_mode(WAL)", "busy_timeout(10000)", "synchronous(NORMAL)", "foreign_keys(1)", "cache_size(-32768)", "journal_size_limit(67108864)"}, "_txlock": {"immediate"}}
		if s.DB, err = sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.name}).EscapedPath(), RawQuery: v.Encode()}).String()); err != nil {
			return nil, err
		}
		s.DB.SetMaxOpenConns(4) // WAL: readers beside one writer
		s.DB.SetMaxIdleConns(4)
	}
	err := s.DB.PingContext(ctx)
	for deadline := time.Now().Add(10 * time.Second); locked(err) && time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		err = s.DB.PingContext(ctx) // SQLite waits for others, but not while they begin a new file
	}
	if err != nil {
		s.DB.Close()
		return nil, fmt.Errorf("the database %s cannot be reached: %s", s.name, s.plain(err))
	}
	return s, nil
}

// locked reports whether SQLite says SQLITE_BUSY, or a kind of it.
func locked(err error) bool {
	var told *sqlitedriver.Error
	return errors.As(err, &told) && told.Code()&0xff == 5
}

// plain returns an error in one line, without the password that drivers may put in.
func (s *Store) plain(err error) string {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		err = connect.Unwrap()
	}
	var dial *net.OpError
	var told *pgconn.PgError
	if errors.As(err, &dial) {
		err = dial.Err
	} else if errors.As(err, &told) {
		return told.Message
	}
	text, _, _ := strings.Cut(err.Error(), "\n") // of several addresses the first
	return text
}

// Close closes the database, and lets another service have it.
func (s *Store) Close() error {
	err := s.DB.Close()
	if s.alone != nil {
		err = errors.Join(err, s.alone.Close())
	}
	return err
}

// Alone makes this process the only one that scans by schedule into a database in a file: two would read everything twice, and on two
// machines spoil the file. Others may read it, and record scans by hand. On PostgreSQL there may be many.
func (s *Store) Alone() error {
	if s.dialect == postgres {
		return nil
	}
	dir := filepath.Dir(s.name)
	name := filepath.Join(dir, "serve.lock")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("%s cannot be locked: %w", dir, err)
	}
	if err := lockfile.Try(f); err != nil {
		defer f.Close()
		if !errors.Is(err, lockfile.ErrHeld) {
			return fmt.Errorf("%s cannot be locked: %w", name, err)
		}
		who := make([]byte, 200)
		n, _ := f.Read(who)
		return fmt.Errorf("another scanner serve (%s) uses %s: end that one, or give this one a directory of its own; several machines share a PostgreSQL database", cmp.Or(strings.TrimSpace(string(who[:n])), "of another process"), dir)
	}
	s.alone = f
	host, _ := os.Hostname()
	err = f.Truncate(0)
	if err == nil {
		_, err = fmt.Fprintf(f, "process %d on %s\n", os.Getpid(), host)
	}
	return err
}

// Migrating runs a function that changes tables while no other process does.
func (s *Store) Migrating(ctx context.Context, f func() error) error {
	if s.dialect == postgres {
		conn, err := s.DB.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		const key = 7_220_331_904_116_582 // of nothing else
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, key); err != nil {
			return err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, key)
		return f()
	}
	lock, err := os.OpenFile(filepath.Join(filepath.Dir(s.name), "migrate.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	for {
		err := lockfile.Try(lock)
		if err == nil {
			return f()
		}
		if !errors.Is(err, lockfile.ErrHeld) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Name says which database it is, without its password.
func (s *Store) Name() string { return s.name }

// tx runs a function in a transaction: all of it holds, or nothing.
func (s *Store) tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.DB.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // of nothing, once it is committed
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// A Version says how far the tables are from what this scanner needs.
type Version struct {
	Database int64 // of the last migration that was made
	Scanner  int64 // of the last one that this scanner has
}

// VersionOf tells the version of a database and changes nothing.
func VersionOf(ctx context.Context, address string) (v Version, err error) {
	s, err := open(ctx, address)
	if err != nil {
		return v, err
	}
	defer s.Close()
	p, err := s.migrations()
	if err != nil {
		return v, err
	}
	v.Scanner = int64(len(all))
	v.Database, err = p.GetDBVersion(ctx)
	return v, err
}

// MigrateTo brings the tables of a database to a version, forwards or back.
func MigrateTo(ctx context.Context, address string, version int64) error {
	s, err := open(ctx, address)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrating(ctx, func() error { return s.migrateTo(ctx, version) })
}

func (s *Store) migrateTo(ctx context.Context, version int64) error {
	p, err := s.migrations()
	if err != nil {
		return err
	}
	now, err := p.GetDBVersion(ctx)
	switch {
	case err != nil:
		return err
	case now > int64(len(all)):
		return s.newer(now)
	case version > int64(len(all)):
		return fmt.Errorf("this scanner knows migrations up to %d, not %d", len(all), version)
	case version < now:
		_, err = p.DownTo(ctx, version)
	default:
		_, err = p.UpTo(ctx, version)
	}
	return err
}

func (s *Store) newer(version int64) error {
	return fmt.Errorf("the tables of %s are of a newer scanner (version %d, this one knows %d): use that scanner, or go back with its scanner db migrate --to %d", s.name, version, len(all), len(all))
}

// migrate brings the tables up to date.
func (s *Store) migrate(ctx context.Context) error {
	p, err := s.migrations()
	if err != nil {
		return err
	}
	now, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("the tables of %s cannot be read: %w", s.name, err)
	}
	if now > int64(len(all)) {
		return s.newer(now)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("the tables of %s cannot be brought up to date: %w", s.name, err)
	}
	return nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	run := func(statements string) *goose.GoFunc {
		return &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			for statement := range strings.SplitSeq(s.dialect.words(statements), ";\n") {
				if strings.TrimSpace(statement) == "" {
					continue
				}
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	var list []*goose.Migration
	for i, m := range all {
		list = append(list, goose.NewGoMigration(int64(i+1), run(m.up), run(m.down)))
	}
	of := map[dialect]goose.Dialect{sqlite: goose.DialectSQLite3, postgres: goose.DialectPostgres}[s.dialect]
	return goose.NewProvider(of, s.DB, nil, goose.WithGoMigrations(list...), goose.WithDisableGlobalRegistry(true))
}

// words puts the few words in which the dialects differ.
func (d dialect) words(statements string) string {
	if d == postgres {
		return strings.NewReplacer("$BYTES", "BYTEA", "$SERIAL", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY").Replace(statements)
	}
	return strings.NewReplacer("$BYTES", "BLOB", "$SERIAL", "INTEGER PRIMARY KEY AUTOINCREMENT").Replace(statements)
}

// Postgres reports whether the database is PostgreSQL.
func (s *Store) Postgres() bool { return s.dialect == postgres }
