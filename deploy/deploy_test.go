// Package deploy_test holds what is deployed here to what the systems that run it accept, and to what it must not be able to do.
package deploy_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
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

var mirror = flag.String("terraform", "", "validate with the AWS provider in this `folder`, a file system mirror")

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each file is known to a test.
func TestEveryFileIsTested(t *testing.T) {
	known := []string{"README.md", "deploy_test.go", "systemd/scanner.service", "systemd/scanner-worker.service", "systemd/credentials.conf",
		"kubernetes/namespace.yaml", "kubernetes/sqlite.yaml", "kubernetes/postgres.yaml", "kubernetes/kustomization.yaml", "kubernetes/scanner.yaml", "kubernetes/server.yaml",
		"ecs/template.yaml", "ecs/Dockerfile", "ecs/scanner.yaml", "ecs/server.yaml", "role/stackset.yaml", "role/stackset.tf"}
	err := filepath.WalkDir(".", func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !slices.Contains(known, filepath.ToSlash(name)) {
			t.Errorf("nothing is known of %s: test it, and add it here", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range known {
		if read(t, name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}

// unit returns the settings of a unit file, by section and key.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	section := ""
	for line := range strings.Lines(read(t, name)) {
		switch line = strings.TrimSpace(line); {
		case line == "", line[0] == '#':
		case line[0] == '[':
			section = strings.Trim(line, "[]")
		default:
			key, value, ok := strings.Cut(line, "=")
			if !ok {
				t.Errorf("%s: %q is no setting", name, line)
			}
			all[section+"."+key] = append(all[section+"."+key], value)
		}
	}
	return all
}

// Services run as nobody, write nowhere but to their own directory, and are started again unless their settings are wrong.
func TestUnits(t *testing.T) {
	for name, dir := range map[string]string{"scanner": "scanner", "scanner-worker": "scanner-worker"} {
		u := unit(t, "systemd/"+name+".service")
		for key, want := range map[string]string{
			"DynamicUser": "yes", "StateDirectory": dir, "StateDirectoryMode": "0700", "WorkingDirectory": "%S/" + dir, "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "",
			"Restart": "on-failure", "RestartPreventExitStatus": "2", "Type": "exec", "UMask": "0077", "LimitCORE": "0", "MemoryDenyWriteExecute": "yes", "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
		} {
			if got := u["Service."+key]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", name, key, got, want)
			}
		}
		if got := u["Install.WantedBy"]; !slices.Equal(got, []string{"multi-user.target"}) {
			t.Errorf("%s is wanted by %q", name, got)
		}
		for _, value := range slices.Concat(u["Service.Environment"], u["Service.ExecStart"]) {
			if regexp.MustCompile(`(?i)password|secret|postgres://`).MatchString(value) {
				t.Errorf("%s: %q tells a secret to everybody", name, value)
			}
		}
	}
	drop := unit(t, "systemd/credentials.conf")
	for _, credential := range drop["Service.LoadCredential"] {
		name, path, _ := strings.Cut(credential, ":")
		if !strings.HasPrefix(path, "/etc/scanner/") || !strings.Contains(strings.Join(drop["Service.Environment"], " "), "=%d/"+name) {
			t.Errorf("credential %s is not used", credential)
		}
	}
	if len(drop["Service.LoadCredential"]) != 2 {
		t.Errorf("the drop-in has %q", drop["Service.LoadCredential"])
	}
}

// systemd finds nothing wrong in the units, and little that they may do.
func TestSystemd(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("needs systemd-analyze, of the package systemd")
	}
	dir := t.TempDir()
	for _, name := range []string{"scanner.service", "scanner-worker.service"} {
		text := strings.ReplaceAll(read(t, "systemd/"+name), "/usr/local/bin/scanner", "/bin/true") // which is not installed here
		file := filepath.Join(dir, name)
		drop := filepath.Join(dir, name+".d")
		if err := errors.Join(os.WriteFile(file, []byte(text), 0o600), os.Mkdir(drop, 0o700), os.WriteFile(filepath.Join(drop, "credentials.conf"), []byte(read(t, "systemd/credentials.conf")), 0o600)); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput()
		if err != nil || strings.Contains(string(out), dir) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=15", file).CombinedOutput(); err != nil { // 1.5 of 10
			t.Errorf("%s: %v\n%s", name, err, out[max(0, len(out)-300):])
		}
	}
}

// A container as a task or a pod has it.
type container struct {
	Name, Image     string
	Args            []string
	Env             []struct{ Name, Value string }
	Ports           []struct{ ContainerPort int }
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnly                 bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct{ Drop, Add []string }
	} `yaml:"securityContext"`
	Resources struct{ Requests, Limits map[string]string }
	Startup   *probe `yaml:"startupProbe"`
	Liveness  *probe `yaml:"livenessProbe"`
	Readiness *probe `yaml:"readinessProbe"`
	Mounts    []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTP struct{ Path, Port, Scheme string } `yaml:"httpGet"`
}

type object struct {
	Kind     string
	Metadata struct {
		Name, Namespace string
		Annotations     map[string]string
	}
	Automount *bool `yaml:"automountServiceAccountToken"`
	Data      yaml.Node
	Spec      struct {
		Replicas int
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		PolicyTypes     []string `yaml:"policyTypes"`
		Ingress, Egress []yaml.Node
		Template        struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				ServiceAccount string `yaml:"serviceAccountName"`
				Automount      *bool  `yaml:"automountServiceAccountToken"`
				Grace          int    `yaml:"terminationGracePeriodSeconds"`
				Security       struct {
					NonRoot bool                  `yaml:"runAsNonRoot"`
					User    int                   `yaml:"runAsUser"`
					Seccomp struct{ Type string } `yaml:"seccompProfile"`
				} `yaml:"securityContext"`
				HostNetwork bool `yaml:"hostNetwork"`
				Containers  []container
				Volumes     []struct {
					Name     string
					HostPath *yaml.Node `yaml:"hostPath"`
				}
			}
		}
		Claims []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
	}
}

func objects(t *testing.T, name string) (all []object) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, name)))
	for {
		var node yaml.Node
		if err := d.Decode(&node); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var o object
		if node.Content[0].Kind == yaml.MappingNode && slices.ContainsFunc(node.Content[0].Content, func(n *yaml.Node) bool { return n.Value == "selector" }) {
			t.Fatalf("%s: a selector at the top", name)
		}
		if err := node.Decode(&o); err != nil && o.Kind != "Service" { // whose selector has another shape
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, o)
	}
}

// Pods run as nobody on a file system that they cannot write, with no token of the cluster, and what they need is there.
func TestPods(t *testing.T) {
	pods := 0
	for _, name := range []string{"kubernetes/sqlite.yaml", "kubernetes/postgres.yaml"} {
		for _, o := range objects(t, name) {
			if o.Metadata.Namespace != "scanner" {
				t.Errorf("%s: %s is in namespace %q", name, o.Kind, o.Metadata.Namespace)
			}
			if o.Kind != "StatefulSet" && o.Kind != "Deployment" {
				continue
			}
			pods++
			at, pod := name+": "+o.Metadata.Name, o.Spec.Template.Spec
			for key, value := range o.Spec.Selector.MatchLabels {
				if o.Spec.Template.Metadata.Labels[key] != value {
					t.Errorf("%s: its selector finds no pod of it", at)
				}
			}
			if pod.ServiceAccount != "scanner" || pod.Automount == nil || *pod.Automount || pod.HostNetwork || !pod.Security.NonRoot || pod.Security.User != 65532 || pod.Security.Seccomp.Type != "RuntimeDefault" {
				t.Errorf("%s may do more than it should: %+v", at, pod)
			}
			if pod.Grace < 45 { // 20 s for what is being read, and some for the rest
				t.Errorf("%s is killed after %d s", at, pod.Grace)
			}
			if len(pod.Containers) != 1 {
				t.Fatalf("%s has %d containers", at, len(pod.Containers))
			}
			c := pod.Containers[0]
			if s := c.SecurityContext; s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnly || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s may do more than it should: %+v", at, s)
			}
			if c.Resources.Requests["memory"] == "" || c.Resources.Requests["cpu"] == "" || c.Resources.Limits["memory"] == "" {
				t.Errorf("%s says not what it takes: %+v", at, c.Resources)
			}
			if regexp.MustCompile(`(:latest|^[^:]*)$`).MatchString(c.Image) {
				t.Errorf("%s runs whatever %s is today", at, c.Image)
			}
			volumes := map[string]bool{}
			for _, v := range pod.Volumes {
				volumes[v.Name] = true
				if v.HostPath != nil {
					t.Errorf("%s mounts the node's %s", at, v.Name)
				}
			}
			for _, v := range o.Spec.Claims {
				volumes[v.Metadata.Name] = true
			}
			state := false
			for _, m := range c.Mounts {
				if !volumes[m.Name] {
					t.Errorf("%s mounts %s, which is no volume", at, m.Name)
				}
				state = state || m.MountPath == "/state" // where the image has TMPDIR and its state
			}
			if !state {
				t.Errorf("%s can write nowhere", at)
			}
			for _, e := range c.Env {
				if e.Name == "SCANNER_DATABASE" && e.Value != "" {
					t.Errorf("%s shows the password of the database", at)
				}
			}
			serves := c.Args[0] == "serve"
			if serves != (c.Startup != nil) || serves != (c.Liveness != nil) || serves != (c.Readiness != nil) {
				t.Errorf("%s is probed: %v %v %v", at, c.Startup, c.Liveness, c.Readiness)
			} else if serves && (c.Liveness.HTTP.Path != "/healthz" || c.Readiness.HTTP.Path != "/readyz" || c.Startup.HTTP.Path != "/healthz" || c.Liveness.HTTP.Scheme != "HTTPS") {
				t.Errorf("%s is probed elsewhere: %+v %+v", at, c.Liveness, c.Readiness)
			}
			if o.Kind == "StatefulSet" && o.Spec.Replicas != 1 {
				t.Errorf("%s: %d services on one file", at, o.Spec.Replicas)
			}
		}
	}
	if pods != 3 {
		t.Errorf("there are %d sorts of pods", pods)
	}
	found := map[string]bool{}
	for _, o := range objects(t, "kubernetes/namespace.yaml") {
		found[o.Kind] = true
		switch o.Kind {
		case "ServiceAccount":
			if o.Automount == nil || *o.Automount || !strings.HasPrefix(o.Metadata.Annotations["eks.amazonaws.com/role-arn"], "arn:aws:iam::111122223333:role/") {
				t.Errorf("the service account is %+v", o.Metadata)
			}
		case "NetworkPolicy":
			if !slices.Equal(o.Spec.PolicyTypes, []string{"Ingress", "Egress"}) || len(o.Spec.Ingress) == 0 || len(o.Spec.Egress) == 0 {
				t.Errorf("the network policy is about %q", o.Spec.PolicyTypes)
			}
		}
	}
	for _, kind := range []string{"Namespace", "ServiceAccount", "NetworkPolicy"} {
		if !found[kind] {
			t.Errorf("there is no %s", kind)
		}
	}
}

// The customization names files that are there, and kubectl makes of it what it names.
func TestKustomization(t *testing.T) {
	var k struct {
		Resources []string
		Maps      []struct {
			Name  string
			Files []string
		} `yaml:"configMapGenerator"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "kubernetes/kustomization.yaml")), &k); err != nil {
		t.Fatal(err)
	}
	if len(k.Resources) != 2 || len(k.Maps) != 1 || k.Maps[0].Name != "scanner" {
		t.Errorf("%+v", k)
	}
	for _, name := range slices.Concat(k.Resources, k.Maps[0].Files) {
		read(t, filepath.Join("kubernetes", name))
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("needs kubectl")
	}
	out, err := exec.Command(kubectl, "kustomize", "kubernetes").CombinedOutput()
	if err != nil || strings.Count("\n"+string(out), "\nkind: ") != 6 {
		t.Errorf("%v\n%s", err, out)
	}
}

// Templates are what CloudFormation takes, as far as its own linter knows; and without aliases, which only the linter takes.
func TestTemplates(t *testing.T) {
	lint, missing := exec.LookPath("cfn-lint")
	for _, name := range []string{"ecs/template.yaml", "role/stackset.yaml"} {
		var root yaml.Node
		if err := yaml.Unmarshal([]byte(read(t, name)), &root); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var walk func(n *yaml.Node)
		walk = func(n *yaml.Node) {
			if n.Kind == yaml.AliasNode || n.Anchor != "" {
				t.Errorf("%s:%d: CloudFormation takes no aliases", name, n.Line)
			}
			for _, child := range n.Content {
				walk(child)
			}
		}
		walk(&root)
		if missing == nil {
			if out, err := exec.Command(lint, name).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", name, err, out)
			}
		}
	}
	if missing != nil {
		t.Skip("the rest needs cfn-lint")
	}
}

// Tasks run as nobody on a file system that they cannot write, and no password is in the template.
func TestTasks(t *testing.T) {
	type definition struct {
		User    string              `yaml:"User"`
		Root    bool                `yaml:"ReadonlyRootFilesystem"`
		Stop    int                 `yaml:"StopTimeout"`
		Mounts  []map[string]string `yaml:"MountPoints"`
		Secrets []map[string]string `yaml:"Secrets"`
	}
	var template struct {
		Resources map[string]struct {
			Type       string `yaml:"Type"`
			Properties struct {
				Definitions []definition `yaml:"ContainerDefinitions"`
				Network     string       `yaml:"NetworkMode"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	text := read(t, "ecs/template.yaml")
	if err := yaml.Unmarshal([]byte(text), &template); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, r := range template.Resources {
		if r.Type != "AWS::ECS::TaskDefinition" {
			continue
		}
		n++
		if len(r.Properties.Definitions) != 1 {
			t.Fatalf("%s has %d containers", name, len(r.Properties.Definitions))
		}
		c := r.Properties.Definitions[0]
		if c.User != "65532:65532" || !c.Root || c.Stop < 45 || r.Properties.Network != "awsvpc" || len(c.Mounts) != 1 || c.Mounts[0]["ContainerPath"] != "/state" || len(c.Secrets) != 1 || c.Secrets[0]["Name"] != "SCANNER_DATABASE" {
			t.Errorf("%s is %+v", name, c)
		}
	}
	if n != 2 {
		t.Errorf("there are %d tasks", n)
	}
	if regexp.MustCompile(`(?i)Name: SCANNER_DATABASE\s+Value:`).MatchString(text) {
		t.Error("the password of the database is in the template")
	}
	docker := read(t, "ecs/Dockerfile")
	for _, want := range []string{`(?m)^FROM registry\.example\.com/scanner:\d`, `(?m)^COPY scanner\.yaml server\.yaml /etc/scanner/$`, `(?m)^VOLUME /state$`} {
		if !regexp.MustCompile(want).MatchString(docker) {
			t.Errorf("the Dockerfile lacks %s", want)
		}
	}
	if strings.Contains(docker, "USER") {
		t.Error("the Dockerfile has another user than the image")
	}
}

// Terraform is what its parser takes, in its own form.
func TestTerraform(t *testing.T) {
	text := []byte(read(t, "role/stackset.tf"))
	f, problems := hclsyntax.ParseConfig(text, "stackset.tf", hcl.InitialPos)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	variables := map[string]bool{}
	for _, b := range f.Body.(*hclsyntax.Body).Blocks {
		if b.Type == "variable" {
			variables[b.Labels[0]] = true
		}
	}
	for _, m := range regexp.MustCompile(`\bvar\.(\w+)`).FindAllSubmatch(text, -1) {
		if !variables[string(m[1])] {
			t.Errorf("there is no variable %s", m[1])
		}
	}
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("the rest needs terraform")
	}
	c := exec.Command(terraform, "fmt", "-")
	c.Stdin = bytes.NewReader(text)
	out, err := c.Output()
	if err != nil || !bytes.Equal(out, text) {
		t.Errorf("terraform fmt writes it otherwise, %v:\n%s", err, out)
	}
	if *mirror == "" {
		t.Skip("terraform validate needs the AWS provider: make iac PROVIDERS=<folder>")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"stackset.tf": string(text), "role.json": "{}", "terraform.rc": fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", *mirror)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"init", "-input=false", "-no-color"}, {"validate", "-no-color"}} {
		c := exec.Command(terraform, args...)
		c.Dir, c.Env = dir, append(os.Environ(), "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "terraform.rc"))
		if out, err := c.CombinedOutput(); err != nil || args[0] == "validate" && bytes.Contains(out, []byte("Warning")) {
			t.Fatalf("terraform %s: %v\n%s", args[0], err, out)
		}
	}
}
