package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"awsscanner/internal/engine"
)

// A SourceMap tells in which file of a repository a CloudFormation stack is written down, so that findings can be shown there.
type SourceMap struct {
	stacks    []mappedStack
	files     fs.FS                     // the repository; nil if it cannot be read
	resources map[string]map[string]int // lines of logical IDs, by template
}

// A mappedStack is an entry of the file.
type mappedStack struct {
	Stack    string `yaml:"stack"`    // name, or a glob: nested stacks have names that CloudFormation makes up
	Account  string `yaml:"account"`  // "" for any
	Region   string `yaml:"region"`   // "" for any
	Template string `yaml:"template"` // path from the root of the repository
}

// ParseSourceMap reads a source map: YAML, or JSON, which is YAML too. Errors name the line. Templates are looked up in files, if it is not nil.
func ParseSourceMap(data []byte, files fs.FS) (*SourceMap, error) {
	m := &SourceMap{files: files, resources: map[string]map[string]int{}}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	var file struct {
		Stacks []yaml.Node `yaml:"stacks"`
	}
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.New(yamlText(err))
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one document in it")
	}
	if len(file.Stacks) == 0 {
		return nil, errors.New("it has no list stacks: write stacks: [{stack: NAME, template: PATH}]")
	}
	for i := range file.Stacks {
		node := &file.Stacks[i]
		at := func(format string, args ...any) error {
			return fmt.Errorf("line %d: %s", node.Line, fmt.Sprintf(format, args...))
		}
		var s mappedStack
		if err := strictly(node, &s); err != nil {
			return nil, err
		}
		switch clean := path.Clean(s.Template); {
		case s.Stack == "":
			return nil, at("the entry has no stack: write its name, or a glob")
		case s.Template == "":
			return nil, at("the entry of stack %s has no template: write its path from the root of the repository", s.Stack)
		case path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") || clean == "." || strings.Contains(s.Template, `\`):
			return nil, at("the template %s is no path below the root of the repository, with slashes", s.Template)
		case s.Account != "" && !twelveDigits.MatchString(s.Account):
			return nil, at("the account %s is no account ID: write its twelve digits in quotes", s.Account)
		default:
			s.Template = clean
		}
		for _, before := range m.stacks {
			if before.Stack == s.Stack && before.Account == s.Account && before.Region == s.Region {
				return nil, at("an entry before this one is about the same stack %s", s.Stack)
			}
		}
		m.stacks = append(m.stacks, s)
	}
	return m, nil
}

var twelveDigits = regexp.MustCompile(`^\d{12}$`)

// strictly decodes one node of a file. A node forgets that unknown fields are errors.
func strictly(node *yaml.Node, s *mappedStack) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: an entry is {stack: NAME, template: PATH}, with account and region if they matter", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		switch key := node.Content[i]; key.Value {
		case "stack", "account", "region", "template":
		default:
			return fmt.Errorf("line %d: there is no field %s: use stack, account, region, template", key.Line, key.Value)
		}
	}
	if err := node.Decode(s); err != nil {
		return errors.New(yamlText(err))
	}
	return nil
}

// yamlText is the first thing that is wrong with a file, in one line.
func yamlText(err error) string {
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) && len(wrong.Errors) > 0 {
		return wrong.Errors[0]
	}
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: ")
}

// Find returns the template of a stack and the line of a resource in it: 1 if that is not known. The first entry that fits counts.
func (m *SourceMap) Find(account, region, stack, logicalID string) (template string, line int, ok bool) {
	if m == nil || stack == "" {
		return "", 0, false
	}
	for _, s := range m.stacks {
		if (s.Account == "" || s.Account == account) && (s.Region == "" || s.Region == region) && engine.Match(s.Stack, stack) {
			return s.Template, max(1, m.linesOf(s.Template)[logicalID]), true
		}
	}
	return "", 0, false
}

// linesOf returns the lines of a template in which its resources begin. What cannot be read, or is no template, has none.
func (m *SourceMap) linesOf(template string) map[string]int {
	lines, known := m.resources[template]
	if !known {
		if m.files != nil {
			if data, err := fs.ReadFile(m.files, template); err == nil {
				lines = resourceLines(data)
			}
		}
		m.resources[template] = lines
	}
	return lines
}

// resourceLines finds the logical IDs of a CloudFormation template.
func resourceLines(data []byte) map[string]int {
	lines := map[string]int{}
	if json.Valid(data) { // with tabs it is no YAML
		return jsonResourceLines(data)
	}
	var doc yaml.Node
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return lines
	}
	for i := 0; i+1 < len(doc.Content[0].Content); i += 2 {
		if value := doc.Content[0].Content[i+1]; doc.Content[0].Content[i].Value == "Resources" && value.Kind == yaml.MappingNode {
			for j := 0; j < len(value.Content); j += 2 {
				lines[value.Content[j].Value] = value.Content[j].Line
			}
		}
	}
	return lines
}

func jsonResourceLines(data []byte) map[string]int {
	lines := map[string]int{}
	d := json.NewDecoder(bytes.NewReader(data))
	depth, key, section := 0, true, "" // key: what comes next in an object is a name
	var inArray []bool
	for {
		token, err := d.Token()
		if err != nil {
			return lines
		}
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				depth++
				inArray, key = append(inArray, t == '['), true
			default:
				depth--
				inArray, key = inArray[:len(inArray)-1], true
			}
			continue
		case string:
			if key && depth > 0 && !inArray[depth-1] {
				switch {
				case depth == 1:
					section = t
				case depth == 2 && section == "Resources":
					lines[t] = 1 + bytes.Count(data[:d.InputOffset()], []byte("\n"))
				}
				key = false
				continue
			}
		}
		key = true
	}
}
