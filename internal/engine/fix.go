package engine

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Fix says how to put a failure right, and what may break by it. Prose may hold commands on lines of their own, see Pieces.
type Fix struct {
	Text   string // what to do
	CLI    string // the same with the aws command, as a shell takes it: placeholders in <>, prose behind #
	IaC    string // CloudFormation or Terraform fragment, or a comment that says why there is none and what to do instead
	Breaks string // who may stop working, and how to check first
	Undo   string // the way back
	Effect Effect
}

// An Effect is the worst that a fix does beside its purpose.
type Effect string

const (
	Additive Effect = "additive" // something is added, nothing stops
	Replaces Effect = "replaces" // a setting or a resource takes the place of another
	Destroys Effect = "destroys" // data or a resource is gone afterwards
	Downtime Effect = "downtime" // something stops for a while
)

var dangerous = regexp.MustCompile(`\b(delete|terminate|overwrite|apply-immediately|put-[a-z-]*policy|detach|deregister|revoke)`)

// check finds what a fix lacks, and what is prose where people copy commands from.
func (f *Fix) check() error {
	var errs []error
	bad := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(f.Text == "" || f.CLI == "" || f.IaC == "" || f.Breaks == "" || f.Undo == "", "Fix lacks Text, CLI, IaC, Breaks or Undo")
	bad(!slices.Contains([]Effect{Additive, Replaces, Destroys, Downtime}, f.Effect), "Fix.Effect %q is unknown", f.Effect)
	bad(f.Effect == Additive && dangerous.MatchString(f.CLI), "Fix.CLI has a dangerous verb (%s), which is not merely additive", dangerous.FindString(f.CLI))
	for line := range strings.Lines(strings.ReplaceAll(f.CLI, "\\\n", "")) {
		if why := noCommand(strings.TrimRight(line, "\n")); why != "" {
			errs = append(errs, fmt.Errorf("Fix.CLI: %s", why))
		}
	}
	for _, part := range [][2]string{{"Text", f.Text}, {"Breaks", f.Breaks}, {"Undo", f.Undo}} {
		for _, p := range Pieces(part[1]) {
			if !p.Code {
				bad(dashes.MatchString(p.Text), "Fix.%s: a command hides in %q: give it a line of its own", part[0], p.Text)
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(p.Text, "\\\n", "")) {
				if why := noCommand(strings.TrimRight(line, "\n")); why != "" {
					//lint:ignore ST1005 it begins with the name of a field
					errs = append(errs, fmt.Errorf("Fix.%s: %s", part[0], why))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// A Piece of what a rule says is prose, or commands as people type them.
type Piece struct {
	Text string
	Code bool
}

// Pieces tells commands from the prose around them: lines that begin with aws or #, and those that go on with them further in.
func Pieces(text string) (all []Piece) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		last := len(all) - 1
		inCode := last >= 0 && all[last].Code
		switch code := strings.HasPrefix(line, "aws ") || strings.HasPrefix(line, "#") || inCode && strings.HasPrefix(line, " "); {
		case strings.TrimSpace(line) == "":
		case code && inCode:
			all[last].Text += "\n" + line
		default:
			all = append(all, Piece{line, code})
		}
	}
	return all
}

var (
	// A word of a command: quoted texts, placeholders and whatever else has no space in it.
	word      = regexp.MustCompile(`^(?:'[^']*'|"(?:[^"\\]|\\.)*"|<[^<>]*>|[^\s'"<>#|;&()]|[^\s'"<>]#)+`)
	operation = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	option    = regexp.MustCompile(`^--[a-z][a-z0-9-]*$`)
	dashes    = regexp.MustCompile(`\baws [a-z0-9-]+ [a-z-]+ --`) // a command within prose
)

// noCommand says why a line is not what a shell takes as a command of aws, and of few others, with a comment perhaps; "" if it is.
func noCommand(line string) string {
	bad := func(what string) string { return fmt.Sprintf("%q is no command: %s", line, what) }
	rest := line
	for _, other := range []string{`IFS= read -rs SECRET && printf %s "$SECRET" | `, "jq "} { // which are used to hand something over
		rest = strings.TrimPrefix(rest, other)
	}
	var words []string
	for {
		rest = strings.TrimLeft(rest, " ")
		if rest == "" || strings.HasPrefix(rest, "#") {
			break
		}
		if file, ok := strings.CutPrefix(rest, "> "); ok { // its output goes there
			rest = file
			words = append(words, ">")
			continue
		}
		w := word.FindString(rest)
		if w == "" || len(w) < len(rest) && rest[len(w)] != ' ' {
			return bad(fmt.Sprintf("what is %q?", rest[:min(len(rest), 20)]))
		}
		if strings.HasSuffix(w, ",") || strings.HasSuffix(w, ":") && len(words) > 0 {
			return bad(fmt.Sprintf("after %q begins prose: put it on a line of its own, or behind #", w))
		}
		words, rest = append(words, w), rest[len(w):]
	}
	if len(words) == 0 || strings.HasPrefix(line, "jq ") {
		return ""
	}
	if len(words) < 3 || words[0] != "aws" || !operation.MatchString(words[1]) || !operation.MatchString(words[2]) {
		return bad("it begins with no operation of aws")
	}
	words = words[3:]
	if strings.Contains(line, " wait ") && len(words) > 0 {
		words = words[1:]
	}
	values := -1 // behind the last option
	for i, w := range words {
		switch {
		case option.MatchString(w):
			values = 0
		case w == ">":
			if i != len(words)-2 {
				return bad("more follows its output")
			}
			return ""
		case values < 0:
			return bad(fmt.Sprintf("what is %q?", w))
		case values > 0 && !strings.ContainsAny(w, "=<"): // of lists
			return bad(fmt.Sprintf("%q belongs to no option", w))
		default:
			values++
		}
	}
	return ""
}
