package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What comes from an account, or from people, stands in reports as text: nobody can write anything else into them by a name.

// Clean makes one line of a text. What came from an account may hold control characters, which a terminal would obey.
func Clean(text string) string {
	return strings.Map(func(c rune) rune {
		if c >= ' ' && c <= '~' { // most are, and tables of characters are slow
			return c
		}
		if unicode.IsControl(c) || unicode.In(c, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return c
	}, text)
}

// CleanLines makes lines of a text for a terminal.
func CleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// CSVCell makes one line of a text, and no formula: spreadsheets run what begins with one of these signs, be there space before it or not. Some
// drop first what nobody sees, as a byte order mark.
func CSVCell(text string) string {
	text = Clean(text)
	first, _ := utf8.DecodeRuneInString(strings.TrimLeftFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) }))
	if strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}

// linked is what GitHub or GitLab would make a link of: people, issues, labels, addresses.
var linked = regexp.MustCompile(`(?i)[@#!~%&$][\w"']|://|www\.|\bgh-\d`)

// unlinked breaks what would become a link, or tell somebody, by a space of no width.
func unlinked(text string) string {
	return linked.ReplaceAllStringFunc(strings.Join(strings.Fields(Clean(text)), " "), func(s string) string { return s[:1] + "\u200b" + s[1:] })
}

// MarkdownText makes Markdown of a text, on one line: every sign stands for itself.
func MarkdownText(text string) string {
	var b strings.Builder
	for i, c := range unlinked(text) {
		if strings.ContainsRune("\\`*_[]<>|~$&", c) || i == 0 && strings.ContainsRune("#+-=/:", c) {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

var backticks = regexp.MustCompile("`+")

// Fence returns so many backticks, at least, that a text does not have.
func Fence(text string, least int) string {
	for _, run := range backticks.FindAllString(text, -1) {
		least = max(least, len(run)+1)
	}
	return strings.Repeat("`", least)
}

// MarkdownCode makes Markdown of a name. Nothing in it becomes a link.
func MarkdownCode(name string) string {
	name = short(Clean(name), 160)
	f := Fence(name, 1)
	if strings.HasPrefix(name, "`") || strings.HasSuffix(name, "`") || strings.TrimSpace(name) == "" {
		name = " " + name + " "
	}
	return f + name + f
}

// Fenced makes Markdown of lines of code; the language may be empty.
func Fenced(language, text string) string {
	f := Fence(text, 3)
	return f + language + "\n" + strings.TrimRight(text, "\n") + "\n" + f
}
