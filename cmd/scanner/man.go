package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// manCommand is for releases and packages; people find its pages with man.
func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write manual pages to a directory, one for each command",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return failed("making the directory %s: %s", args[0], osText(err))
			}
			for _, of := range manual(c.Root()) {
				name := filepath.Join(args[0], pageName(of)+".1")
				if err := atomically(name, 0o644, func(w io.Writer) error { return manPage(w, of) }); err != nil {
					return failed("writing %s: %s", name, osText(err))
				}
			}
			return nil
		},
	}
}

// manual returns the commands that have a page: a command, then those below it.
func manual(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, manual(sub)...)
		}
	}
	return all
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage writes the page of a command. It has no date: the same version has the same pages.
func manPage(w io.Writer, c *cobra.Command) error {
	var b strings.Builder
	name := pageName(c)
	fmt.Fprintf(&b, ".TH %s 1 \"\" %s \"User Commands\"\n", roffWord(strings.ToUpper(name)), roffWord("scanner "+version))
	b.WriteString(".nh\n.ad l\n") // names of rules and flags must not be broken
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(c.Short))
	use := c.UseLine()
	if c.HasAvailableSubCommands() {
		use = c.CommandPath() + " COMMAND [flags]"
	}
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(use))
	b.WriteString(".SH DESCRIPTION\n")
	about := c.Long
	if about == "" {
		about = c.Short + "."
	}
	for i, paragraph := range strings.Split(strings.TrimSpace(about), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		roffLines(&b, paragraph)
	}
	if c.HasAvailableSubCommands() {
		b.WriteString(".SH COMMANDS\n")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(pageName(sub)), roff(sub.Short))
			}
		}
	}
	c.InitDefaultHelpFlag()
	roffFlags(&b, "OPTIONS", c.NonInheritedFlags())
	roffFlags(&b, "OPTIONS OF ALL COMMANDS", c.InheritedFlags())
	if c.HasExample() {
		b.WriteString(".SH EXAMPLES\n.nf\n")
		for line := range strings.SplitSeq(strings.TrimRight(c.Example, "\n"), "\n") {
			fmt.Fprintf(&b, "%s\n", roff(strings.TrimPrefix(line, "  ")))
		}
		b.WriteString(".fi\n")
	}
	b.WriteString(".SH SEE ALSO\n")
	var others []string
	for _, other := range manual(c.Root()) {
		if other == c.Parent() || other.Parent() == c.Parent() && other != c {
			others = append(others, ".BR "+roff(pageName(other))+" (1)")
		}
	}
	if c.Root() == c {
		others = []string{"the pages of the commands above"}
	}
	fmt.Fprintf(&b, "%s\n", strings.Join(others, " ,\n"))
	_, err := io.WriteString(w, b.String())
	return err
}

func roffFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		b.WriteString(".TP\n")
		if f.Shorthand != "" {
			fmt.Fprintf(b, "\\fB\\-%s\\fR, ", f.Shorthand)
		}
		fmt.Fprintf(b, "\\fB\\-\\-%s\\fR", roff(f.Name))
		value, text := pflag.UnquoteUsage(f)
		switch {
		case value != "" && f.NoOptDefVal != "":
			fmt.Fprintf(b, "[=\\fI%s\\fR]", roff(value))
		case value != "":
			fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
		}
		fmt.Fprintf(b, "\n%s", roff(text))
		if d := f.DefValue; d != "" && d != "false" && d != "[]" && d != "0" && d != "0s" {
			fmt.Fprintf(b, " (default %s)", roff(d))
		}
		b.WriteString("\n")
	})
}

// roffLines writes a paragraph. One that is laid out by hand stays as it is.
func roffLines(b *strings.Builder, paragraph string) {
	laidOut := strings.Contains(paragraph, "  ") || strings.Contains(paragraph, "\t")
	if laidOut {
		b.WriteString(".nf\n")
	}
	for line := range strings.SplitSeq(paragraph, "\n") {
		fmt.Fprintf(b, "%s\n", roff(strings.TrimRight(line, " ")))
	}
	if laidOut {
		b.WriteString(".fi\n")
	}
}

// roff escapes a line of text: nothing in it is a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}

// roffWord is an argument of a request.
func roffWord(text string) string { return `"` + strings.ReplaceAll(roff(text), `"`, `\(dq`) + `"` }
