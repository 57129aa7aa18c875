package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// closest returns the candidate most like a word, or "" if none is like it.
func closest(word string, candidates []string) string {
	best, least := "", 1+len(word)/3
	for _, c := range candidates {
		if d := distance(word, c); d < least {
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

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			before, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, before+cost)
		}
	}
	return row[len(b)]
}

var unknownFlag = regexp.MustCompile(`^unknown flag: --(\S+)$`)

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
