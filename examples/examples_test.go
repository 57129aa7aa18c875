// Package examples_test holds the examples to what the systems that run them accept, and runs what can be run of them.
package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// parse reads a YAML file into what JSON would give. Keys that are there twice are errors.
func parse(t *testing.T, name string, v any) {
	t.Helper()
	var anything any
	if err := yaml.Unmarshal([]byte(read(t, name)), &anything); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	text, err := json.Marshal(anything)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// Each YAML file is what the schema of its system says.
func TestSchemas(t *testing.T) {
	checked := map[string]bool{}
	for name, schema := range map[string]string{
		"../action.yml":         "github-action",
		"github/scan.yml":       "github-workflow",
		"github/deploy.yml":     "github-workflow",
		"gitlab/.gitlab-ci.yml": "gitlab-ci",
	} {
		checked[name] = true
		text, err := jsonschema.UnmarshalJSON(strings.NewReader(read(t, filepath.Join("testdata/schemas", schema+".json"))))
		if err != nil {
			t.Fatal(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(schema+".json", text); err != nil {
			t.Fatal(err)
		}
		s, err := c.Compile(schema + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var v json.RawMessage
		parse(t, name, &v)
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(v))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	checked["codebuild/buildspec.yml"] = true // TestBuildspec
	for _, glob := range []string{"*/*.yml", "*/.*.yml", "*/*.yaml"} {
		found, err := filepath.Glob(glob)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			if !checked[name] {
				t.Errorf("nothing is known of %s: add it here", name)
			}
		}
	}
}

// A step of a workflow or of an action.
type step struct {
	Name, ID, If, Uses, Run, Shell string
	With                           map[string]any
	Env                            map[string]any
}

type workflow struct {
	Permissions *map[string]any
	Jobs        map[string]struct {
		Permissions map[string]string
		Steps       []step
	}
}

type action struct {
	Inputs  map[string]struct{ Default, Description string }
	Outputs map[string]struct{ Value string }
	Runs    struct{ Steps []step }
}

// Workflows have no permission that they do not name, pin what others wrote to a commit, and give our action only inputs that it has.
func TestWorkflows(t *testing.T) {
	var ours action
	parse(t, "../action.yml", &ours)
	pinned := regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	for _, name := range []string{"github/scan.yml", "github/deploy.yml"} {
		var w workflow
		parse(t, name, &w)
		if w.Permissions == nil || len(*w.Permissions) > 0 {
			t.Errorf("%s: jobs have permissions that they do not name", name)
		}
		scans := 0
		for id, job := range w.Jobs {
			if job.Permissions["id-token"] != "write" || job.Permissions["contents"] != "read" {
				t.Errorf("%s: job %s may %v", name, id, job.Permissions)
			}
			for _, s := range job.Steps {
				if strings.Contains(s.Run, "${{") {
					t.Errorf("%s: %q takes an expression for shell", name, s.Run)
				}
				if !strings.HasPrefix(s.Uses, "OWNER/scanner@") {
					if s.Uses != "" && !pinned.MatchString(s.Uses) {
						t.Errorf("%s: %s is not pinned to a commit", name, s.Uses)
					}
					continue
				}
				scans++
				for input := range s.With {
					if _, ok := ours.Inputs[input]; !ok {
						t.Errorf("%s: the action has no input %s", name, input)
					}
				}
			}
		}
		if scans != 1 {
			t.Errorf("%s: %d steps scan", name, scans)
		}
	}
	for _, s := range ours.Runs.Steps {
		if s.Uses != "" && !pinned.MatchString(s.Uses) || strings.Contains(s.Run, "${{") {
			t.Errorf("action.yml: step %s is not pinned, or takes an expression for shell", s.Name)
		}
	}
	for input, about := range ours.Inputs {
		if !strings.Contains(read(t, "../action.yml"), "${{ inputs."+input) || about.Description == "" {
			t.Errorf("action.yml: nothing uses input %s, or nothing says what it is", input)
		}
	}
}

// A shell runs a script of our action, with programs in front of those of the machine.
type shell struct {
	t        *testing.T
	temp     string
	programs map[string]string
}

func newShell(t *testing.T, programs map[string]string) *shell {
	t.Helper()
	s := &shell{t: t, temp: t.TempDir(), programs: programs}
	if err := os.Mkdir(filepath.Join(s.temp, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(s.temp, "bin", name), []byte("#!/bin/bash\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *shell) run(script string, env ...string) (out string, code int) {
	s.t.Helper()
	c := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script)
	c.Dir = s.temp
	c.Env = append([]string{"PATH=" + filepath.Join(s.temp, "bin") + ":" + os.Getenv("PATH"), "HOME=" + s.temp, "RUNNER_TEMP=" + s.temp + "/runner", "TEMP_DIR=" + s.temp,
		"GITHUB_OUTPUT=" + s.temp + "/output", "GITHUB_STEP_SUMMARY=" + s.temp + "/summary"}, env...)
	text, err := c.CombinedOutput()
	if err != nil && c.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(text), c.ProcessState.ExitCode()
}

func (s *shell) file(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.temp, name))
	return string(text)
}

func script(t *testing.T, id string) string {
	t.Helper()
	var a action
	parse(t, "../action.yml", &a)
	for _, s := range a.Runs.Steps {
		if s.ID == id && s.Shell == "bash" {
			return s.Run
		}
	}
	t.Fatalf("action.yml has no step %s in bash", id)
	return ""
}

// The action runs the binary whose checksum is right, and no other.
func TestActionDownload(t *testing.T) {
	const (
		good    = "8c7dd922ad47494fc02c388e12c00eac278d4f2b4f6ed1ea5a4d4f1f0b7b3c1f" // of nothing here
		curl    = "echo \"$*\" >> \"$TEMP_DIR/asked\"; while [ $# -gt 1 ]; do [ \"$1\" = -o ] && out=$2; shift; done; case $1 in *SHA256SUMS) cat \"$TEMP_DIR/sums\" > \"$out\";; *) printf binary > \"$out\";; esac\n"
		of      = "9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd" // of "binary"
		builder = "echo \"$PWD $*\" > \"$TEMP_DIR/built\"\n"
	)
	get := script(t, "get")
	linux := []string{"GITHUB_SERVER_URL=https://github.example.com", "GITHUB_ACTION_REPOSITORY=o/scanner", "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "REPOSITORY="}
	for _, c := range []struct {
		name, version, sha, sums string
		more                     []string
		code                     int
		asked, says              string
	}{
		{"pinned", "1.2.3", of, "", nil, 0, "https://github.example.com/o/scanner/releases/download/v1.2.3/scanner_1.2.3_linux_amd64\n", ""},
		{"summed", "1.2.3", "", of + "  scanner_1.2.3_linux_amd64\n" + good + "  scanner_1.2.3_linux_arm64\n", nil, 0, "/v1.2.3/SHA256SUMS\n", ""},
		{"wrong", "1.2.3", good, "", nil, 2, "", "::error::scanner_1.2.3_linux_amd64 has the SHA-256 " + of + ", want " + good},
		{"of another", "1.2.3", "", good + "  scanner_1.2.3_linux_amd64\n" + of + "  scanner_1.2.3_linux_amd64.tar.gz\n", nil, 2, "", "want " + good},
		{"no sum", "1.2.3", "", of + "  scanner_1.2.3_darwin_amd64\n", nil, 2, "", "want one that SHA256SUMS of the release lacks"},
		{"Windows", "1.2.3", of, "", []string{"RUNNER_OS=Windows", "RUNNER_ARCH=ARM64"}, 0, "/scanner_1.2.3_windows_arm64.exe\n", ""},
		{"Mac", "1.2.3", of, "", []string{"RUNNER_OS=macOS", "RUNNER_ARCH=ARM64", "REPOSITORY=x/y"}, 0, "/x/y/releases/download/v1.2.3/scanner_1.2.3_darwin_arm64\n", ""},
		{"another architecture", "1.2.3", of, "", []string{"RUNNER_ARCH=ARM"}, 2, "", "::error::there is no release for ARM: "},
		{"from a directory", "1.2.3", of, "", []string{"GITHUB_ACTION_REPOSITORY="}, 2, "", "::error::this action is used from a directory: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t, map[string]string{"curl": curl, "go": "exit 9\n"})
			if err := os.WriteFile(filepath.Join(s.temp, "sums"), []byte(c.sums), 0o600); err != nil {
				t.Fatal(err)
			}
			out, code := s.run(get, append(append(slices.Clone(linux), "VERSION="+c.version, "SHA256="+c.sha), c.more...)...)
			if code != c.code || !strings.Contains(out, c.says) || !strings.HasSuffix(s.file("asked"), c.asked) {
				t.Errorf("exit %d, %q, asked for %s", code, out, s.file("asked"))
			}
			info, err := os.Stat(filepath.Join(s.temp, "runner/scanner/scanner"))
			if runs := err == nil && info.Mode()&0o100 != 0; runs != (c.code == 0) {
				t.Errorf("there is a scanner to run: %v", runs)
			}
			if want := "scanner=" + s.temp + "/runner/scanner/scanner\n"; (s.file("output") == want) != (c.code == 0) {
				t.Errorf("the output is %q", s.file("output"))
			}
			if asked := s.file("asked"); strings.Count(asked, "\n") != strings.Count(asked, "--proto =https ") {
				t.Errorf("something else than https is allowed: %s", asked)
			}
		})
	}
	t.Run("built", func(t *testing.T) {
		s := newShell(t, map[string]string{"curl": "exit 9\n", "go": builder})
		out, code := s.run(get, append(slices.Clone(linux), "VERSION=", "SHA256=", "GITHUB_ACTION_PATH="+s.temp+"/bin")...)
		if want := s.temp + "/bin build -o " + s.temp + "/runner/scanner/scanner ./cmd/scanner\n"; code != 0 || s.file("built") != want {
			t.Errorf("exit %d, %q, built %q", code, out, s.file("built"))
		}
	})
}

// The action gives each input to the scanner as one argument, shows the report, and ends as the scanner did.
func TestActionScan(t *testing.T) {
	const scanner = "printf '<%s>' \"$@\" > \"$TEMP_DIR/args\"; printf '# report\\n' > scanner-report/report.md; exit ${CODE:-0}\n"
	empty := []string{"CONFIG=", "BASELINE=", "WAIVERS=", "FAIL_ON=", "FAIL_ON_NEW=false", "MAX=", "REGIONS=", "ROLE_ARN=", "ARGUMENTS=", "REPORTS=scanner-report", "SUMMARY=true"}
	const outputs = "<scan><-o><json=scanner-report/report.json><-o><sarif=scanner-report/report.sarif><-o><markdown=scanner-report/report.md><-o><junit=scanner-report/junit.xml>"
	for _, c := range []struct {
		name    string
		env     []string
		args    string
		code    int
		summary string
	}{
		{"nothing", nil, "", 0, "# report\n"},
		{"all", []string{"CONFIG=a b.yaml", "BASELINE=b b", "WAIVERS=w *", "FAIL_ON=h h", "FAIL_ON_NEW=true", "MAX=m m", "REGIONS=eu-* us-*", "ROLE_ARN=r r", "ARGUMENTS=--services=iam\n\n--tag=team=a b $(id)\n"},
			"<--config><a b.yaml><--baseline><b b><--waivers><w *><--fail-on><h h><--fail-on-new><--max><m m><--regions><eu-* us-*><--role-arn><r r><--services=iam><--tag=team=a b $(id)>", 0, "# report\n"},
		{"red", []string{"CODE=1", "FAIL_ON=high"}, "<--fail-on><high>", 1, "# report\n"},
		{"blind", []string{"CODE=3", "SUMMARY=false"}, "", 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShell(t, map[string]string{"scanner": scanner})
			out, code := s.run(script(t, "scan"), append(append(slices.Clone(empty), "SCANNER="+s.temp+"/bin/scanner"), c.env...)...)
			if code != c.code || s.file("args") != outputs+c.args || s.file("summary") != c.summary || s.file("output") != fmt.Sprintf("exit-code=%d\n", c.code) {
				t.Errorf("exit %d, %q, arguments %q, summary %q, output %q", code, out, s.file("args"), s.file("summary"), s.file("output"))
			}
		})
	}
}

// What CodeBuild would refuse: there is no schema of it here.
func TestBuildspec(t *testing.T) {
	type phase struct{ Commands []string }
	var b struct {
		Version float64
		Env     struct {
			Shell     string
			Variables map[string]string
		}
		Phases  map[string]phase
		Reports map[string]struct {
			Files  []string
			Format string `json:"file-format"`
		}
		Artifacts struct {
			Files []string
			Name  string
		}
	}
	var text json.RawMessage
	parse(t, "codebuild/buildspec.yml", &text)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		t.Fatal(err)
	}
	if b.Version != 0.2 || b.Env.Shell != "bash" {
		t.Errorf("version %v, shell %q", b.Version, b.Env.Shell)
	}
	all := ""
	for name, p := range b.Phases {
		if !slices.Contains([]string{"install", "pre_build", "build", "post_build"}, name) || len(p.Commands) == 0 {
			t.Errorf("there is no phase %s, or nothing is done in it", name)
		}
		all += strings.Join(p.Commands, "\n") + "\n"
	}
	for _, r := range b.Reports {
		if r.Format != "JUNITXML" || len(r.Files) != 1 || !strings.Contains(all, "junit="+r.Files[0]) {
			t.Errorf("the report is %+v", r)
		}
	}
	for _, f := range b.Artifacts.Files {
		if !strings.Contains(all, "="+f) {
			t.Errorf("nothing writes %s", f)
		}
	}
	for name := range b.Env.Variables {
		if strings.HasPrefix(name, "CODEBUILD_") || !strings.Contains(all, "$"+name) {
			t.Errorf("the variable %s is reserved, or not used", name)
		}
	}
}

// What is taken along as a report or an artifact is written before.
func TestReportsAreWritten(t *testing.T) {
	var jobs map[string]yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "gitlab/.gitlab-ci.yml")), &jobs); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"scan", "gate", "deploy"} {
		var job struct {
			Script    []string
			Artifacts struct {
				Paths   []string
				Reports map[string]string
			}
		}
		if node := jobs[name]; node.Decode(&job) != nil || len(job.Script) == 0 {
			t.Fatalf("GitLab: there is no job %s", name)
		}
		did := strings.Join(job.Script, "\n")
		for _, f := range job.Artifacts.Paths {
			if !strings.Contains(did, "="+f) {
				t.Errorf("GitLab: nothing writes %s", f)
			}
		}
		for kind, f := range job.Artifacts.Reports {
			format := map[string]string{"junit": "junit", "codequality": "gitlab"}[kind]
			if !strings.Contains(did, "-o "+format+"="+f) {
				t.Errorf("GitLab: nothing writes %s as %s", f, format)
			}
		}
	}
	jenkins := read(t, "jenkins/Jenkinsfile")
	for _, m := range regexp.MustCompile(`(?:testResults|artifacts): '([^']+)'`).FindAllStringSubmatch(jenkins, -1) {
		for f := range strings.SplitSeq(m[1], ", ") {
			if !strings.Contains(jenkins, "="+f) {
				t.Errorf("Jenkins: nothing writes %s", f)
			}
		}
	}
}

// A Jenkinsfile is Groovy, which nothing here reads: at least its blocks are closed, and it is declarative.
func TestJenkinsfile(t *testing.T) {
	text := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAllString(read(t, "jenkins/Jenkinsfile"), "")
	text = regexp.MustCompile(`(?s)'''.*?'''|'[^'\n]*'|"[^"\n]*"`).ReplaceAllString(text, "''")
	var open []rune
	closes := map[rune]rune{'}': '{', ')': '(', ']': '['}
	for _, r := range text {
		switch r {
		case '{', '(', '[':
			open = append(open, r)
		case '}', ')', ']':
			if len(open) == 0 || open[len(open)-1] != closes[r] {
				t.Fatalf("%c closes what is not open", r)
			}
			open = open[:len(open)-1]
		case '\'', '"':
		}
	}
	if len(open) > 0 || strings.Count(text, "'")%2 != 0 || strings.Contains(text, `"`) {
		t.Errorf("something is open at the end: %c", open)
	}
	for _, part := range []string{`^\s*pipeline \{`, `(?m)^  agent \{`, `(?m)^  stages \{`, `(?m)^    stage\(''\) \{\n      steps \{`, `(?m)^  post \{\n    always \{`} {
		if !regexp.MustCompile(part).MatchString(text) {
			t.Errorf("there is no %s in %s", part, text)
		}
	}
}

// The image is empty but for the scanner, runs as nobody, and is built from what .dockerignore lets through.
func TestDockerfile(t *testing.T) {
	var stages [][]string // instructions, comments and continuations resolved
	text := regexp.MustCompile(`(?m)^\s*#.*\n`).ReplaceAllString(read(t, "../Dockerfile"), "")
	for line := range strings.SplitSeq(strings.ReplaceAll(text, "\\\n", " "), "\n") {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "FROM":
			stages = append(stages, []string{line})
		case len(stages) > 0:
			stages[len(stages)-1] = append(stages[len(stages)-1], line)
		}
	}
	if len(stages) != 2 {
		t.Fatalf("there are %d stages", len(stages))
	}
	last := stages[1]
	for _, want := range []string{`^FROM scratch$`, `^USER [1-9]\d*:[1-9]\d*$`, `^ENTRYPOINT \["/usr/local/bin/scanner"\]$`, `^COPY --from=build /etc/ssl/certs/ca-certificates\.crt /etc/ssl/certs/$`, `^COPY LICENSE NOTICE `} {
		if !slices.ContainsFunc(last, regexp.MustCompile(want).MatchString) {
			t.Errorf("the image has no %s", want)
		}
	}
	allowed := allowed(t)
	for _, line := range slices.Concat(stages...) {
		words := strings.Fields(line)
		switch words[0] {
		case "FROM", "WORKDIR", "ARG", "ENV", "USER", "ENTRYPOINT", "CMD", "RUN":
		case "COPY":
			for _, from := range words[1 : len(words)-1] {
				if !strings.Contains(line, "--from=") && from != "." && !allowed[from] {
					t.Errorf("%s: .dockerignore leaves %s out", line, from)
				}
			}
		default:
			t.Errorf("%s: nothing is known of this", line)
		}
	}
	if !slices.ContainsFunc(stages[0], func(line string) bool {
		return strings.Contains(line, "CGO_ENABLED=0 ") && strings.Contains(line, "-X main.version=$VERSION")
	}) {
		t.Error("the binary is not static, or has no version")
	}
	// What the scanner is made of gets to the builder; and FROM names the Go of go.mod.
	c := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{if .Module.Main}}{{.ImportPath}}{{end}}{{end}}", "./cmd/scanner")
	c.Dir = ".."
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for pkg := range strings.Lines(string(out)) {
		if pkg = strings.TrimSpace(pkg); pkg == "" {
			continue
		}
		n++
		dir, _, _ := strings.Cut(strings.TrimPrefix(pkg, "awsscanner/"), "/")
		if !allowed[dir] {
			t.Errorf(".dockerignore leaves %s out, which the scanner is made of", dir)
		}
	}
	if n < 20 {
		t.Errorf("the scanner is made of %d packages only", n)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(stages[0][0], "golang:"+version+"-") {
		t.Errorf("%s is not Go %s", stages[0][0], version)
	}
}

// allowed are the names that .dockerignore lets through.
func allowed(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	nothing := false
	for line := range strings.Lines(read(t, "../.dockerignore")) {
		switch line = strings.TrimSpace(line); {
		case line == "*":
			nothing = true
		case strings.HasPrefix(line, "!"):
			all[line[1:]] = true
		}
	}
	if !nothing {
		t.Error(".dockerignore lets everything through that it does not name")
	}
	return all
}
