package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// A node is a JSON value. Other than encoding/json it keeps the order of members, and refuses a member named twice:
// which of the two AWS would follow nobody can tell.
type node struct {
	kind  byte   // one of { [ " 0 t n, for object, list, string, number, boolean, null
	text  string // of a string, number or boolean
	names []string
	items []node // elements, or members in the order of names
}

// maxDepth is far beyond any policy, and keeps hostile ones from the end of the stack.
const maxDepth = 16

func parseJSON(s string) (node, error) {
	if !utf8.ValidString(s) {
		return node{}, errors.New("the text is not UTF-8")
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	n, err := readNode(d, 0)
	if err != nil {
		return n, fmt.Errorf("at byte %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return n, fmt.Errorf("at byte %d: more follows after the end of the policy", d.InputOffset())
	}
	return n, nil
}

func readNode(d *json.Decoder, depth int) (n node, err error) {
	if depth > maxDepth {
		return n, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	t, err := d.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return n, err
	}
	switch t := t.(type) {
	case string:
		return node{kind: '"', text: t}, nil
	case json.Number:
		return node{kind: '0', text: t.String()}, nil
	case bool:
		return node{kind: 't', text: fmt.Sprint(t)}, nil
	case json.Delim:
		n.kind = byte(t)
		for d.More() {
			if n.kind == '{' {
				name, err := d.Token()
				if err != nil {
					return n, err
				}
				s, _ := name.(string)
				if slices.Contains(n.names, s) {
					return n, fmt.Errorf("%q stands twice in one object", s)
				}
				n.names = append(n.names, s)
			}
			item, err := readNode(d, depth+1)
			if err != nil {
				return n, err
			}
			n.items = append(n.items, item)
		}
		_, err = d.Token()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	return node{kind: 'n'}, nil
}

// strings returns a string or a list of strings; with scalars, numbers and booleans are as good.
func (n node) strings(scalars bool) ([]string, error) {
	list := []node{n}
	if n.kind == '[' {
		list = n.items
	}
	out := make([]string, 0, len(list))
	for _, x := range list {
		if x.kind != '"' && !(scalars && (x.kind == '0' || x.kind == 't')) {
			return nil, errors.New("is neither a string nor a list of strings")
		}
		out = append(out, x.text)
	}
	return out, nil
}
