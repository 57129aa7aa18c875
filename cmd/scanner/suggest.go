package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/internal/suggest"
)

// closest returns the candidate most like a word, or "" if none is like it.
func closest(word string, candidates []string) string { return suggest.Closest(word, candidates) }

// didYouMean is the end of a sentence about a word that is not known.
func didYouMean(word string, candidates []string, otherwise string) string {
	return suggest.DidYouMean(word, candidates, otherwise)
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
