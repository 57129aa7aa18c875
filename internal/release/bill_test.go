package release

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// billSchema is the official schema of CycloneDX 1.6, as it comes with their own library.
func billSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for name, as := range map[string]string{"bom-1.6.schema.json": "", "spdx.schema.json": "", "jsf-0.82.schemax.json": "jsf-0.82.schema.json"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "schema", name))
		if err != nil {
			t.Fatal(err)
		}
		if as == "" {
			as = name
		}
		if err := c.AddResource("http://cyclonedx.org/schema/"+as, decode(t, text)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func validate(t *testing.T, s *jsonschema.Schema, text []byte) {
	t.Helper()
	if err := s.Validate(decode(t, text)); err != nil {
		t.Errorf("%v in %s", err, text)
	}
}

// linked is what the scanner's binary for Linux would say of itself.
func linked(t *testing.T) *buildinfo.BuildInfo {
	t.Helper()
	c := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", scanner)
	c.Dir, c.Env = root, Platform{"linux", "amd64"}.env()
	out, err := output(c)
	if err != nil {
		t.Fatal(err)
	}
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.8", Path: "awsscanner/cmd/scanner", Main: debug.Module{Path: "awsscanner", Version: "(devel)"},
		Settings: []debug.BuildSetting{{Key: "-trimpath", Value: "true"}, {Key: "DefaultGODEBUG", Value: ""}, {Key: "vcs.revision", Value: "0123456789012345678901234567890123456789"}}}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if path, version, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !seen[path] {
			seen[path] = true
			info.Deps = append(info.Deps, &debug.Module{Path: path, Version: version, Sum: "h1:A="})
		}
	}
	return info
}

const root, scanner = "../..", "./cmd/scanner"

// The bill of the scanner is what the standard says, names everything that is linked, and its licence.
func TestBill(t *testing.T) {
	info := linked(t)
	modules, err := Modules(t.Context(), root, scanner, Platforms)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("binary"))
	text, err := Bill("scanner", "0.1.0+x", info, sum[:], modules)
	if err != nil {
		t.Fatal(err)
	}
	validate(t, billSchema(t), text)
	var bom struct {
		SerialNumber string
		Metadata     struct {
			Timestamp string
			Component struct {
				PURL   string
				Hashes []struct{ Content string }
			}
		}
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct {
				Expression string
				License    struct{ ID string }
			}
		}
		Dependencies []struct{ DependsOn []string }
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	if len(bom.Components) != len(info.Deps)+1 || len(info.Deps) < 40 || len(bom.Dependencies) != len(bom.Components)+1 || len(bom.Dependencies[0].DependsOn) != len(bom.Components) {
		t.Errorf("%d components for %d modules, %d dependencies", len(bom.Components), len(info.Deps), len(bom.Dependencies))
	}
	licence := map[string]string{}
	for _, c := range bom.Components {
		licence[c.PURL] = c.Licenses[0].Expression + c.Licenses[0].License.ID
		if strings.HasPrefix(c.Name, "github.com/aws/aws-sdk-go-v2/service/") && !strings.HasPrefix(licence[c.PURL], "Apache-2.0") {
			t.Errorf("the licence of %s is %s", c.Name, licence[c.PURL])
		}
	}
	if got := licence["pkg:golang/std@1.26.8"]; got != "BSD-3-Clause" {
		t.Errorf("the licence of Go is %s", got)
	}
	if m := bom.Metadata; m.Timestamp != "" || m.Component.PURL != "pkg:golang/awsscanner@0.1.0%2Bx" || len(m.Component.Hashes) != 1 || len(m.Component.Hashes[0].Content) != 64 {
		t.Errorf("the metadata is %+v", m)
	}
	other := sha256.Sum256([]byte("other binary"))
	text, err = Bill("scanner", "0.1.0+x", info, other[:], modules)
	if err != nil || strings.Contains(string(text), bom.SerialNumber) {
		t.Errorf("two binaries have one serial number: %v", err)
	}
}

// A bill with a hole is none.
func TestBillRefused(t *testing.T) {
	sum := make([]byte, 32)
	std := []Module{{Path: standardLibrary, SPDX: []string{"BSD-3-Clause"}}}
	for why, m := range map[string]*debug.Module{
		"the licence of example.com/x is not known":    {Path: "example.com/x", Version: "v1.0.0"},
		"example.com/y is replaced by example.com/z: ": {Path: "example.com/y", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/z"}},
	} {
		if _, err := Bill("x", "1", &buildinfo.BuildInfo{Deps: []*debug.Module{m}}, sum, std); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want %s", err, why)
		}
	}
	if _, err := Bill("x", "1", &buildinfo.BuildInfo{}, sum, nil); err == nil {
		t.Error("the standard library has no licence, and nobody says so")
	}
}
