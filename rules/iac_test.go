package rules

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"go.yaml.in/yaml/v3"
)

// The fragment of each rule is code: Terraform that parses, CloudFormation that parses, or comments alone, which say what to do where no
// template can. Types, arguments and what references ask for are held against testdata/terraform.txt and testdata/cloudformation.txt.
func TestIaC(t *testing.T) {
	c := newChecker(t)
	for i := range All {
		if err := c.check(All[i].Fix.IaC); err != nil {
			t.Errorf("%s: %v", All[i].ID, err)
		}
	}
}

// What is wrong with a fragment is found.
func TestIaCFaults(t *testing.T) {
	c := checker{
		terraform: names{
			"aws_a": {"name": true, "size": true, "arn": false}, "aws_a.part": {"on": true}, "data.aws_d": {"id": false, "key": true, "part": true},
		},
		cloudFormation: names{"AWS::A::B": {"Name": true}},
	}
	for text, want := range map[string]string{
		"resource \"aws_a\" \"<name>\" {\n  name = aws_a.<other>.arn # of another\n  part {\n    on = data.aws_d.x.key\n  }\n  lifecycle {\n    prevent_destroy = true\n  }\n}": "",
		"data \"aws_d\" \"x\" {\n  key      = [for a in var.all : a.name]\n  for_each = var.all\n}":                                                                             "",
		"variable \"<secret>\" {\n  type = string\n}\nresource \"aws_a\" \"x\" {\n  name = \"${aws_a.<y>.name}/*\"\n}":                                                          "",
		"# No template can do this: use the command.": "",
		"":                              "is empty",
		"# no":                          "a comment alone must say why there is no template, and what to do",
		"resource \"aws_a\" \"x\" {":    "Unclosed configuration block",
		"resource \"aws_a\" {\n}":       "resource needs a type and a name",
		"resource \"aws_z\" \"x\" {\n}": "testdata/terraform.txt has no aws_z",
		"data \"aws_a\" \"x\" {\n}":     "testdata/terraform.txt has no data.aws_a",
		"resource \"aws_a\" \"x\" {\n  nam = 1\n}":                                "aws_a has no argument nam",
		"resource \"aws_a\" \"x\" {\n  arn = 1\n}":                                "aws_a has no argument arn",
		"resource \"aws_a\" \"x\" {\n  parts {\n  }\n}":                           "aws_a has no block parts",
		"resource \"aws_a\" \"x\" {\n  part {\n    off = 1\n  }\n}":               "aws_a.part has no argument off",
		"resource \"aws_a\" \"x\" {\n  name = aws_a.y.arm\n}":                     "aws_a has no arm to refer to",
		"resource \"aws_a\" \"x\" {\n  name = aws_z.y.arn\n}":                     "testdata/terraform.txt has no aws_z",
		"resource \"aws_a\" \"x\" {\n  part {\n    on = data.aws_d.y.ids\n  }\n}": "data.aws_d has no ids to refer to",
		"metadata {\n  on = 1\n}":                                                 "metadata is no block that a file begins with",
		"name = 1":                                                                "name stands outside of all blocks",
		"aws a b --c":                                                             "Invalid block definition",
		"Resources:\n  <X>:\n    Type: AWS::A::B\n    DeletionPolicy: Retain\n    Properties:\n      Name: !Ref X": "",
		"Resources:\n  X:\n    Type: AWS::A::B\n   Properties: 1":                                                  "did not find expected key",
		"Resources:\n  X:\n    Type: AWS::A::C":                                                                    "testdata/cloudformation.txt has no AWS::A::C",
		"Resources:\n  X:\n    Type: AWS::A::B\n    Properties:\n      Nam: a":                                     "AWS::A::B has no property Nam",
		"Resources:\n  X:\n    Type: AWS::A::B\n    DeletePolicy: Retain":                                          "X has DeletePolicy, which no resource has",
		"Resources:\n  X:\n    Type: AWS::A::B\nResource: 1":                                                       "Resource is no section of a template",
		"Resources: []": "Resources is no map of resources",
	} {
		switch err := c.check(text); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s\n%v, want %q", text, err, want)
		}
	}
}

// cfn-lint knows the schemas of all types, and which values they take.
func TestCloudFormationLint(t *testing.T) {
	if _, err := exec.LookPath("cfn-lint"); err != nil {
		t.Skip("cfn-lint is not installed: pip install cfn-lint")
	}
	if out, err := exec.Command("cfn-lint", "--version").CombinedOutput(); err != nil {
		t.Skipf("cfn-lint is installed, but does not run: %v: %s", err, out)
	}
	dir := t.TempDir()
	args := []string{"--regions", "us-east-1", "--format", "parseable"}
	for i := range All {
		if fragment := All[i].Fix.IaC; isCloudFormation(fragment) {
			name := filepath.Join(dir, All[i].ID+".yaml")
			if err := os.WriteFile(name, []byte(fill(fragment, alphanumeric)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, name)
		}
	}
	if out, err := exec.Command("cfn-lint", args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, strings.ReplaceAll(string(out), dir+string(filepath.Separator), ""))
	}
}

// names are, by a type or the path of a block in it, what it has; true of what can be set, false of what can only be referred to.
type names map[string]map[string]bool

// load reads a table: on each line a type or the path of a block, then what it has; a star says that it cannot be set.
func load(t *testing.T, name string) names {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := names{}
	for s := bufio.NewScanner(file); s.Scan(); {
		if strings.HasPrefix(s.Text(), "#") {
			continue
		}
		words := strings.Fields(s.Text())
		has := map[string]bool{}
		for _, w := range words[1:] {
			name, computed := strings.CutSuffix(w, "*")
			has[name] = !computed
		}
		all[words[0]] = has
	}
	return all
}

type checker struct{ terraform, cloudFormation names }

func newChecker(t *testing.T) checker {
	return checker{load(t, "terraform.txt"), load(t, "cloudformation.txt")}
}

func (c checker) check(fragment string) error {
	switch {
	case fragment == "":
		return errors.New("is empty")
	case isCloudFormation(fragment):
		return c.template(fragment)
	}
	return c.hcl(fragment)
}

func isCloudFormation(fragment string) bool {
	return strings.HasPrefix(fragment, "Resources:") || strings.Contains(fragment, "\nResources:")
}

var placeholder = regexp.MustCompile(`<([A-Za-z][A-Za-z0-9-]*)>`)

// fill puts names in the place of placeholders, as a person does.
func fill(fragment string, name func(string) string) string {
	return placeholder.ReplaceAllStringFunc(fragment, func(p string) string { return name(strings.Trim(p, "<>")) })
}

func alphanumeric(word string) string { return strings.ReplaceAll(word, "-", "") }

func identifier(word string) string { return strings.ReplaceAll(word, "-", "_") }

func (c checker) hcl(fragment string) error {
	file, problems := hclsyntax.ParseConfig([]byte(fill(fragment, identifier)), "fragment", hcl.InitialPos)
	if problems.HasErrors() {
		return problems
	}
	body := file.Body.(*hclsyntax.Body)
	if len(body.Blocks) == 0 && len(body.Attributes) == 0 && len(fragment) < 20 {
		return errors.New("a comment alone must say why there is no template, and what to do")
	}
	var errs []error
	for _, name := range sorted(body.Attributes) {
		errs = append(errs, fmt.Errorf("%s stands outside of all blocks", name))
	}
	for _, b := range body.Blocks {
		switch b.Type {
		case "resource", "data":
			if len(b.Labels) != 2 {
				errs = append(errs, fmt.Errorf("%s needs a type and a name", b.Type))
				continue
			}
			errs = append(errs, c.block(strings.TrimPrefix(b.Type+"."+b.Labels[0], "resource."), b.Body, true))
		case "variable":
		default:
			errs = append(errs, fmt.Errorf("%s is no block that a file begins with", b.Type))
		}
	}
	return errors.Join(errs...)
}

// block checks a resource, top, or a block in it.
func (c checker) block(at string, body *hclsyntax.Body, top bool) error {
	has, ok := c.terraform[at]
	if !ok && top {
		return fmt.Errorf("testdata/terraform.txt has no %s", at)
	}
	var errs []error
	for _, name := range sorted(body.Attributes) {
		meta := top && slices.Contains([]string{"count", "depends_on", "for_each", "provider"}, name)
		if !meta && !has[name] {
			errs = append(errs, fmt.Errorf("%s has no argument %s", at, name))
		}
		if name != "provider" {
			for _, reference := range hclsyntax.Variables(body.Attributes[name].Expr) {
				errs = append(errs, c.reference(reference))
			}
		}
	}
	for _, b := range body.Blocks {
		inner := at + "." + b.Type
		if top && b.Type == "lifecycle" {
			continue
		}
		if _, ok := c.terraform[inner]; !ok {
			errs = append(errs, fmt.Errorf("%s has no block %s", at, b.Type))
			continue
		}
		errs = append(errs, c.block(inner, b.Body, false))
	}
	return errors.Join(errs...)
}

// reference checks aws_type.name.attribute and data.aws_type.name.attribute.
func (c checker) reference(to hcl.Traversal) error {
	words := path(to)
	of := words[0]
	if of == "data" && len(words) > 1 {
		of, words = "data."+words[1], words[1:]
	}
	if !strings.HasPrefix(strings.TrimPrefix(of, "data."), "aws_") { // var, each and the like
		return nil
	}
	has, ok := c.terraform[of]
	if !ok {
		return fmt.Errorf("testdata/terraform.txt has no %s", of)
	}
	if len(words) > 2 {
		if _, ok := has[words[2]]; !ok {
			return fmt.Errorf("%s has no %s to refer to", of, words[2])
		}
	}
	return nil
}

// path returns the names in a reference.
func path(to hcl.Traversal) (words []string) {
	for _, step := range to {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			words = append(words, s.Name)
		case hcl.TraverseAttr:
			words = append(words, s.Name)
		}
	}
	return words
}

func (c checker) template(fragment string) error {
	var t struct {
		Resources map[string]map[string]yaml.Node `yaml:"Resources"`
		Rest      map[string]yaml.Node            `yaml:",inline"`
	}
	if err := yaml.Unmarshal([]byte(fill(fragment, alphanumeric)), &t); err != nil {
		if strings.Contains(err.Error(), "cannot unmarshal") {
			return fmt.Errorf("Resources is no map of resources: %w", err)
		}
		return err
	}
	var errs []error
	for _, section := range sorted(t.Rest) {
		if !slices.Contains([]string{"AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs", "Parameters", "Rules", "Transform"}, section) {
			errs = append(errs, fmt.Errorf("%s is no section of a template", section))
		}
	}
	for _, id := range sorted(t.Resources) {
		resource := t.Resources[id]
		of, properties := resource["Type"].Value, resource["Properties"]
		has, ok := c.cloudFormation[of]
		if !ok {
			errs = append(errs, fmt.Errorf("testdata/cloudformation.txt has no %s", of))
			continue
		}
		for _, name := range sorted(resource) {
			if !slices.Contains([]string{"Type", "Properties", "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "UpdatePolicy", "UpdateReplacePolicy"}, name) {
				errs = append(errs, fmt.Errorf("%s has %s, which no resource has", id, name))
			}
		}
		for i := 0; i < len(properties.Content); i += 2 {
			if name := properties.Content[i].Value; !has[name] {
				errs = append(errs, fmt.Errorf("%s has no property %s", of, name))
			}
		}
	}
	return errors.Join(errs...)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
