package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"awsscanner/internal/engine"
	"awsscanner/rules"
)

// docs/rules is what the code says.
func TestRulePages(t *testing.T) {
	of, err := frameworksOf()
	if err != nil {
		t.Fatal(err)
	}
	pages, err := rulePages(rules.All, of)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join("..", "..", "docs", "rules")
	wanted := map[string]bool{}
	for _, p := range pages {
		wanted[p.name] = true
		if text, err := os.ReadFile(filepath.Join(dir, p.name)); err != nil || string(text) != p.text {
			t.Errorf("docs/rules/%s does not say what the rules say: run make docs", p.name)
		}
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*.md"))
	for _, name := range found {
		if !wanted[filepath.Base(name)] {
			t.Errorf("there is no rule for docs/rules/%s: run make docs", filepath.Base(name))
		}
	}
}

// Frameworks are an index of their own, as soon as there are any.
func TestFrameworkPages(t *testing.T) {
	asked := rules.All[0].ID
	pages, err := rulePages(rules.All[:3], func(id string) []string {
		if id == asked {
			return []string{"cis 5.0", "fsbp"}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text := func(name string) string {
		i := slices.IndexFunc(pages, func(p page) bool { return p.name == name })
		if i < 0 {
			t.Fatalf("there is no page %s", name)
		}
		return pages[i].text
	}
	if index := text("by-framework.md"); !strings.Contains(index, "\n## cis 5.0\n") || strings.Count(index, asked+".md") != 2 || strings.Contains(index, rules.All[1].ID) {
		t.Errorf("the index is %s", index)
	}
	if of := text(asked + ".md"); !strings.Contains(of, "\n| frameworks | [cis 5.0](by-framework.md#cis-50), [fsbp](by-framework.md#fsbp) |\n") {
		t.Errorf("the page is %s", of)
	}
}

// What somebody else wrote is neither replaced nor removed; what was generated for a rule that is no more goes.
func TestWritePages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "rules")
	files := func() (all []string) {
		found, _ := os.ReadDir(dir)
		for _, f := range found {
			all = append(all, f.Name())
		}
		return all
	}
	old, kept := page{"old.md", generated + "old"}, page{"kept.md", generated + "kept"}
	if err := writePages(dir, []page{old, kept}); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(dir, "notes.md")
	if err := os.WriteFile(notes, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writePages(dir, []page{kept}); err != nil {
		t.Fatal(err)
	}
	if got := files(); !slices.Equal(got, []string{"kept.md", "notes.md"}) {
		t.Errorf("there is %s", got)
	}
	if err := writePages(dir, []page{{"notes.md", generated}}); err == nil || !strings.Contains(err.Error(), "written by somebody else") {
		t.Errorf("a foreign page is replaced: %v", err)
	}
	if text, _ := os.ReadFile(notes); string(text) != "mine" {
		t.Errorf("a foreign page has become %q", text)
	}
	if err := writePages(notes, nil); err == nil {
		t.Error("pages are written to a file")
	}
}

func TestMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"use <name> | or `x` *now*":        "use \\<name\\> | or \\`x\\` \\*now\\*",
		"max_receive is not _this_":        `max_receive is not \_this\_`,
		"# no heading":                     `\# no heading`,
		"- no list":                        `\- no list`,
		"2. no list":                       `2\. no list`,
		"version 2. is one":                "version 2. is one",
		"[no](link) &amp; $5 a\n  line \\": `\[no\](link) \&amp; \$5 a line \\`,
	} {
		if got := markdown(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
	if got, want := row("a|b", code("c|`d")), "| a\\|b | ``c\\|`d`` |\n"; got != want {
		t.Errorf("the row is %q, want %q", got, want)
	}
	if got, want := prose("Do this:\naws sqs list-queues\n# and\naws sqs help\nThen that."), "Do this:\n\n```sh\naws sqs list-queues\n# and\naws sqs help\n```\n\nThen that."; got != want {
		t.Errorf("prose is %q, want %q", got, want)
	}
}

func TestCLICommand(t *testing.T) {
	for call, want := range map[string]string{
		"rds:DescribeDBInstances":             "aws rds describe-db-instances",
		"cloudwatchlogs:DescribeLogGroups":    "aws logs describe-log-groups",
		"iam:ListMFADevices":                  "aws iam list-mfa-devices",
		"ec2:DescribeVpcs#public":             "aws ec2 describe-vpcs",
		"s3:GetBucketPolicyStatus":            "aws s3api get-bucket-policy-status",
		"elasticache:DescribeCacheClusters":   "aws elasticache describe-cache-clusters",
		"wafv2:ListWebACLs":                   "aws wafv2 list-web-acls",
		"apigatewayv2:GetApis":                "aws apigatewayv2 get-apis",
		"dynamodb:DescribeTimeToLive":         "aws dynamodb describe-time-to-live",
		"sagemaker:ListMlflowTrackingServers": "aws sagemaker list-mlflow-tracking-servers",
	} {
		if got := cliCommand(call); got != want {
			t.Errorf("%s is %s, want %s", call, got, want)
		}
	}
}

// documents are all that people read, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, glob := range []string{"README.md", "docs/*.md", "docs/rules/*.md", "examples/*.md", "deploy/*.md"} {
		found, _ := filepath.Glob(filepath.Join("..", "..", glob))
		for _, name := range found {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = string(text)
		}
	}
	if len(all) < 10 {
		t.Fatalf("there are only %d documents", len(all))
	}
	return all
}

var (
	block   = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	inline  = regexp.MustCompile("`((?:\\./)?scanner [^`]+)`")
	invoked = regexp.MustCompile(`(?:^|[;|&(]\s*|go run \./cmd/|\./|^\s*[A-Z_]+=\S+ )scanner ([^#|>;&]*)`)
	target  = regexp.MustCompile(`\]\(([^)#:\s]+)(#[^)]*)?\)`)
)

// Every command line of the scanner in a document is one that it takes.
func TestDocumentedCommands(t *testing.T) {
	n := 0
	for name, text := range documents(t) {
		var lines []string
		for _, m := range block.FindAllStringSubmatch(text, -1) {
			lines = append(lines, strings.Split(strings.ReplaceAll(m[1], "\\\n", " "), "\n")...)
		}
		for _, m := range inline.FindAllStringSubmatch(text, -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			for _, m := range invoked.FindAllStringSubmatch(line, -1) {
				args := words(m[1])
				n++
				if err := takes(args); err != nil {
					t.Errorf("%s: scanner %s: %v", name, strings.Join(args, " "), err)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("there are only %d command lines", n)
	}
}

// Every command line of the scanner in an example, and every flag that one adds, is one that it takes.
func TestCommandsOfExamples(t *testing.T) {
	var (
		list     = regexp.MustCompile(`^\s*(- )?`)
		added    = regexp.MustCompile(`\bargs\+=\(([^)]*)\)`)    // to a scan, in bash
		argument = regexp.MustCompile(`^\s+(--[a-z-]+(=\S+)?)$`) // of a scan, in YAML
	)
	for name, least := range map[string]int{
		"action.yml": 9, "examples/github/scan.yml": 0, "examples/github/deploy.yml": 2, "examples/gitlab/.gitlab-ci.yml": 2, "examples/jenkins/Jenkinsfile": 1, "examples/codebuild/buildspec.yml": 1, "Dockerfile": 1,
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		try := func(line string) {
			n++
			if err := takes(words(line)); err != nil {
				t.Errorf("%s: scanner %s: %v", name, strings.Join(words(line), " "), err)
			}
		}
		whole := strings.NewReplacer("\\\n", " ", `"$SCANNER"`, "scanner", ` "${args[@]+"${args[@]}"}"`, "").Replace(string(text))
		for line := range strings.SplitSeq(whole, "\n") {
			if _, image, ok := strings.Cut(line, "docker run "); ok {
				line = image[strings.Index(image, " scanner ")+1:]
			}
			for _, m := range invoked.FindAllStringSubmatch(list.ReplaceAllString(line, ""), -1) {
				try(m[1])
			}
			for _, m := range added.FindAllStringSubmatch(line, -1) {
				if !strings.HasPrefix(m[1], `"$`) { // "$argument" is whatever somebody gives
					try("scan " + m[1])
				}
			}
			if m := argument.FindStringSubmatch(line); m != nil && strings.HasSuffix(name, ".yml") {
				try("scan " + m[1])
			}
		}
		if n < least {
			t.Errorf("%s: there are only %d command lines, want %d", name, n, least)
		}
	}
	found, err := filepath.Glob(filepath.Join("..", "..", "examples", "*", "*"))
	if err != nil || len(found) < 5 {
		t.Errorf("there are only %d examples, %v", len(found), err)
	}
}

// words splits a command line as documents write it.
func words(line string) []string {
	return strings.Fields(strings.NewReplacer("'", "", `"`, "", `\`, "").Replace(line))
}

// takes tells what is wrong with a command line, up to what its flags mean. Formats of reports are looked at as well.
func takes(args []string) error {
	root := rootCommand()
	c, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if c == root {
		return cobra.NoArgs(c, rest)
	}
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if f := c.Flags().Lookup("output"); f != nil && f.Value.Type() == "stringArray" {
		specs, err := c.Flags().GetStringArray("output")
		if err != nil {
			return err
		}
		for _, spec := range specs { // the directory is somewhere else
			format, file, isFile := strings.Cut(spec, "=")
			if isFile {
				spec = format + "=" + filepath.Base(file)
			} else {
				spec = filepath.Base(spec)
			}
			if _, err := parseOutputs([]string{spec}); err != nil {
				return err
			}
		}
	}
	if c.Args == nil || c.Name() == "bash" {
		return nil
	}
	return c.Args(c, c.Flags().Args())
}

// No document links to a file that is not there.
func TestDocumentedLinks(t *testing.T) {
	for name, text := range documents(t) {
		for _, m := range target.FindAllStringSubmatch(block.ReplaceAllString(text, ""), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, m[1])
			}
		}
	}
}

// The examples of docs/severity.md have the severities that it says.
func TestSeverityExamples(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "severity.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[engine.Severity]bool{}
	for line := range strings.Lines(string(text)) {
		m := regexp.MustCompile(`^\| \*\*([a-z]+)\*\* \|`).FindStringSubmatch(line)
		if m == nil {
			continue
		}
		severity, err := engine.ParseSeverity(m[1])
		if err != nil {
			t.Fatal(err)
		}
		seen[severity] = true
		for _, m := range regexp.MustCompile(`\(rules/([a-z0-9-]+)\.md\)`).FindAllStringSubmatch(line, -1) {
			i := slices.IndexFunc(rules.All, func(r engine.Rule) bool { return r.ID == m[1] })
			if i < 0 || rules.All[i].Severity != severity && rules.All[i].Least != severity {
				t.Errorf("%s is no example of %s", m[1], severity)
			}
		}
	}
	if len(seen) != len(engine.Severities()) {
		t.Errorf("docs/severity.md explains %d of %d severities", len(seen), len(engine.Severities()))
	}
}
