package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
)

func TestReference(t *testing.T) {
	for text, want := range map[string]bool{
		"env:SCANNER_SECRET": true, "file:/run/secrets/oidc": true, "file:oidc.txt": true, "secretsmanager:prod/scanner": true, "secretsmanager:prod/scanner#client secret": true,
		"secretsmanager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:x-AbCdEf": true, "ssm:/scanner/oidc": true,
		"": false, "sesame": false, "env:": false, "env:A B": false, "env:1": false, "file:": false, "ssm:": false, "ssm:a b": false, "vault:x": false, "secretsmanager:x#": false, "ssm:/x#y": false, "ENV:X": false,
	} {
		var r Reference
		err := r.UnmarshalText([]byte(text))
		if (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
		if err == nil && r.String() != text {
			t.Errorf("%q becomes %q", text, r)
		}
		if err != nil && (text == "sesame" || text == "vault:x") && strings.Contains(err.Error(), text) {
			t.Errorf("the message repeats what may be a secret: %v", err)
		}
	}
}

func TestRead(t *testing.T) {
	r := &Reader{
		Getenv: func(name string) string { return map[string]string{"SET": "sesame"}[name] },
		ReadFile: func(name string) ([]byte, error) {
			switch name {
			case "/secret":
				return []byte("sesame\n"), nil
			case "/empty":
				return []byte("\n"), nil
			case "/two":
				return []byte("a\nb"), nil
			case "/big":
				return make([]byte, longest+1), nil
			}
			return nil, os.ErrNotExist
		},
		AWS: func(_ context.Context, kind, name string) (string, error) {
			switch kind + ":" + name {
			case "secretsmanager:json":
				return `{"client":"sesame","n":1}`, nil
			case "secretsmanager:plain", "ssm:/plain":
				return "sesame", nil
			}
			return "", errors.New("AccessDeniedException")
		},
	}
	for text, want := range map[string]string{
		"env:SET": "sesame", "file:/secret": "sesame", "secretsmanager:json#client": "sesame", "secretsmanager:plain": "sesame", "ssm:/plain": "sesame",
		"env:UNSET":                "the secret env:UNSET cannot be read: the variable is not set",
		"file:/none":               "the secret file:/none cannot be read: file does not exist",
		"file:/empty":              "the secret file:/empty is empty",
		"file:/two":                "the secret file:/two is not one line of text",
		"file:/big":                "the secret file:/big has more than 65536 bytes: it must be something else",
		"secretsmanager:json#x":    "the secret secretsmanager:json#x cannot be read: its JSON object has no such key",
		"secretsmanager:json#n":    "the secret secretsmanager:json#n cannot be read: the value of that key is no text",
		"secretsmanager:plain#key": "the secret secretsmanager:plain#key cannot be read: it is no JSON object, so that it has no keys: leave out what follows #",
		"ssm:/denied":              "the secret ssm:/denied cannot be read: AccessDeniedException",
	} {
		var ref Reference
		if err := ref.UnmarshalText([]byte(text)); err != nil {
			t.Fatal(err)
		}
		v, err := r.Read(t.Context(), ref)
		got := v.Reveal()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	r.AWS = nil
	if _, err := r.Read(t.Context(), Reference{kind: Parameter, name: "/plain"}); err == nil || !strings.Contains(err.Error(), "no access to AWS") {
		t.Errorf("without AWS: %v", err)
	}
}

// Whatever writes a secret does not show it.
func TestHidden(t *testing.T) {
	v := New("sesame")
	type holder struct {
		V Value
		P *Value
	}
	text, err := json.Marshal(holder{v, &v})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v, "h", holder{v, &v})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "h", holder{v, &v})
	all := string(text) + log.String() + fmt.Sprint(v, &v, holder{v, nil}) + fmt.Sprintf("%v %+v %#v %s %q %x %d", v, v, v, v, v, v, v) + fmt.Sprintf("%v %+v %#v", holder{v, nil}, holder{v, nil}, holder{v, nil})
	if strings.Contains(all, "sesame") || strings.Contains(all, fmt.Sprintf("%x", "sesame")) {
		t.Errorf("a secret shows: %s", all)
	}
}
