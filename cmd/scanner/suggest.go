package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// closest returns the candidate most like a word, or "" if none is like it.
func closest(word string, candidates []string) string {
	best, least := "", 1+len(word)/3
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		for _, c := range candidates {
			if len(word) > 3 && strings.Contains(c, word) {
				return c
			}
		}
	}
	return best
}

// didYouMean is the end of a sentence about a word that is not known.
func didYouMean(word string, candidates []string, otherwise string) string {
	if c := closest(word, candidates); c != "" {
		return "did you mean " + c + "?"
	}
	return otherwise
}

// distance is the number of letters to add, drop, change or swap with their neighbour to make one word of another.
func distance(a, b string) int {
	var rows [][]int // how far are the first i letters of a from the first j of b
	for i := range len(a) + 1 {
		row := make([]int, len(b)+1)
		for j := range row {
			switch {
			case i == 0 || j == 0:
				row[j] = i + j
			case a[i-1] == b[j-1]:
				row[j] = rows[i-1][j-1]
			default:
				row[j] = 1 + min(rows[i-1][j-1], rows[i-1][j], row[j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					row[j] = min(row[j], 1+rows[i-2][j-2])
				}
			}
		}
		rows = append(rows, row)
	}
	return rows[len(a)][len(b)]
}

var unknownFlag = regexp.MustCompile(`^unknown flag: --(\S+)$`)

// argsError says which arguments a command takes instead of those it got.
func argsError(c *cobra.Command, err error, args []string) string {
	if !strings.HasPrefix(err.Error(), "unknown command") {
		return fmt.Sprintf("%s %s: write %s", c.CommandPath(), strings.ReplaceAll(err.Error(), "arg(s)", "argument(s)"), c.UseLine())
	}
	word := c.Flags().Arg(0)
	if !c.HasAvailableSubCommands() {
		text := fmt.Sprintf("%s takes no argument such as %q: see %s --help", c.CommandPath(), word, c.CommandPath())
		if i := slices.Index(args, word); i > 0 {
			if f := c.Flags().Lookup(strings.TrimPrefix(args[i-1], "--")); f != nil && f.Value.Type() != "bool" {
				text = fmt.Sprintf("--%s takes its value after an equals sign: write --%s=%s", f.Name, f.Name, word)
			}
		}
		return text
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
		names = append(names, sub.Aliases...)
	}
	return fmt.Sprintf("%s has no command %q: %s", c.CommandPath(), word, didYouMean(word, names, "see "+c.CommandPath()+" --help"))
}

// flagError adds the way out to what pflag says.
func flagError(c *cobra.Command, err error) string {
	m := unknownFlag.FindStringSubmatch(err.Error())
	if m == nil {
		return err.Error() + ": see " + c.CommandPath() + " --help"
	}
	var names []string
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
	return fmt.Sprintf("there is no flag --%s: %s", m[1], didYouMean("--"+m[1], names, "see "+c.CommandPath()+" --help"))
}
