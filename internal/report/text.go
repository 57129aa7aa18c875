package report

import "strings"

// CSVCell makes one line of a text, and no formula.
func CSVCell(text string) string { return csvCell(text) }

// MarkdownText makes Markdown of a text, on one line: every sign stands for itself, and nothing becomes a link.
func MarkdownText(text string) string { return markdownText(text) }

// MarkdownCode makes Markdown of a name.
func MarkdownCode(name string) string { return markdownCode(name) }

// CleanLines makes lines of a text for a terminal.
func CleanLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = clean(lines[i])
	}
	return strings.Join(lines, "\n")
}
