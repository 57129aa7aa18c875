package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Every command line of the scanner in what is deployed is one that it takes, and all settings there are without a mistake.
func TestDeployment(t *testing.T) {
	dir := filepath.Join("..", "..", "deploy")
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for name, c := range map[string]struct {
		command string // pattern: its first group has the arguments
		want    int
	}{
		"systemd/scanner.service":        {`(?m)^ExecStart=/usr/local/bin/scanner (.*)$`, 1},
		"systemd/scanner-worker.service": {`(?m)^ExecStart=/usr/local/bin/scanner (.*)$`, 1},
		"kubernetes/sqlite.yaml":         {`(?m)^ +args: \[(.*)\]$`, 1},
		"kubernetes/postgres.yaml":       {`(?m)^ +args: \[(.*)\]$`, 2},
		"ecs/template.yaml":              {`(?m)^ +Command: \[(.*)\]$`, 2},
	} {
		found := regexp.MustCompile(c.command).FindAllStringSubmatch(read(name), -1)
		if len(found) != c.want {
			t.Errorf("%s: %d command lines, want %d", name, len(found), c.want)
		}
		for _, m := range found {
			if err := takes(words(strings.ReplaceAll(m[1], ",", " "))); err != nil {
				t.Errorf("%s: scanner %s: %v", name, m[1], err)
			}
		}
	}
	for _, name := range []string{"kubernetes/scanner.yaml", "ecs/scanner.yaml"} {
		stdout(t, "config", "check", filepath.Join(dir, name))
	}
	for _, name := range []string{"kubernetes/server.yaml", "ecs/server.yaml"} {
		var out, why bytes.Buffer
		code := run(t.Context(), []string{"config", "check", filepath.Join(dir, name)}, &out, &why)
		if strings.Contains(why.String(), `the file has no key "server"`) {
			t.Logf("%s is not checked: this scanner has no such settings yet", name)
		} else if code != 0 {
			t.Errorf("%s: %s", name, &why)
		}
	}
}

var mirror = flag.String("terraform", "", "validate roles with the AWS provider in this `folder`, a file system mirror")

// What scanner permissions prints for CloudFormation and Terraform is what these take.
func TestRoleFiles(t *testing.T) {
	lint, noLint := exec.LookPath("cfn-lint")
	terraform, noTerraform := exec.LookPath("terraform")
	for name, args := range map[string][]string{"recommended": nil, "all": {"--ruleset", "optional", "--org", "--tags"}} {
		for _, format := range []string{"cloudformation", "permission-set", "terraform"} {
			text := stdout(t, append([]string{"permissions", "-o", format}, args...)...)
			file := filepath.Join(t.TempDir(), "role.json")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if format != "terraform" {
				if noLint == nil {
					if out, err := exec.Command(lint, file).CombinedOutput(); err != nil {
						t.Errorf("%s for %s: %v\n%s", format, name, err, out)
					}
				}
				continue
			}
			if _, problems := hclsyntax.ParseConfig(text, "role.tf", hcl.InitialPos); problems.HasErrors() {
				t.Errorf("Terraform for %s: %v", name, problems)
			}
			if noTerraform == nil {
				c := exec.Command(terraform, "fmt", "-")
				c.Stdin = bytes.NewReader(text)
				if out, err := c.Output(); err != nil || !bytes.Equal(out, text) {
					t.Errorf("terraform fmt writes that for %s otherwise, %v:\n%s", name, err, out)
				}
			}
			if *mirror != "" {
				validate(t, string(text))
			}
		}
	}
	if noLint != nil || noTerraform != nil {
		t.Skip("the rest needs cfn-lint and terraform")
	}
}

// validate lets Terraform and the AWS provider look at a file.
func validate(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"main.tf": text, "terraform.rc": fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", *mirror)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-input=false", "-no-color"}, {"validate", "-no-color"}} {
		c := exec.Command("terraform", args...)
		c.Dir, c.Env = dir, append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraform.rc"))
		if out, err := c.CombinedOutput(); err != nil || args[0] == "validate" && bytes.Contains(out, []byte("Warning")) {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
}
