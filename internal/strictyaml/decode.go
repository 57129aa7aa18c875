package strictyaml

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"awsscanner/internal/suggest"
)

// A Line is a field of a struct that is set to the line in which the struct begins.
type Line int

// A Raw is a value that is decoded later, when its type is known.
type Raw struct {
	node *yaml.Node
	path string
}

// decode fills a struct or a slice. Fields are named by their yaml tags; with "required" there they must be given.
func decode(f *File, data []byte, into any) *File {
	if n := f.parse(data); n != nil {
		f.value("", "the file", n, reflect.ValueOf(into).Elem())
	}
	return f
}

// As decodes a value that was kept raw.
func (f *File) As(r Raw, into any) {
	if r.node != nil {
		f.value(r.path, name(r.path), r.node, reflect.ValueOf(into).Elem())
	}
}

// name is how mistakes call a value: by its last key.
func name(path string) string {
	path = path[strings.LastIndexByte(path, '.')+1:]
	if i := strings.IndexByte(path, '['); i >= 0 {
		return "an item of " + path[:i]
	}
	if path == "" {
		return "the file"
	}
	return printable(path)
}

func (f *File) note(path string, line int) {
	if f.at[path] == 0 {
		f.at[path] = line
		f.paths = append(f.paths, path)
	}
}

var (
	textType = reflect.TypeFor[encoding.TextUnmarshaler]()
	rawType  = reflect.TypeFor[Raw]()
	lineType = reflect.TypeFor[Line]()
)

// value decodes a node. It is called what in mistakes.
func (f *File) value(path, what string, n *yaml.Node, v reflect.Value) {
	f.note(path, n.Line)
	f.end[path] = lastLine(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Style == 0 {
		if strings.Contains(what, ":") {
			f.refuse(f.at[path], "%s has no value: after the colon of a key comes a space", what)
		} else {
			f.refuse(f.at[path], "%s has no value: give one, or remove the key", what)
		}
		return
	}
	t := v.Type()
	switch {
	case t == rawType:
		v.Set(reflect.ValueOf(Raw{n, path}))
	case t.Kind() == reflect.Pointer:
		p := reflect.New(t.Elem())
		f.value(path, what, n, p.Elem())
		v.Set(p)
	case isText(t):
		if text, ok := f.text(what, n, t); ok {
			f.custom(what, n, text, v)
		}
	case t.Kind() == reflect.String:
		if text, ok := f.text(what, n, t); ok {
			v.SetString(text)
		}
	case t.Kind() == reflect.Bool, t.Kind() == reflect.Int, t.Kind() == reflect.Float64:
		f.number(what, n, v)
	case t.Kind() == reflect.Slice:
		f.list(path, what, n, v)
	case t.Kind() == reflect.Map:
		f.table(path, what, n, v)
	case t.Kind() == reflect.Struct:
		f.fields(path, what, n, v)
	default:
		panic("strictyaml: cannot decode into " + t.String())
	}
}

func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// takes says what a type takes.
func takes(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return takes(t.Elem())
	case isText(t), t.Kind() == reflect.String:
		return "a text"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && !isText(t.Elem()):
		return "a list, each item of which begins with -"
	case t.Kind() == reflect.Slice:
		return "a list, as [a, b]"
	}
	return "keys and values, as {key: value}"
}

// is says what a node is.
func is(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Tag == "!!bool":
		return printable(n.Value)
	case n.Tag == "!!int", n.Tag == "!!float":
		return "the number " + printable(n.Value)
	}
	return "the text " + quote(n.Value)
}

func (f *File) mismatch(what string, n *yaml.Node, t reflect.Type) {
	f.refuse(n.Line, "%s takes %s, not %s", what, takes(t), is(n))
}

// text returns what was written for a text. YAML would make numbers of account IDs, and dates of dates.
func (f *File) text(what string, n *yaml.Node, t reflect.Type) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		f.mismatch(what, n, t)
	case n.Tag == "!!bool" && n.Style == 0:
		f.refuse(n.Line, "%s takes a text: put %s in quotes if it is one", what, n.Value)
	case strings.TrimSpace(n.Value) == "":
		f.refuse(n.Line, "%s is empty: give it a text, or remove it", what)
	default:
		return n.Value, true
	}
	return "", false
}

func (f *File) custom(what string, n *yaml.Node, text string, v reflect.Value) {
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		f.refuse(n.Line, "%s: %s", what, err)
	}
}

var (
	whole   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

func (f *File) number(what string, n *yaml.Node, v reflect.Value) {
	kind, text := v.Kind(), n.Value
	switch {
	case n.Kind != yaml.ScalarNode:
		f.mismatch(what, n, v.Type())
	case kind == reflect.Bool && n.Tag == "!!bool":
		v.SetBool(strings.EqualFold(text, "true"))
	case kind == reflect.Bool && slices.Contains([]string{"yes", "no", "on", "off", "y", "n", "true", "false"}, strings.ToLower(text)):
		f.refuse(n.Line, "%s takes true or false, not %s", what, quote(text))
	case kind == reflect.Bool:
		f.mismatch(what, n, v.Type())
	case n.Style != 0 && decimal.MatchString(text):
		f.refuse(n.Line, "%s takes a number, not a text: take away the quotes", what)
	case n.Tag != "!!int" && n.Tag != "!!float" || n.Style != 0:
		f.mismatch(what, n, v.Type())
	case kind == reflect.Int && !whole.MatchString(text):
		f.refuse(n.Line, "%s takes a whole number in decimal digits, not %s", what, printable(text))
	case kind == reflect.Int:
		i, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			f.refuse(n.Line, "%s: %s is too large", what, printable(text))
		}
		v.SetInt(i)
	case !decimal.MatchString(text):
		f.refuse(n.Line, "%s takes a number in decimal digits, not %s", what, printable(text))
	default:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(x, 0) {
			f.refuse(n.Line, "%s: %s is too large", what, printable(text))
			return
		}
		v.SetFloat(x)
	}
}

// list decodes a list. A single text stands for a list of one.
func (f *File) list(path, what string, n *yaml.Node, v reflect.Value) {
	t := v.Type().Elem()
	single := isText(t) || t.Kind() == reflect.String
	items := n.Content
	switch {
	case n.Kind == yaml.SequenceNode && len(items) == 0 && path != "":
		f.refuse(n.Line, "%s is an empty list: give it an item, or remove it", what)
		return
	case n.Kind == yaml.SequenceNode:
	case n.Kind == yaml.ScalarNode && single:
		items = []*yaml.Node{n}
	default:
		f.mismatch(what, n, v.Type())
		return
	}
	each := "an item of " + what
	if t.Kind() == reflect.Struct && !isText(t) {
		each = "the " + strings.ToLower(t.Name())
	}
	all := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		f.value(fmt.Sprintf("%s[%d]", path, i), each, item, all.Index(i))
	}
	v.Set(all)
}

// pairs calls do for each key of a mapping that is a text and stands there once.
func (f *File) pairs(what string, n *yaml.Node, do func(key string, k, value *yaml.Node)) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind != yaml.ScalarNode && k.Style&yaml.FlowStyle != 0:
			f.refuse(k.Line, "a key must be a text, not what is in brackets: put a text that begins with { or [ in quotes")
		case k.Kind != yaml.ScalarNode:
			f.refuse(k.Line, "a key must be a text, not %s", is(k))
		case k.Tag == "!!merge":
			f.refuse(k.Line, "<< is not understood: write the keys themselves")
		case k.Tag == "!!null" && k.Style == 0, k.Value == "":
			f.refuse(k.Line, "a key of %s is empty", what)
		case seen[k.Value] > 0:
			f.refuse(k.Line, "the key %s of %s stands twice, first in line %d: remove one of them", printable(k.Value), what, seen[k.Value])
		default:
			seen[k.Value] = k.Line
			do(k.Value, k, n.Content[i+1])
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// table decodes a map with keys that are not known beforehand.
func (f *File) table(path, what string, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		f.mismatch(what, n, v.Type())
		return
	}
	if len(n.Content) == 0 {
		f.refuse(n.Line, "%s is empty: give it a key, or remove it", what)
		return
	}
	all := reflect.MakeMap(v.Type())
	f.pairs(what, n, func(key string, k, value *yaml.Node) {
		to := reflect.New(v.Type().Elem()).Elem()
		at := reflect.New(v.Type().Key()).Elem()
		if before := len(f.wrong); isText(at.Type()) {
			if f.custom("a key of "+what, k, key, at); len(f.wrong) > before {
				return
			}
		} else {
			at.SetString(key)
		}
		f.note(join(path, key), k.Line)
		f.value(join(path, key), printable(key), value, to)
		all.SetMapIndex(at, to)
	})
	v.Set(all)
}

// A field is one of a struct, or of one that is embedded in it.
type field struct {
	key      string
	required bool
	index    []int
}

func fieldsOf(t reflect.Type) (all []field) {
	for _, x := range reflect.VisibleFields(t) {
		key, options, _ := strings.Cut(x.Tag.Get("yaml"), ",")
		if key != "" && key != "-" {
			all = append(all, field{key, options == "required", x.Index})
		}
	}
	return all
}

// Keys returns the keys of a struct, in order.
func Keys(of any) (keys []string) {
	for _, x := range fieldsOf(reflect.TypeOf(of)) {
		keys = append(keys, x.key)
	}
	return keys
}

func (f *File) fields(path, what string, n *yaml.Node, v reflect.Value) {
	t := v.Type()
	for _, x := range reflect.VisibleFields(t) {
		if x.Type == lineType {
			v.FieldByIndex(x.Index).SetInt(int64(n.Line))
		}
	}
	if n.Kind != yaml.MappingNode {
		if text := n.Value; n.Kind == yaml.ScalarNode && n.Style == 0 && regexp.MustCompile(`^[a-z_]+:\S`).MatchString(text) {
			f.refuse(n.Line, "%s takes keys and values, not the text %s: after the colon of a key comes a space", what, quote(text))
		} else {
			f.mismatch(what, n, t)
		}
		return
	}
	all := fieldsOf(t)
	given := map[string]bool{}
	f.pairs(what, n, func(key string, k, value *yaml.Node) {
		i := slices.IndexFunc(all, func(x field) bool { return x.key == key })
		if i < 0 {
			f.refuse(k.Line, "%s has no key %s: %s", what, quote(key), instead(key, t))
			return
		}
		given[key] = true
		f.note(join(path, key), k.Line)
		f.value(join(path, key), key, value, v.FieldByIndex(all[i].index))
	})
	for _, x := range all {
		if x.required && !given[x.key] {
			f.refuse(n.Line, "%s has no %s: add it", what, x.key)
		}
	}
}

// instead says which key somebody meant who wrote one that a struct does not have: one of it, or of what it holds.
func instead(key string, t reflect.Type) string {
	key = strings.ReplaceAll(key, "-", "_")
	var keys, inner []string
	under := map[string]string{}
	for _, x := range fieldsOf(t) {
		keys = append(keys, x.key)
		if of := t.FieldByIndex(x.index).Type; of.Kind() == reflect.Struct && !isText(of) && of != rawType {
			for _, y := range fieldsOf(of) {
				inner = append(inner, y.key)
				under[y.key] = x.key
			}
		}
	}
	if suggest.Closest(key, keys) == "" {
		if c := suggest.Closest(key, inner); c != "" {
			return fmt.Sprintf("did you mean %s, under %s?", c, under[c])
		}
	}
	return suggest.DidYouMean(key, keys, "it has "+strings.Join(keys, ", "))
}

func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}

// JSON returns a raw value as JSON that a type with JSON tags decodes: what is a text there stays one, however it looks in YAML.
func (f *File) JSON(r Raw, t reflect.Type) json.RawMessage {
	if r.node == nil { // refused already
		return nil
	}
	before := len(f.wrong)
	v := f.plainValue(name(r.path), r.path, r.node, t)
	if len(f.wrong) > before {
		return nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		f.refuse(r.node.Line, "%s: %s", name(r.path), err)
		return nil
	}
	return b
}

// plainValue returns what JSON makes of a node. A type of nil is any.
func (f *File) plainValue(what, path string, n *yaml.Node, t reflect.Type) any {
	f.note(path, n.Line)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t != nil && t.Kind() == reflect.Interface {
		t = nil
	}
	text := t != nil && (isText(t) || t.Kind() == reflect.String)
	inner := func(kind reflect.Kind) reflect.Type {
		if t != nil && t.Kind() == kind {
			return t.Elem()
		}
		return nil
	}
	switch n.Kind {
	case yaml.SequenceNode:
		all := []any{}
		for i, item := range n.Content {
			all = append(all, f.plainValue("an item of "+what, fmt.Sprintf("%s[%d]", path, i), item, inner(reflect.Slice)))
		}
		return all
	case yaml.MappingNode:
		all := map[string]any{}
		f.pairs(what, n, func(key string, k, value *yaml.Node) {
			of := inner(reflect.Map)
			if t != nil && t.Kind() == reflect.Struct {
				of = jsonField(t, key)
			}
			all[key] = f.plainValue(printable(key), join(path, key), value, of)
		})
		return all
	}
	switch {
	case n.Tag == "!!null" && n.Style == 0:
		f.refuse(n.Line, "%s has no value: give one, or remove the key", what)
	case text && n.Tag == "!!bool" && n.Style == 0:
		f.refuse(n.Line, "%s takes a text: put %s in quotes if it is one", what, n.Value)
	case text || n.Style != 0:
		return n.Value
	case n.Tag == "!!bool":
		return strings.EqualFold(n.Value, "true")
	case (n.Tag == "!!int" || n.Tag == "!!float") && decimal.MatchString(n.Value):
		return json.Number(n.Value)
	case n.Tag == "!!int" || n.Tag == "!!float":
		f.refuse(n.Line, "%s: %s is not a number in decimal digits: put it in quotes if it is a text", what, printable(n.Value))
	}
	return n.Value
}

// jsonField returns the type of the field with a JSON name, or nil.
func jsonField(t reflect.Type, key string) reflect.Type {
	for _, x := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(x.Tag.Get("json"), ","); name == key {
			return x.Type
		}
	}
	return nil
}

// quote shows a text that somebody wrote, as long as a sentence bears.
func quote(text string) string { return strconv.Quote(short(text)) }

// printable is quote without the quotes, for what needs none.
func printable(text string) string {
	q := strconv.Quote(short(text))
	return q[1 : len(q)-1]
}

// Printable shows a name on one line of a terminal.
func Printable(text string) string {
	q := strconv.Quote(text)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

func short(text string) string {
	if r := []rune(text); len(r) > 80 {
		return string(r[:77]) + "..."
	}
	return text
}
