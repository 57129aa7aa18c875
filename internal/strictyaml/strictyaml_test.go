package strictyaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// A day is a custom text.
type day time.Time

func (d *day) UnmarshalText(b []byte) error {
	t, err := time.Parse(time.DateOnly, string(b))
	if err != nil {
		return fmt.Errorf("%q is no date: write YYYY-MM-DD", b)
	}
	*d = day(t)
	return nil
}

type file struct {
	Name     string   `yaml:"name"`
	Accounts []string `yaml:"accounts"`
	On       bool     `yaml:"on"`
	Count    int      `yaml:"count"`
	Rate     *float64 `yaml:"rate"`
	Day      day      `yaml:"day"`
	Inner    struct {
		A string `yaml:"a"`
		B string `yaml:"b"`
	} `yaml:"inner"`
	Items  []item              `yaml:"items"`
	Tags   map[string][]string `yaml:"tags"`
	Days   map[day]int         `yaml:"days"`
	Params map[string]Raw      `yaml:"params"`
}

type base struct {
	Rule []string `yaml:"rule"`
}

type item struct {
	Line Line
	base
	Owner string `yaml:"owner,required"`
	Not   *item  `yaml:"not"`
}

func TestDecode(t *testing.T) {
	var got file
	f := Decode("x.yaml", []byte("\ufeffname: 1.10\r\n"+`accounts: [012345678901, "1", 0o7, 1_0, 2026-01-01]
on: True
count: -3
rate: 0.5
day: 2026-02-28
inner: {a: "yes", b: ~x}
items:
  - rule: sqs-*
    owner: 'it''s me'
  - owner: |
      two
      lines
    not:
      owner: null-and-void
tags: {012: x, env: ["*", y]}
days:
  2026-01-01: 1
params:
  p: {ids: [012345678901], n: 1, deep: {x: [true, 1.5, "2"]}}
`), &got)
	if err := f.Err(); err != nil {
		t.Fatal(err)
	}
	half := 0.5
	want := file{Name: "1.10", Accounts: []string{"012345678901", "1", "0o7", "1_0", "2026-01-01"}, On: true, Count: -3, Rate: &half,
		Day: day(time.Date(2026, 2, 28, 0, 0, 0, 0, time.UTC)), Tags: map[string][]string{"012": {"x"}, "env": {"*", "y"}},
		Days:  map[day]int{day(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)): 1},
		Items: []item{{Line: 9, base: base{[]string{"sqs-*"}}, Owner: "it's me"}, {Line: 11, Owner: "two\nlines\n", Not: &item{Line: 15, Owner: "null-and-void"}}}}
	want.Inner.A, want.Inner.B = "yes", "~x"
	raw := got.Params["p"]
	got.Params = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for path, line := range map[string]int{"name": 1, "accounts": 2, "accounts[4]": 2, "items[1].owner": 11, "items[1].not.owner": 15, "items[1].not.rule": 14, "inner.b": 7, "tags.env[1]": 16, "gone": 1, "items[7]": 8} {
		if at := f.Line(path); at != line {
			t.Errorf("%s is in line %d, want %d", path, at, line)
		}
	}
	if !f.Has("inner.a") || f.Has("inner.c") || f.Place("inner.a") != "x.yaml:7" {
		t.Error("inner.a is not where it is")
	}
	if i, j := slices.Index(f.Paths(), "name"), slices.Index(f.Paths(), "params.p"); i < 0 || j < i {
		t.Errorf("paths are %s", f.Paths())
	}
	var params struct {
		IDs  []string `json:"ids"`
		N    float64  `json:"n"`
		Deep struct {
			X []any `json:"x"`
		} `json:"deep"`
	}
	if b := f.JSON(raw, reflect.TypeOf(params)); json.Unmarshal(b, &params) != nil || params.IDs[0] != "012345678901" || params.N != 1 || fmt.Sprint(params.Deep.X) != "[true 1.5 2]" {
		t.Errorf("the parameters are %s", b)
	}
	var again map[string]Raw
	if f.As(raw, &again); len(again) != 3 || f.Err() != nil || !f.Has("params.p.deep") {
		t.Errorf("the parameters are %v: %v", again, f.Err())
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// What is no YAML, or more of it than data.
		{"", "1: the file is empty"},
		{"\n# only a comment\n", "1: the file is empty"},
		{"---\n", "1: the file is empty"},
		{"~\n", "1: the file is empty"},
		{"name: a\nname2: \xff\n", "2: this line is not UTF-8: save the file as UTF-8"},
		{"\xff\xfen\x00", "1: the file is UTF-16: save it as UTF-8"},
		{"name: a\x00b\n", `1: this line holds a control character (\x00): remove it, or write it as an escape in double quotes`},
		{"name: a\ninner:\n  a: \u2028\n", `3: this line holds a control character (\u2028): remove it, or write it as an escape in double quotes`},
		{"name: a\rcount: 1\r", `1: this line holds a control character (\r): remove it, or write it as an escape in double quotes`},
		{strings.Repeat("# x\n", MaxSize/4+1), "0: it has more than 2 MB: split it, or find out what it is"},
		{"name: a\n---\nname: b\n", "2: a second document begins here: one file holds one document, remove the --- or what follows it"},
		{"name: a\n---\n", "2: a second document begins here: one file holds one document, remove the --- or what follows it"},
		{"name: a\n...\njunk\n", "3: a line that begins with ---, ... or % is no part of the data: remove it"},
		{"%YAML 1.3\n---\nname: b\n", "1: a line that begins with ---, ... or % is no part of the data: remove it"},
		{"name: &n a\naccounts: [*n]\n", "1: &n is an anchor, which is not understood: remove it, or put a text that begins with & in quotes\n2: *n is an alias, which is not understood: write the value itself, or put a text that begins with * in quotes"},
		{"name: !!str 1\n", "1: !!str is a tag, which is not understood: remove it, or put a text that begins with ! in quotes"},
		{"name: !secret x\n", "1: !secret is a tag, which is not understood: remove it, or put a text that begins with ! in quotes"},
		{"name: a\naccounts: [*-1]\n", "2: a text may not begin with *: put it in quotes"},
		{"name: a\naccounts:\n  - *\n", "3: a text may not begin with *: put it in quotes"},
		{"name: @me\n", "1: a text may not begin with @: put it in quotes"},
		{"name: `me`\n", "1: a text may not begin with `: put it in quotes"},
		{"name: %x\n", "1: a text may not begin with %: put it in quotes"},
		{"inner:\n\ta: b\n", "2: a tab indents this line: indent with spaces"},
		{"\tname: b\n", "1: a tab indents this line: indent with spaces"},
		{"accounts:\n\t- b\n", "2: a tab indents this line: indent with spaces"},
		{"name: a\n# c\nday: x: y\n", "3: a colon is not expected here: put a text that holds a colon and a space in quotes, or indent this line as those before it"},
		{"name: a\n on: true\n", "2: a colon is not expected here: put a text that holds a colon and a space in quotes, or indent this line as those before it"},
		{"name: a\nfoo\non: true\n", "2: this line has no colon: write key: value, or indent it if it belongs to the line before"},
		{"name: a\ninner:\n  a: 1\n b: 2\n", "4: a key is expected here: indent this line as the other keys of its group"},
		{"name: a\naccounts: [1, 2\non: true\n", "2: a list that opens with [ in this line is not closed with ], or lacks a comma"},
		{"name: a\naccounts: [1, 2]]\non: true\n", "2: this line closes a bracket that is not open"},
		{"accounts: [\n  1,\n  2\n]\nname: a\ntags: {a: b\non: true\n", "6: what opens with { in this line is not closed with }, or lacks a comma"},
		{"accounts: [\n  1,\n  2\n]\nname: a\non: ]\n", "6: a value is expected where this line has a bracket or a comma: put a text that begins with one in quotes"},
		{"name: \"a\non: true\n# c\n", "1: a quote opens in this line and nothing closes it"},
		{"name: a\ninner: {a: 'x}\n", "2: a quote opens in this line and nothing closes it"},
		{"name: 'it's me'\n", "1: something follows the closing quote: put the whole text in quotes, and write a quote within single quotes twice"},
		{"on: true\nname: \"a\" b\n", "2: something follows the closing quote: put the whole text in quotes, and write a quote within single quotes twice"},
		{"name: \"\\d\"\n", `1: the escape in this line is not known: in double quotes write \\ for \, or use single quotes`},
		{"name: a\nday: \"\\xzz\"\n", `2: the escape in this line is not known: in double quotes write \\ for \, or use single quotes`},
		{"inner:\n  a: b\n  %x: c\n", "3: a text may not begin with %: put it in quotes"},
		{"on: true\nname: ? x\n", "2: a question mark and a space begin a key here: put a text that holds them in quotes"},
		{"accounts: - a\n", "1: a list item is not expected here: begin it on a line of its own, indented as those before it"},
		{"name: a\naccounts:\n- a\n- b\nc: d\n- e\n", "6: a key is expected here: indent this line as the other keys of its group"},
		{"items:\n  - owner: a\n  rule: b\n", "3: an item of the list is expected here, which begins with -: indent this line if it belongs to the item before"},
		{strings.Repeat("[", 20000), "1: a list that opens with [ in this line is not closed with ], or lacks a comma"},
		{"name: " + strings.Repeat("[", 50) + strings.Repeat("]", 50), "1: this is nested deeper than 40 levels"},
		{"a: {{ x }}\n", "1: the file has no key \"a\""},
		{"tags: {{ x }: y}\n", "1: a key must be a text, not what is in brackets: put a text that begins with { or [ in quotes"},
		{"? [a]\n: b\n", "1: a key must be a text, not what is in brackets: put a text that begins with { or [ in quotes"},
		{"<<: {name: x}\n", "1: << is not understood: write the keys themselves"},

		// Keys.
		{"name: a\nnmae: b\n", `2: the file has no key "nmae": did you mean name?`},
		{"zzz: b\n", `1: the file has no key "zzz": it has name, accounts, on, count, rate, day, inner, items, tags, days, params`},
		{"Name: b\n", `1: the file has no key "Name": did you mean name?`},
		{"name: a\n\nname: b\n", "3: the key name of the file stands twice, first in line 1: remove one of them"},
		{"name: a\n\"name\": b\n", "2: the key name of the file stands twice, first in line 1: remove one of them"},
		{"inner:\n  a: x\n  c: y\n", `3: inner has no key "c": it has a, b`},
		{"tags: {a: b, a: c}\n", "1: the key a of tags stands twice, first in line 1: remove one of them"},
		{"tags: {\"\": b}\n", "1: a key of tags is empty"},
		{"tags: {~: b}\n", "1: a key of tags is empty"},
		{"days: {2026-02-30: 1}\n", `1: a key of days: "2026-02-30" is no date: write YYYY-MM-DD`},
		{"items:\n- rule: a\n\n- owner: b\n  ownr: c\n", "2: the item has no owner: add it\n5: the item has no key \"ownr\": did you mean owner?"},
		{"name:a\n", `1: the file takes keys and values, not the text "name:a": after the colon of a key comes a space`},
		{"- a\n", "1: the file takes keys and values, as {key: value}, not a list"},
		{"hello\n", `1: the file takes keys and values, as {key: value}, not the text "hello"`},

		// Values.
		{"name:\non: true\n", "1: name has no value: give one, or remove the key"},
		{"name: ~\n", "1: name has no value: give one, or remove the key"},
		{"name: ''\n", "1: name is empty: give it a text, or remove it"},
		{"name: '  '\n", "1: name is empty: give it a text, or remove it"},
		{"accounts: [a, ]\n", ""},
		{"accounts: [a, '']\n", "1: an item of accounts is empty: give it a text, or remove it"},
		{"accounts:\n- a\n-\n", "3: an item of accounts has no value: give one, or remove the key"},
		{"accounts: []\n", "1: accounts is an empty list: give it an item, or remove it"},
		{"accounts: {a: b}\n", "1: accounts takes a list, as [a, b], not keys and values"},
		{"accounts: [[a]]\n", "1: an item of accounts takes a text, not a list"},
		{"accounts: [a: b]\n", "1: an item of accounts takes a text, not keys and values"},
		{"name: [a]\n", "1: name takes a text, not a list"},
		{"name: {a: b}\n", "1: name takes a text, not keys and values"},
		{"name: true\n", "1: name takes a text: put true in quotes if it is one"},
		{"on: yes\n", `1: on takes true or false, not "yes"`},
		{"on: \"true\"\n", `1: on takes true or false, not "true"`},
		{"on: 1\n", "1: on takes true or false, not the number 1"},
		{"on: often\n", `1: on takes true or false, not the text "often"`},
		{"on: [true]\n", "1: on takes true or false, not a list"},
		{"count: many\n", `1: count takes a whole number, not the text "many"`},
		{"count: \"3\"\n", "1: count takes a number, not a text: take away the quotes"},
		{"count: 1.5\n", "1: count takes a whole number in decimal digits, not 1.5"},
		{"count: 010\n", "1: count takes a whole number in decimal digits, not 010"},
		{"count: 0x10\n", "1: count takes a whole number in decimal digits, not 0x10"},
		{"count: 1_000\n", "1: count takes a whole number in decimal digits, not 1_000"},
		{"count: 99999999999\n", "1: count: 99999999999 is too large"},
		{"count: true\n", "1: count takes a whole number, not true"},
		{"rate: .inf\n", "1: rate takes a number in decimal digits, not .inf"},
		{"rate: .nan\n", "1: rate takes a number in decimal digits, not .nan"},
		{"rate: 1e3\n", "1: rate takes a number in decimal digits, not 1e3"},
		{"rate: fast\n", `1: rate takes a number, not the text "fast"`},
		{"rate: {a: 1}\n", "1: rate takes a number, not keys and values"},
		{"day: 2026-02-30\n", `1: day: "2026-02-30" is no date: write YYYY-MM-DD`},
		{"day: [2026-02-28]\n", "1: day takes a text, not a list"},
		{"day: true\n", "1: day takes a text: put true in quotes if it is one"},
		{"inner: a\n", `1: inner takes keys and values, as {key: value}, not the text "a"`},
		{"inner: {a}\n", "1: a has no value: give one, or remove the key"},
		{"items: {owner: a}\n", "1: items takes a list, each item of which begins with -, not keys and values"},
		{"items: a\n", `1: items takes a list, each item of which begins with -, not the text "a"`},
		{"items: [a]\n", `1: the item takes keys and values, as {key: value}, not the text "a"`},
		{"tags: [a]\n", "1: tags takes keys and values, as {key: value}, not a list"},
		{"tags: {}\n", "1: tags is empty: give it a key, or remove it"},
		{"tags: {a: {b: c}}\n", "1: a takes a list, as [a, b], not keys and values"},
		{"name: \"a\\nb\\e[0m\"\non: \"\\e[0m" + strings.Repeat("x", 100) + "\"\n", `2: on takes true or false, not the text "\x1b[0m` + strings.Repeat("x", 73) + `..."`},
		{"params: {p: }\n", "1: p has no value: give one, or remove the key"},
	} {
		var got file
		var lines []string
		err := Decode("x.yaml", []byte(c.text), &got).Err()
		if all := (Mistakes{}); errors.As(err, &all) {
			for _, m := range all {
				lines = append(lines, fmt.Sprintf("%d: %s", m.Line, m.Text))
			}
		}
		text := strings.Join(lines, "\n")
		if text != c.want && (c.want == "" || !strings.HasPrefix(text, c.want) || strings.Contains(text, "\n")) {
			t.Errorf("%.200q\n is refused with %q\n           want %q", c.text, text, c.want)
		}
	}
}

// All mistakes of a file are told, in order, but not without end.
func TestManyMistakes(t *testing.T) {
	var got file
	var b strings.Builder
	for i := range 50 {
		fmt.Fprintf(&b, "x%d: 1\n", 10+i)
	}
	f := Decode("x.yaml", []byte(b.String()), &got)
	f.Refuse("", "it is no good")
	lines := strings.Split(f.Err().Error(), "\n")
	if len(lines) != 21 || !strings.HasPrefix(lines[0], `x.yaml:1: the file has no key "x10": it has name, `) || lines[1] != "x.yaml:1: it is no good" || lines[20] != "x.yaml: 31 more mistakes are not shown" {
		t.Errorf("%d lines: %s", len(lines), strings.Join(lines, "\n"))
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	good, closed := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "closed.yaml")
	for _, name := range []string{good, closed} {
		if err := os.WriteFile(name, []byte("name: x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got file
	if err := Read(good, &got).Err(); err != nil || got.Name != "x" {
		t.Errorf("got %v, %v", got.Name, err)
	}
	for name, want := range map[string]string{
		dir:         dir + ": it is a directory, not a file",
		good + "x":  good + "x: there is no such file",
		good + "/x": good + "/x: it cannot be read: not a directory",
		"a\nb":      `a\nb: there is no such file`,
	} {
		if err := Read(name, &got).Err(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A mistake in a large file is found in time, and where it is.
func TestLargeFile(t *testing.T) {
	var b strings.Builder
	for i := range 8000 {
		fmt.Fprintf(&b, "- owner: someone number %d\n  rule: [a,\n    b]\n", i)
	}
	text := b.String()
	for _, c := range []struct {
		at   int // line of the item
		bad  string
		line int
	}{{3, "- owner: \"open\n", 4}, {12000, "- owner: *x\n", 12001}, {24000, "- owner: 'it's'\n", 24001}} {
		lines := strings.SplitAfter(text, "\n")
		broken := strings.Join(lines[:c.at], "") + c.bad + strings.Join(lines[c.at:], "")
		var got []item
		var all Mistakes
		if err := Decode("x.yaml", []byte(broken), &got).Err(); !errors.As(err, &all) || all[0].Line != c.line {
			t.Errorf("%q in line %d: %v", c.bad, c.line, err)
		}
	}
}

// Nothing makes the decoder break down, and whatever is refused is so in a line that is there.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"name: a\naccounts: [012345678901, '*']\non: true\ncount: 1\nrate: 1.5\nday: 2026-01-01\ninner: {a: x}\nitems:\n- owner: a\n  not:\n    owner: b\ntags: {a: [b]}\ndays: {2026-01-01: 1}\nparams: {p: {a: [1]}}\n",
		"name: *a\n", "a: &a [*a]\n", "? [a]\n: {b}\n", "name: |\n  x\n", "name: \"\\x41\"\n", "---\n---\n", "\ttab: 1\n", "<<: {}\n", "name: !!binary aGk=\n", "- a\n- b: c\n", "name: 'a\n", "name: a\r\ncount: 1\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got file
		x := Decode("x.yaml", data, &got)
		for _, raw := range got.Params {
			var as map[string]string
			x.As(raw, &as)
			x.JSON(raw, reflect.TypeOf(got.Inner))
			if b := x.JSON(raw, nil); b != nil && !json.Valid(b) {
				t.Errorf("%q becomes the JSON %s", data, b)
			}
		}
		lines := strings.Count(string(data), "\n") + 1
		for _, path := range x.Paths() {
			if line := x.Line(path); line < 1 || line > lines {
				t.Errorf("%q: %s is in line %d of %d", data, path, line, lines)
			}
		}
		var all Mistakes
		if errors.As(x.Err(), &all) {
			for _, m := range all {
				if m.Line < 0 || m.Line > lines || m.Text == "" || strings.ContainsAny(m.Text, "\n\r\x1b") {
					t.Errorf("%q is refused with %d: %q", data, m.Line, m.Text)
				}
			}
		}
	})
}
