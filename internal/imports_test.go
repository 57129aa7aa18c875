package internal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "awsscanner/"

// deps returns the packages that some packages need, themselves included.
func deps(t *testing.T, format string, patterns ...string) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-f", format}, patterns...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	m := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		m[name] = strings.Fields(strings.Trim(rest, "[]"))
	}
	if len(m) == 0 {
		t.Fatal("go list found no package")
	}
	return m
}

// Imports go one way: model <- engine <- rules; model, engine <- collect <- cmd; report knows engine, model and frameworks only.
func TestImportDirections(t *testing.T) {
	all := deps(t, "{{.ImportPath}} {{.Deps}}", module+"...")
	for _, rule := range []struct {
		of     string   // packages with this prefix
		except string   // but not these
		never  []string // may not depend on packages with these prefixes
	}{
		{"internal/model", "", []string{"internal/engine", "internal/collect", "internal/report", "rules", "frameworks", "cmd"}},
		{"internal/engine", "internal/engine/enginetest", []string{"internal/model/", "internal/collect", "internal/report", "rules", "frameworks", "cmd"}},
		{"internal/policy", "", []string{"internal/", "rules", "cmd"}},
		{"rules", "", []string{"internal/collect", "internal/report", "internal/awstest", "frameworks", "cmd"}},
		{"frameworks", "", []string{"internal/engine", "internal/model/", "internal/policy", "internal/collect", "internal/report", "rules", "cmd"}},
		{"internal/report", "", []string{"internal/collect", "internal/model/", "rules", "cmd"}},
		{"internal/collect", "", []string{"internal/report", "rules", "cmd"}},
		{"internal/publish", "", []string{"rules", "internal/model/", "cmd"}},
		{"internal/review", "", []string{"internal/collect", "internal/model/", "internal/watool", "internal/ships/", "internal/config", "internal/store", "rules", "cmd"}},
		{"internal/ships", "", []string{"internal/collect", "internal/model/", "internal/report", "internal/review", "rules", "cmd"}},
		{"internal/lens", "", []string{"internal/", "rules", "frameworks", "cmd"}},
		{"internal/watool", "", []string{"internal/collect", "rules", "cmd"}},
		{"internal/notify", "internal/notify/", []string{"internal/collect", "internal/store", "internal/publish", "rules", "cmd"}},
		{"internal/notify/outbox", "", []string{"internal/collect", "internal/publish", "internal/notify/deliver", "rules", "cmd"}},
		{"internal/notify/deliver", "", []string{"internal/collect", "internal/store", "internal/publish", "rules", "cmd"}},
		{"internal/cause", "", []string{"internal/model/", "internal/collect", "internal/report", "internal/store", "rules", "cmd"}},
		{"internal/suggest", "", []string{"internal/model", "internal/engine", "internal/strictyaml", "rules", "cmd"}},
		{"internal/strictyaml", "", []string{"internal/model", "internal/engine", "rules", "cmd"}},
		{"internal/match", "", []string{"internal/model/", "internal/waiver", "internal/config", "internal/report", "internal/collect", "rules", "cmd"}},
		{"internal/waiver", "", []string{"internal/model/", "internal/config", "internal/report", "internal/collect", "rules", "cmd"}},
		{"internal/config", "", []string{"internal/model/", "internal/report", "internal/collect", "rules", "cmd"}},
		{"internal/mutelist", "", []string{"internal/model/", "internal/config", "internal/report", "internal/collect", "rules", "cmd"}},
	} {
		found := false
		for name, needs := range all {
			if !strings.HasPrefix(name, module+rule.of) || rule.except != "" && strings.HasPrefix(name, module+rule.except) {
				continue
			}
			found = true
			for _, dep := range needs {
				for _, never := range rule.never {
					if strings.HasPrefix(dep, module+never) {
						t.Errorf("%s depends on %s", name, dep)
					}
				}
			}
		}
		if !found {
			t.Errorf("there is no package %s", rule.of)
		}
	}
}

// No rule, and nothing that judges or reports, links the AWS SDK: a rule's test must build in a second.
func TestNoSDKBeyondCollect(t *testing.T) {
	for name, needs := range deps(t, "{{.ImportPath}} {{.Deps}}", module+"rules/...", module+"internal/model/...", module+"internal/engine/...", module+"internal/report/...", module+"internal/price/...", module+"internal/config/...", module+"internal/cause/...", module+"internal/mutelist/...", module+"internal/notify", module+"internal/notify/outbox", module+"internal/review", module+"internal/ships", module+"internal/lens", module+"internal/xlsx", module+"frameworks/...") {
		for _, dep := range needs {
			if strings.HasPrefix(dep, "github.com/aws/") {
				t.Errorf("%s links %s", name, dep)
			}
		}
	}
}

// Only collectors, and the session that says who is calling, import clients of AWS services; and what publishes, notifies, or tells how people ship those of where it does so.
func TestServiceClients(t *testing.T) {
	for name, imports := range deps(t, "{{.ImportPath}} {{.Imports}}", module+"...") {
		for _, dep := range imports {
			if service, ok := strings.CutPrefix(dep, "github.com/aws/aws-sdk-go-v2/service/"); ok && !strings.HasPrefix(name, module+"internal/collect") &&
				!(name == module+"internal/publish" && strings.HasPrefix(service, "securityhub")) &&
				!(name == module+"internal/ships/seen" && slices.Contains([]string{"cloudformation", "codedeploy"}, strings.TrimSuffix(service, "/types"))) &&
				!(strings.HasPrefix(name, module+"internal/watool") && strings.HasPrefix(service, "wellarchitected")) &&
				!(name == module+"internal/notify/deliver" && slices.Contains([]string{"sns", "sqs", "eventbridge", "ssm", "secretsmanager", "sts"}, strings.TrimSuffix(service, "/types"))) {
				t.Errorf("%s imports %s", name, dep)
			}
		}
	}
}

// A scan changes nothing, and tells nobody. All that writes or sends is in three packages, each of which one file of the command line imports: those of
// scanner publish, of notifications, and of scanner review push.
func TestOnlyPublishWrites(t *testing.T) {
	writes := map[string]string{module + "internal/publish": "publish.go", module + "internal/notify/deliver": "notify.go", module + "internal/watool": "review_watool.go"}
	for name, needs := range deps(t, "{{.ImportPath}} {{.Deps}}", module+"...") {
		for writer := range writes {
			if slices.Contains(needs, writer) && name != module+"cmd/scanner" {
				t.Errorf("%s depends on %s", name, writer)
			}
		}
	}
	files, err := filepath.Glob("../cmd/scanner/*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	found := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for writer, in := range writes {
			if strings.Contains(string(text), `"`+writer+`"`) {
				if found[writer] = true; filepath.Base(file) != in {
					t.Errorf("%s imports %s", file, writer)
				}
			}
		}
	}
	for writer := range writes {
		if !found[writer] {
			t.Errorf("nothing imports %s", writer)
		}
	}
}

// A rule neither does I/O nor reads the clock: what it imports itself cannot.
func TestRulesArePure(t *testing.T) {
	for name, imports := range deps(t, "{{.ImportPath}} {{.Imports}}", module+"rules/...") {
		for _, dep := range imports {
			switch dep {
			case "os", "io", "net", "net/http", "os/exec", "io/fs", "syscall", "math/rand", "math/rand/v2", "context", "sync":
				t.Errorf("%s imports %s", name, dep)
			}
		}
	}
}
