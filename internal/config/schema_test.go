package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"awsscanner/frameworks"
	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/notify"
	"awsscanner/internal/secret"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/waiver"
)

var write = flag.Bool("write", false, "write docs/config.schema.json and docs/waivers.schema.json")

const docs = "../../docs"

// A jsonObject is an object of JSON.
type jsonObject = map[string]any

// schemaOf describes what a Go type takes, as editors want to know it.
func schemaOf(t reflect.Type, key string) jsonObject {
	text := jsonObject{"type": "string", "minLength": 1}
	switch {
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), key)
	case t == reflect.TypeFor[engine.Severity]():
		return jsonObject{"$ref": "#/$defs/severity"}
	case t == reflect.TypeFor[waiver.Term]():
		return jsonObject{"type": "string", "pattern": "^[0-9]{1,5}[dw]$"}
	case t == reflect.TypeFor[waiver.Date]():
		return jsonObject{"type": "string", "format": "date"}
	case t == reflect.TypeFor[Role]():
		return jsonObject{"enum": roles[1:]}
	case t == reflect.TypeFor[Span]():
		return jsonObject{"type": "string", "pattern": "^[0-9.]+[mh]"}
	case t == reflect.TypeFor[secret.Reference]():
		return jsonObject{"type": "string", "pattern": "^(env|file|secretsmanager|ssm):."}
	case t == reflect.TypeFor[Prefix]():
		return text
	case t == reflect.TypeFor[match.Condition]():
		return jsonObject{"$ref": "#/$defs/condition"}
	case t == reflect.TypeFor[strictyaml.Raw]():
		return jsonObject{}
	case t == reflect.TypeFor[notify.Event]():
		return jsonObject{"enum": notify.Events}
	case t == reflect.TypeFor[notify.Type]():
		return jsonObject{"enum": notify.Types()}
	case t == reflect.TypeFor[notify.Secret]():
		return jsonObject{"type": "string", "pattern": "^(env|file|secretsmanager|ssm):."}
	}
	switch t.Kind() {
	case reflect.Bool:
		return jsonObject{"type": "boolean"}
	case reflect.Int:
		return jsonObject{"type": "integer", "minimum": 0}
	case reflect.Float64:
		return jsonObject{"type": "number", "exclusiveMinimum": 0}
	case reflect.String:
		switch key {
		case "ruleset":
			return jsonObject{"enum": engine.Levels}
		case "min_severity", "fail_on":
			return jsonObject{"$ref": "#/$defs/severity"}
		case "attribution":
			return jsonObject{"enum": []string{"role", "full", "off"}}
		case "log_format":
			return jsonObject{"enum": []string{"text", "json"}}
		case "allow_incomplete", "fail_on_incomplete":
			return jsonObject{"type": []string{"number", "string"}, "minimum": 0, "maximum": 100, "pattern": "^[0-9.]+%?$"}
		}
		return text
	case reflect.Slice:
		item := schemaOf(t.Elem(), key)
		switch key {
		case "pillars":
			item = jsonObject{"enum": engine.Pillars}
		case "redact":
			item = jsonObject{"enum": []string{"accounts", "names"}}
		case "frameworks":
			item = jsonObject{"anyOf": []any{jsonObject{"enum": frameworks.IDs()}, jsonObject{"type": "string", "pattern": `\*`}}}
		case "account", "include", "exclude": // a number loses leading zeros in other readers of YAML
			item = jsonObject{"type": "string", "pattern": "^[0-9]{12}$"}
		case "locked":
			item = jsonObject{"type": "string", "pattern": "^(" + strings.Join(lockable(), "|") + ")"}
		}
		list := jsonObject{"type": "array", "items": item, "minItems": 1}
		if k := t.Elem().Kind(); k == reflect.Struct {
			return list
		}
		return jsonObject{"anyOf": []any{item, list}}
	case reflect.Map:
		names := jsonObject{"minLength": 1}
		switch {
		case t.Key() == reflect.TypeFor[engine.Severity](), key == "max":
			names = jsonObject{"$ref": "#/$defs/severity"}
		case t.Key() == reflect.TypeFor[Role]():
			names = jsonObject{"enum": roles[2:]}
		case key == "account_params":
			names = jsonObject{"pattern": "^[0-9]{12}$"}
			key = ""
		case key == "tags":
			return jsonObject{"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": jsonObject{"anyOf": []any{jsonObject{"type": []string{"string", "number"}}, jsonObject{"type": "array", "minItems": 1, "items": jsonObject{"type": []string{"string", "number"}}}}}}
		}
		return jsonObject{"type": "object", "minProperties": 1, "propertyNames": names, "additionalProperties": schemaOf(t.Elem(), "")}
	case reflect.Struct:
		return structOf(t)
	}
	panic("no schema of " + t.String())
}

func lockable() (names []string) {
	for _, name := range known() {
		names = append(names, regexp.QuoteMeta(name)+`\b`)
	}
	return names
}

func structOf(t reflect.Type) jsonObject {
	properties := jsonObject{}
	required := []string{}
	for _, f := range reflect.VisibleFields(t) {
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		p := schemaOf(f.Type, key)
		p["description"] = f.Tag.Get("doc")
		properties[key] = p
		if options == "required" {
			required = append(required, key)
		}
	}
	s := jsonObject{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		s["required"] = required
	}
	return s
}

func schemas() map[string]jsonObject {
	defs := jsonObject{"severity": jsonObject{"enum": engine.Severities()}, "condition": structOf(reflect.TypeFor[match.Condition]())}
	head := func(title string, s jsonObject) jsonObject {
		s["$schema"], s["title"], s["$defs"] = "https://json-schema.org/draft/2020-12/schema", title, defs
		return s
	}
	return map[string]jsonObject{
		"config.schema.json":  head("Settings of scanner: scanner.yaml", structOf(reflect.TypeFor[File]())),
		"waivers.schema.json": head("Waivers of scanner: waivers.yaml", jsonObject{"type": "array", "items": structOf(reflect.TypeFor[waiver.Waiver]())}),
	}
}

// The schemas say what the structs do, key by key.
func TestSchemas(t *testing.T) {
	for name, s := range schemas() {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(docs, name)
		if *write {
			if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := os.ReadFile(file); err != nil || !bytes.Equal(text, b.Bytes()) {
			t.Errorf("docs/%s does not say what the structs say: run make docs", name)
		}
	}
}

func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	text, err := os.ReadFile(filepath.Join(docs, name))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err == nil {
		err = c.AddResource(name, v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c.MustCompile(name)
}

// plain returns what an editor sees of YAML: dates are texts.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return plain(n.Content[0])
	case yaml.SequenceNode:
		all := []any{}
		for _, c := range n.Content {
			all = append(all, plain(c))
		}
		return all
	case yaml.MappingNode:
		all := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			all[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return all
	}
	switch n.Tag {
	case "!!int", "!!float":
		return json.Number(n.Value)
	case "!!bool":
		return n.Value == "true"
	case "!!null":
		return nil
	}
	return n.Value
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```")

// What documents and the example show, with and without its comments, the schemas accept.
func TestSchemasAcceptExamples(t *testing.T) {
	settings, waivers := compiled(t, "config.schema.json"), compiled(t, "waivers.schema.json")
	example, err := os.ReadFile("../../cmd/scanner/data/scanner.yaml")
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{string(example)}
	for _, name := range []string{"configuration.md", "waivers.md", "notifications.md"} {
		text, err := os.ReadFile(filepath.Join(docs, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range yamlBlock.FindAllStringSubmatch(string(text), -1) {
			texts = append(texts, m[1])
		}
	}
	if len(texts) < 8 {
		t.Errorf("there are only %d examples", len(texts))
	}
	// Without the comment signs each group of the example is one by itself.
	for group := range strings.SplitSeq(string(example), "\n\n") {
		var lines []string
		for line := range strings.Lines(group) {
			if rest, ok := strings.CutPrefix(line, "# "); ok && regexp.MustCompile(`^( |[a-z_]+:)`).MatchString(rest) {
				lines = append(lines, rest)
			}
		}
		if len(lines) > 0 {
			texts = append(texts, strings.Join(lines, ""))
		}
	}
	for _, text := range texts {
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Errorf("%v in\n%s", err, text)
			continue
		}
		s := settings
		if n.Content[0].Kind == yaml.SequenceNode {
			s = waivers
		}
		if err := s.Validate(plain(&n)); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

// What the decoder refuses as such, the schemas refuse, too.
func TestSchemasRefuse(t *testing.T) {
	settings, waivers := compiled(t, "config.schema.json"), compiled(t, "waivers.schema.json")
	refused := func(s *jsonschema.Schema, text string) {
		t.Helper()
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		if s.Validate(plain(&n)) == nil {
			t.Errorf("the schema accepts %s", text)
		}
	}
	for _, text := range []string{"acounts: {}", "ruleset: all", "regions: []", "accounts: {org: yes}", "accounts: {include: [1]}", "gate: {fail_on: hgh}", "gate: {max: {severe: 1}}", "gate: {max: {high: -1}}",
		"gate: {allow_incomplete: most}", "severities: {x: y}", "account_params: {prod: {a: {b: 1}}}", "params: {a: 1}", "owners: [{rule: a}]", "owners: [{team: a, tag: b}]", "owners: {team: a}",
		"waiver_policy: {longest: {high: 90}}", "waiver_policy: {longest: {hgh: 90d}}", "locked: [fail_on]", "notifications: {channels: [{name: a, type: irc}]}", "notifications: {channels: [{type: slack}]}", "notifications: {channels: [{name: a, type: webhook, secret: sesame}]}", "notifications: {routes: [{events: [mended], channels: [a]}]}", "server: {local_role: boss}", "server: {oidc: {client_secret: sesame}}", "server: {oidc: {roles: {none: x}}}", "server: {limits: {streams: many}}", "server: {session: 1}", "max_rps: 0", "redact: secrets", "pillars: beauty", "frameworks: cis", "log_format: xml", "attribution: all", "pipelines: {}", "[a]"} {
		refused(settings, text)
	}
	for _, text := range []string{"{rule: a}", "[{rule: a, reason: b, owner: c}]", "[{rule: a, reason: b, owner: c, expires: soon}]", "[{rule: a, reason: b, owner: c, expires: 2026-02-30}]", "[{rules: a, reason: b, owner: c, expires: 2026-02-28}]",
		"[{account: 1, reason: b, owner: c, expires: 2026-02-28}]", "[{not: [{rule: a}], reason: b, owner: c, expires: 2026-02-28}]", "[{any: {rule: a}, reason: b, owner: c, expires: 2026-02-28}]", "[{not: {rulez: a}, reason: b, owner: c, expires: 2026-02-28}]"} {
		refused(waivers, text)
	}
}
