// Package licenses holds the licences of the scanner and of all that is linked into it. Each binary carries them, as most of them ask for.
package licenses

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
)

// compressed is written by make licenses; a test of package release holds it against the modules that are linked.
//
//go:embed licenses.txt.gz
var compressed []byte

// Write writes the licences as text.
func Write(w io.Writer) error {
	text, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return fmt.Errorf("reading the licences: %w", err)
	}
	_, err = io.Copy(w, text)
	return err
}
