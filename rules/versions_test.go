package rules_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"awsscanner/rules"
)

var update = flag.Bool("update", false, "write testdata/versions.tsv anew")

// prose lists what a rule may say differently without finding anything else.
var prose = []string{"Title", "Why", "Fix", "Level", "Least", "Pillars"}

// TestVersions holds each rule against the hash of its check. A gate must not call new what only a changed rule finds: whoever changes
// a check decides here whether its Version has to rise.
func TestVersions(t *testing.T) {
	const file = "testdata/versions.tsv"
	checks, err := hashes()
	if err != nil {
		t.Fatal(err)
	}
	var now []string
	for i := range rules.All {
		r := &rules.All[i]
		if checks[r.ID] == "" {
			t.Fatalf("no file defines %s", r.ID)
		}
		now = append(now, fmt.Sprintf("%s\t%d\t%s", r.ID, r.Version, checks[r.ID]))
	}
	slices.Sort(now)
	text := strings.Join(now, "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	for line := range strings.Lines(string(kept)) {
		id, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		before[id] = rest
	}
	for _, line := range now {
		id, rest, _ := strings.Cut(line, "\t")
		switch was := before[id]; {
		case was == rest:
		case was == "":
			t.Errorf("%s is new: run go test ./rules -update", id)
		default:
			version, _, _ := strings.Cut(rest, "\t")
			if strings.HasPrefix(was, version+"\t") {
				t.Errorf("the check of %s has changed: if it can find what version %s could not, raise its Version; then run go test ./rules -update", id, version)
			} else {
				t.Errorf("%s has a new version: run go test ./rules -update", id)
			}
		}
	}
	if !t.Failed() && text != string(kept) {
		t.Error("a rule is gone, which keys of findings forbid unless another one names it in Formerly: run go test ./rules -update")
	}
}

// hashes returns a hash of the Go code of the file of each rule, without comments and prose.
func hashes() (map[string]string, error) {
	files, err := filepath.Glob("*/*.go")
	if err != nil {
		return nil, err
	}
	named := regexp.MustCompile(`\bID:\s*"([a-z0-9-]+)"`)
	found := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				if key, ok := pair.Key.(*ast.Ident); ok && slices.Contains(prose, key.Name) {
					pair.Value = ast.NewIdent("nil")
				}
			}
			return true
		})
		var code bytes.Buffer
		if err := format.Node(&code, token.NewFileSet(), parsed); err != nil { // a set of its own: lines do not count
			return nil, err
		}
		sum := sha256.Sum256(bytes.Join(bytes.Fields(code.Bytes()), []byte(" ")))
		for _, m := range named.FindAllSubmatch(code.Bytes(), -1) {
			found[string(m[1])] = hex.EncodeToString(sum[:8])
		}
	}
	return found, nil
}
