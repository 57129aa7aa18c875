package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A node is a JSON value. Other than with encoding/json, a member named twice is refused: which of the two AWS would follow
// nobody can tell. It is also several times as fast, which counts when an account has many policies.
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
	r := reader{s: s}
	n, err := r.value(0)
	if err == nil && r.peek() != 0 {
		err = errors.New("more follows after the end of the policy")
	}
	if err == nil && r.at < len(s) {
		err = errors.New("the text has a zero byte")
	}
	if err != nil {
		return node{}, fmt.Errorf("at byte %d: %w", r.at, err)
	}
	return n, nil
}

// A reader reads JSON (RFC 8259).
type reader struct {
	s  string
	at int
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *reader) peek() byte {
	for r.at < len(r.s) {
		switch c := r.s[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *reader) expect(c byte) error {
	got := r.peek()
	switch {
	case got == c:
		r.at++
		return nil
	case got == 0:
		return errors.New("the text ends too early")
	}
	return fmt.Errorf("%q where %q was expected", got, c)
}

func (r *reader) value(depth int) (n node, err error) {
	if depth > maxDepth {
		return n, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	switch n.kind = r.peek(); n.kind {
	case '{', '[':
		end := n.kind + 2 // in ASCII
		r.at++
		if r.peek() == end {
			r.at++
			return n, nil
		}
		for {
			if n.kind == '{' {
				name, err := r.string()
				if err != nil {
					return n, err
				}
				if slices.Contains(n.names, name) {
					return n, fmt.Errorf("%q stands twice in one object", name)
				}
				n.names = append(n.names, name)
				if err := r.expect(':'); err != nil {
					return n, err
				}
			}
			item, err := r.value(depth + 1)
			if err != nil {
				return n, err
			}
			n.items = append(n.items, item)
			if r.peek() == end {
				r.at++
				return n, nil
			}
			if err := r.expect(','); err != nil {
				return n, err
			}
		}
	case '"':
		n.text, err = r.string()
		return n, err
	case 0:
		return n, errors.New("the text ends too early")
	}
	start := r.at
	for r.at < len(r.s) && strings.IndexByte("{}[]:,\" \t\r\n", r.s[r.at]) < 0 {
		r.at++
	}
	switch n.text = r.s[start:r.at]; n.text {
	case "true", "false":
		n.kind = 't'
	case "null":
		n.kind = 'n'
	default:
		if n.kind = '0'; !json.Valid([]byte(n.text)) {
			return n, fmt.Errorf("%q is no JSON value", n.text)
		}
	}
	return n, nil
}

func (r *reader) string() (string, error) {
	if err := r.expect('"'); err != nil {
		return "", err
	}
	start := r.at
	for r.at < len(r.s) {
		switch c := r.s[r.at]; {
		case c == '"':
			text := r.s[start:r.at]
			r.at++
			if strings.IndexByte(text, '\\') < 0 {
				return text, nil
			}
			var unquoted string
			if json.Unmarshal([]byte(r.s[start-1:r.at]), &unquoted) != nil {
				return "", errors.New("a string has a bad escape")
			}
			return unquoted, nil
		case c == '\\':
			r.at += 2
		case c < ' ':
			return "", errors.New("a string has a control character")
		default:
			r.at++
		}
	}
	r.at = len(r.s)
	return "", errors.New("the text ends too early")
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
