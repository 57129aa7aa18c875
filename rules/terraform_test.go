package rules

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var mirror = flag.String("terraform", "", "write testdata/terraform.txt and validate all fragments with the AWS provider in this `folder`, a file system mirror")

const requireProvider = "terraform {\n  required_providers {\n    aws = { source = \"hashicorp/aws\" }\n  }\n}\n"

// leftOut marks what a fragment leaves out and Terraform wants: required arguments of its resources, and resources that it refers to.
// Nothing is reported of it.
const leftOut = " # left out\n"

// Terraform itself and the AWS provider find nothing wrong in the fragments.
func TestTerraform(t *testing.T) {
	if *mirror == "" {
		t.Skip("needs Terraform and the AWS provider: make iac PROVIDERS=<folder>")
	}
	tf := terraform{t, t.TempDir()}
	tf.write("main.tf", requireProvider)
	tf.write("terraform.rc", fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", *mirror))
	tf.run("init", "-input=false")
	schemas := tf.schemas()
	var modules strings.Builder
	types := map[string]bool{}
	for i := range All {
		id, fragment := All[i].ID, All[i].Fix.IaC
		if isCloudFormation(fragment) {
			continue
		}
		text := fill(fragment, plausible)
		file, problems := hclsyntax.ParseConfig([]byte(text), id, hcl.InitialPos)
		if problems.HasErrors() {
			t.Errorf("%s: %v", id, problems)
			continue
		}
		body := file.Body.(*hclsyntax.Body)
		text = schemas.complete(text, body, types)
		fmt.Fprintf(&modules, "module %q {\n  source = \"./%s\"\n", id, id)
		for _, b := range body.Blocks {
			if b.Type == "variable" {
				fmt.Fprintf(&modules, "  %s = \"x\"\n", b.Labels[0])
			}
		}
		modules.WriteString("}\n")
		tf.write(id+"/fragment.tf", text)
		tf.write(id+"/provider.tf", requireProvider+"provider \"aws\" {\n  region = \"eu-central-1\"\n}\nprovider \"aws\" {\n  alias  = \"us_east_1\"\n  region = \"us-east-1\"\n}\n")
	}
	tf.write("modules.tf", modules.String())
	tf.run("init", "-input=false")
	var report struct {
		Diagnostics []struct {
			Summary, Detail string
			Range           struct {
				Filename string
				Start    struct{ Line int }
			}
		}
	}
	if err := json.Unmarshal(tf.run("validate", "-json"), &report); err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Diagnostics {
		line := tf.line(d.Range.Filename, d.Range.Start.Line)
		if !strings.HasSuffix(line, leftOut) && !strings.HasSuffix(d.Detail, "must be specified") { // one of several, by which fragments leave out
			t.Errorf("%s: %s%s: %s", d.Range.Filename, line, d.Summary, d.Detail)
		}
	}
	table := "# What the resources and data sources in the fragments have, as the AWS provider for Terraform, version " + tf.version() + ", describes them. Written by make iac;\n" +
		"# a line for another type may be added by hand. A star: cannot be set.\n"
	for _, name := range sorted(types) {
		table += strings.Join(schemas[name].lines(name), "")
	}
	if err := os.WriteFile(filepath.Join("testdata", "terraform.txt"), []byte(table), 0o644); err != nil {
		t.Fatal(err)
	}
}

type terraform struct {
	*testing.T
	dir string
}

func (tf terraform) write(name, text string) {
	tf.Helper()
	file := filepath.Join(tf.dir, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(file), 0o700)
	if err == nil {
		err = os.WriteFile(file, []byte(text), 0o600)
	}
	if err != nil {
		tf.Fatal(err)
	}
}

// run returns what a command prints. What is not valid is told there, too.
func (tf terraform) run(args ...string) []byte {
	tf.Helper()
	cmd := exec.Command("terraform", args...)
	cmd.Dir = tf.dir
	cmd.Env = append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+filepath.Join(tf.dir, "terraform.rc"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && args[0] != "validate" {
		tf.Fatalf("terraform %s: %v\n%s%s", args[0], err, &stdout, &stderr)
	}
	return stdout.Bytes()
}

// line returns a line of a file, with its end.
func (tf terraform) line(name string, n int) string {
	b, err := os.ReadFile(filepath.Join(tf.dir, filepath.FromSlash(name)))
	if lines := strings.SplitAfter(string(b), "\n"); err == nil && n > 0 && n <= len(lines) {
		return lines[n-1]
	}
	return "\n"
}

func (tf terraform) version() string {
	var v struct {
		Providers map[string]string `json:"provider_selections"`
	}
	if err := json.Unmarshal(tf.run("version", "-json"), &v); err != nil {
		tf.Fatal(err)
	}
	return v.Providers["registry.terraform.io/hashicorp/aws"]
}

// A block is one of a provider's schema.
type block struct {
	Attributes map[string]struct {
		Type                         json.RawMessage
		Required, Optional, Computed bool
	}
	Blocks map[string]struct {
		Block block
		Min   int `json:"min_items"`
	} `json:"block_types"`
}

type schemas map[string]block // by type, data sources with "data." before it

func (tf terraform) schemas() schemas {
	var all struct {
		Providers map[string]struct {
			Resources map[string]struct{ Block block } `json:"resource_schemas"`
			Data      map[string]struct{ Block block } `json:"data_source_schemas"`
		} `json:"provider_schemas"`
	}
	if err := json.Unmarshal(tf.run("providers", "schema", "-json"), &all); err != nil {
		tf.Fatal(err)
	}
	out := schemas{}
	for _, p := range all.Providers {
		for name, s := range p.Resources {
			out[name] = s.Block
		}
		for name, s := range p.Data {
			out["data."+name] = s.Block
		}
	}
	return out
}

// lines writes a block and those in it for the table.
func (b block) lines(at string) []string {
	words := []string{at}
	for _, name := range sorted(b.Attributes) {
		if a := b.Attributes[name]; !a.Required && !a.Optional {
			name += "*"
		}
		words = append(words, name)
	}
	all := []string{strings.Join(words, " ") + "\n"}
	for _, name := range sorted(b.Blocks) {
		all = append(all, b.Blocks[name].Block.lines(at+"."+name)...)
	}
	return all
}

// complete adds to a fragment what it leaves out, and notes the types that stand in it.
func (s schemas) complete(text string, body *hclsyntax.Body, types map[string]bool) string {
	there := map[string]bool{}
	end := text + "\n"
	for _, b := range slices.Backward(body.Blocks) { // so that offsets stay true
		if len(b.Labels) == 2 {
			name := strings.TrimPrefix(b.Type+"."+b.Labels[0], "resource.")
			there[address(b.Type, b.Labels)], types[name] = true, true
			brace := b.CloseBraceRange.Start.Byte
			end = end[:brace] + "\n" + s[name].required(b.Body) + end[brace:]
		}
	}
	var walk func(*hclsyntax.Body)
	walk = func(body *hclsyntax.Body) {
		for _, name := range sorted(body.Attributes) {
			for _, to := range hclsyntax.Variables(body.Attributes[name].Expr) {
				kind, labels := "resource", path(to)
				if labels[0] == "data" {
					kind, labels = "data", labels[1:]
				}
				if len(labels) < 2 || !strings.HasPrefix(labels[0], "aws_") {
					continue
				}
				name := strings.TrimPrefix(kind+"."+labels[0], "resource.")
				types[name] = true
				if at := address(kind, labels[:2]); !there[at] {
					there[at] = true
					end += at + " {" + leftOut + s[name].required(nil) + "}" + leftOut
				}
			}
		}
		for _, b := range body.Blocks {
			walk(b.Body)
		}
	}
	walk(body)
	return end
}

func address(kind string, labels []string) string {
	return fmt.Sprintf("%s %q %q", kind, labels[0], labels[1])
}

// required writes what a block must have, but a body lacks.
func (b block) required(body *hclsyntax.Body) (text string) {
	for _, name := range sorted(b.Attributes) {
		if body != nil && body.Attributes[name] != nil || !b.Attributes[name].Required {
			continue
		}
		value := `"x"`
		switch kind := string(b.Attributes[name].Type); {
		case strings.Contains(kind, `"list"`), strings.Contains(kind, `"set"`):
			value = `["x"]`
		case strings.Contains(kind, `"map"`):
			value = "{}"
		case kind == `"bool"`:
			value = "true"
		case kind == `"number"`:
			value = "1"
		}
		text += name + " = " + value + leftOut
	}
	for _, name := range sorted(b.Blocks) {
		inner := b.Blocks[name]
		if inner.Min == 0 || body != nil && slices.ContainsFunc(body.Blocks, func(x *hclsyntax.Block) bool { return x.Type == name }) {
			continue
		}
		text += name + " {" + leftOut + inner.Block.required(nil) + "}" + leftOut
	}
	return text
}

// plausible is what a placeholder may stand for where the provider looks at it.
func plausible(word string) string {
	switch {
	case word == "address":
		return "somebody@example.com"
	case word == "class":
		return "db.t4g.medium"
	case strings.HasSuffix(word, "account-id"):
		return "111122223333"
	case strings.HasSuffix(word, "function-arn"):
		return "arn:aws:lambda:eu-central-1:111122223333:function:x"
	case strings.HasSuffix(word, "arn"):
		return "arn:aws:sns:eu-central-1:111122223333:x"
	case strings.HasSuffix(word, "zone"):
		return "eu-central-1b"
	case word == "root-or-ou-id":
		return "r-abcd"
	}
	return identifier(word)
}
