package strictyaml

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parse returns the content of the only document of a file, or nil if there is something wrong with it.
func (f *File) parse(data []byte) *yaml.Node {
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // as some editors write it
	switch line, bad := firstBad(data); {
	case len(data) > MaxSize:
		f.refuse(0, "it has more than %d MB: split it, or find out what it is", MaxSize>>20)
		return nil
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		f.refuse(1, "the file is UTF-16: save it as UTF-8")
		return nil
	case bad == "utf-8":
		f.refuse(line, "this line is not UTF-8: save the file as UTF-8")
		return nil
	case bad != "":
		f.refuse(line, "this line holds a control character (%s): remove it, or write it as an escape in double quotes", bad)
		return nil
	}
	first, second, err := documents(bytes.NewReader(data))
	switch {
	case err != nil:
		line, text := explain(data, err)
		f.refuse(line, "%s", text)
	case first == nil || len(first.Content) == 0 || first.Content[0].Kind == yaml.ScalarNode && first.Content[0].Tag == "!!null" && first.Content[0].Style == 0:
		f.refuse(1, "the file is empty")
	case second != nil:
		f.refuse(second.Line, "a second document begins here: one file holds one document, remove the --- or what follows it")
	default:
		before := len(f.wrong)
		if f.plain(first.Content[0], 0); len(f.wrong) == before {
			return first.Content[0]
		}
	}
	return nil
}

// firstBad finds the first line with something that no text file holds.
func firstBad(data []byte) (line int, what string) {
	line = 1
	for rest := data; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			return line, "utf-8"
		case r == '\n':
			line++
		case r == '\r' && len(rest) > 1 && rest[1] == '\n':
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff: // also what only YAML takes for a new line
			return line, strings.Trim(strconv.QuoteRuneToASCII(r), "'")
		}
		rest = rest[size:]
	}
	return line, ""
}

// documents reads the first two documents.
func documents(r io.Reader) (first, second *yaml.Node, err error) {
	d := yaml.NewDecoder(r)
	var one, two yaml.Node
	if err := d.Decode(&one); err == io.EOF {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	if err := d.Decode(&two); err == io.EOF {
		return &one, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	return &one, &two, nil
}

// deepest is how far values may be nested: no file that people write comes near it.
const deepest = 40

// plain refuses what makes more of a file than the data that can be seen in it.
func (f *File) plain(n *yaml.Node, depth int) {
	switch {
	case depth > deepest:
		f.refuse(n.Line, "this is nested deeper than %d levels", deepest)
		return
	case n.Kind == yaml.AliasNode:
		f.refuse(n.Line, "*%s is an alias, which is not understood: write the value itself, or put a text that begins with * in quotes", printable(n.Value))
		return
	case n.Anchor != "":
		f.refuse(n.Line, "&%s is an anchor, which is not understood: remove it, or put a text that begins with & in quotes", printable(n.Anchor))
	case n.Style&yaml.TaggedStyle != 0:
		f.refuse(n.Line, "%s is a tag, which is not understood: remove it, or put a text that begins with ! in quotes", printable(n.Tag))
	}
	for _, c := range n.Content {
		f.plain(c, depth+1)
	}
}

// lineByLine gives a parser no more than it asks for, to see how far it came.
type lineByLine struct {
	rest  []byte
	lines int
}

func (r *lineByLine) Read(b []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := bytes.IndexByte(r.rest, '\n') + 1
	if n == 0 {
		n = len(r.rest)
	}
	if n > len(b) {
		n = len(b)
	} else {
		r.lines++
	}
	copy(b, r.rest[:n])
	r.rest = r.rest[n:]
	return n, nil
}

// explain says what is wrong with a file that is no YAML, and in which line. The parser often names the line in which the structure began
// that it could not finish. What is wrong is in the first line with which no beginning of the file is YAML any more.
func explain(data []byte, err error) (line int, text string) {
	in := &lineByLine{rest: data}
	documents(in)
	lines := bytes.SplitAfter(data, []byte("\n"))
	last := min(in.lines+1, len(lines)) // in or before this line
	good := func(n int) bool {
		_, _, err := documents(bytes.NewReader(bytes.Join(lines[:n], nil)))
		return err == nil
	}
	effort := 2 << 20 / (1 + len(bytes.Join(lines[:last], nil))) // beginnings that can be tried: a file may be large
	lo := last - 1
	for lo > 0 && last-lo < effort/2 && !good(lo) {
		lo--
	}
	if lo > 0 && !good(lo) { // a quote that was opened far above: look there in larger steps
		hi := lo
		for step := 1; lo > 0 && !good(lo); step *= 2 {
			hi, lo = lo, max(0, lo-step)
		}
		for hi-lo > 1 {
			if mid := (lo + hi) / 2; good(mid) {
				lo = mid
			} else {
				hi = mid
			}
		}
	}
	return lo + 1, sentence(strings.TrimRight(string(lines[lo]), "\r\n"), err.Error())
}

var (
	reserved   = regexp.MustCompile("(?:^\\s*|[:\\-,\\[{]\\s*)([*&!%@`|>])")
	afterQuote = regexp.MustCompile(`[:\-,\[{]\s*('[^']*'|"[^"]*")\s*[^\s,\]}#]`)
)

// sentence says what is wrong with a line, and how to write it.
func sentence(line, problem string) string {
	var first byte
	if m := reserved.FindStringSubmatch(line); m != nil {
		first = m[1][0]
	}
	has := func(text string) bool { return strings.Contains(problem, text) }
	switch {
	case strings.HasPrefix(strings.TrimLeft(line, " -"), "\t"), has("found a tab"):
		return "a tab indents this line: indent with spaces"
	case first != 0 && first != '|' && first != '>' && (has("unknown anchor") || has("alphabetic or numeric") || has("cannot start any token") || has("tag") || has("did not find")):
		return "a text may not begin with " + string(first) + ": put it in quotes"
	case has("unknown anchor"):
		return "a text that begins with * is an alias: put it in quotes"
	case has("mapping values are not allowed"):
		return "a colon is not expected here: put a text that holds a colon and a space in quotes, or indent this line as those before it"
	case has("block sequence entries are not allowed"):
		return "a list item is not expected here: begin it on a line of its own, indented as those before it"
	case has("could not find expected ':'"):
		return "this line has no colon: write key: value, or indent it if it belongs to the line before"
	case has("end of stream"):
		return "a quote opens in this line and nothing closes it"
	case has("expected ',' or ']'"), strings.Count(line, "[") > strings.Count(line, "]"):
		return "a list that opens with [ in this line is not closed with ], or lacks a comma"
	case has("expected ',' or '}'"), strings.Count(line, "{") > strings.Count(line, "}"):
		return "what opens with { in this line is not closed with }, or lacks a comma"
	case has("did not find expected node content"):
		return "a value is expected where this line has a bracket or a comma: put a text that begins with one in quotes"
	case has("escape") || has("hexdecimal"):
		return `the escape in this line is not known: in double quotes write \\ for \, or use single quotes`
	case has("did not find expected '-' indicator"):
		return "an item of the list is expected here, which begins with -: indent this line if it belongs to the item before"
	case afterQuote.MatchString(line):
		return "something follows the closing quote: put the whole text in quotes, and write a quote within single quotes twice"
	case strings.Count(line, "]") > strings.Count(line, "["), strings.Count(line, "}") > strings.Count(line, "{"):
		return "this line closes a bracket that is not open"
	case has("did not find expected key"):
		return "a key is expected here: indent this line as the other keys of its group"
	case has("mapping keys are not allowed"):
		return "a question mark and a space begin a key here: put a text that holds them in quotes"
	case has("document"), has("directive"):
		return "a line that begins with ---, ... or % is no part of the data: remove it"
	}
	return "this line is not YAML (" + strings.TrimPrefix(regexp.MustCompile(`^yaml: (line \d+: )?`).ReplaceAllString(problem, ""), "yaml: ") + ")"
}
