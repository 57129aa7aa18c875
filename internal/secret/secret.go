// Package secret reads secrets from where they are kept. Settings hold references only, and what was read does not show itself: neither in
// messages nor in logs nor in JSON.
package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A Reference says where a secret is kept. It is no secret.
type Reference struct{ kind, name, key string }

// Where secrets may be kept.
const (
	Environment    = "env"
	File           = "file"
	SecretsManager = "secretsmanager"
	Parameter      = "ssm"
)

const forms = "env:NAME, file:PATH, secretsmanager:NAME, secretsmanager:NAME#KEY or ssm:NAME"

var (
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	kept      = regexp.MustCompile(`^[A-Za-z0-9/_+=.@:-]+$`)
	jsonKey   = regexp.MustCompile(`^[^\x00-\x1f]+$`)
	fromStore = map[string]bool{SecretsManager: true, Parameter: true}
)

// UnmarshalText reads a reference. What is none may be a secret, so that no message repeats it.
func (r *Reference) UnmarshalText(b []byte) error {
	kind, name, _ := strings.Cut(string(b), ":")
	x := Reference{kind: kind, name: name}
	if kind == SecretsManager {
		x.name, x.key, _ = strings.Cut(name, "#")
	}
	switch {
	case kind == Environment && variable.MatchString(name),
		kind == File && name != "" && utf8.ValidString(name) && !strings.Contains(name, "\x00"),
		fromStore[kind] && kept.MatchString(x.name) && (x.key == "" && !strings.HasSuffix(name, "#") || jsonKey.MatchString(x.key)):
		*r = x
		return nil
	}
	return errors.New("a secret does not belong into settings: say where it is kept, as " + forms)
}

// MarshalText writes a reference as UnmarshalText reads it.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Reference) String() string {
	switch {
	case r.kind == "":
		return ""
	case r.key != "":
		return r.kind + ":" + r.name + "#" + r.key
	}
	return r.kind + ":" + r.name
}

// IsZero reports whether there is no reference.
func (r Reference) IsZero() bool { return r.kind == "" }

// A Value is a secret. Whatever writes it writes no more than that.
type Value struct{ text string }

// New makes a secret of a text.
func New(text string) Value { return Value{text} }

const shown = "(secret)"

// Reveal returns the secret itself, for whom it is meant for.
func (v Value) Reveal() string { return v.text }

func (v Value) String() string               { return shown }
func (v Value) GoString() string             { return shown }
func (v Value) Format(f fmt.State, _ rune)   { f.Write([]byte(shown)) }
func (v Value) MarshalText() ([]byte, error) { return []byte(shown), nil }
func (v Value) LogValue() slog.Value         { return slog.StringValue(shown) }
func (v Value) IsZero() bool                 { return v.text == "" }

// A Reader reads secrets.
type Reader struct {
	Getenv   func(string) string
	ReadFile func(string) ([]byte, error)
	// AWS reads a secret of Secrets Manager, or a parameter of Systems Manager; nil if there is no access to either.
	AWS func(ctx context.Context, kind, name string) (string, error)
}

// Process reads from this process's environment and files.
func Process() *Reader { return &Reader{Getenv: os.Getenv, ReadFile: os.ReadFile} }

// longest is how long a secret may be.
const longest = 64 << 10

// Read returns the secret that a reference means. One that is empty is none.
func (r *Reader) Read(ctx context.Context, ref Reference) (Value, error) {
	text, err := r.read(ctx, ref)
	if err != nil {
		return Value{}, fmt.Errorf("the secret %s cannot be read: %w", ref, err)
	}
	text = strings.TrimRight(text, "\r\n") // editors and echo put one after it
	switch {
	case text == "":
		return Value{}, fmt.Errorf("the secret %s is empty", ref)
	case len(text) > longest:
		return Value{}, fmt.Errorf("the secret %s has more than %d bytes: it must be something else", ref, longest)
	case !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\r\n"):
		return Value{}, fmt.Errorf("the secret %s is not one line of text", ref)
	}
	return Value{text}, nil
}

func (r *Reader) read(ctx context.Context, ref Reference) (string, error) {
	switch ref.kind {
	case "":
		return "", errors.New("there is no reference")
	case Environment:
		text := r.Getenv(ref.name)
		if text == "" {
			return "", errors.New("the variable is not set")
		}
		return text, nil
	case File:
		b, err := r.ReadFile(ref.name)
		return string(b), err
	}
	if r.AWS == nil {
		return "", errors.New("there is no access to AWS here")
	}
	text, err := r.AWS(ctx, ref.kind, ref.name)
	if err != nil || ref.key == "" {
		return text, err
	}
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &object) != nil { // whose error may tell a part of it
		return "", errors.New("it is no JSON object, so that it has no keys: leave out what follows #")
	}
	var value string
	if raw, ok := object[ref.key]; !ok {
		return "", errors.New("its JSON object has no such key")
	} else if json.Unmarshal(raw, &value) != nil {
		return "", errors.New("the value of that key is no text")
	}
	return value, nil
}
