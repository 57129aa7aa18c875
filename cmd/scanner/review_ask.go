package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"awsscanner/internal/report"
	"awsscanner/internal/review"
	"awsscanner/internal/strictyaml"
)

func reviewAskCommand() *cobra.Command {
	var x reviewing
	var out, by string
	var minutes int
	var with []string
	c := &cobra.Command{
		Use:   "ask [SNAPSHOT|REPORT]",
		Short: "Ask what a scan cannot know, the most valuable questions first",
		Long: `Ask goes through the open practices, those first whose answer moves a risk most, each with what the scan has found. On a terminal it asks, and
writes each answer into the answers file (` + defaultAnswers + `, unless --answers names another). Otherwise, and with -o, it writes a file to fill in: the
answers file with an entry for all that is open. What people have written in the file stays as it is.

With --minutes it writes the agenda of a meeting: what is worth most in that time, by who is there, with the evidence.`,
		Example: `  scanner review ask
  scanner review ask -o review.yaml
  scanner review ask --demo > review.yaml
  scanner review ask --minutes 240 --with dev,ops,finance -o agenda.md`,
		Args: cobra.MaximumNArgs(1),
	}
	x.flags(c.Flags())
	c.Flags().StringVarP(&out, "output", "o", "", "write a `FILE` to fill in, or - for standard output, and ask nothing")
	c.Flags().StringVar(&by, "by", "", "who answers (default you)")
	c.Flags().IntVar(&minutes, "minutes", 0, "write the agenda of a meeting of so many minutes, as Markdown or, into a file that ends so, as .json")
	c.Flags().StringSliceVar(&with, "with", nil, "with --minutes: who is there: "+strings.Join(review.Roles, ", ")+" (default all)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if c.Flags().Changed("minutes") {
			return agenda(c, &x, args, out, minutes, with)
		}
		if len(with) > 0 {
			return usage("--with says nothing without --minutes: add it, or leave it out")
		}
		if len(x.answers) > 1 {
			return usage("--answers: questions are asked about one workload at a time: name one file")
		}
		file := defaultAnswers
		if len(x.answers) > 0 {
			file = x.answers[0]
			if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
				x.answers = nil // it is made
			}
		}
		if err := keepAnswers(out, file); err != nil {
			return err
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		v := x.reviews[0]
		text, err := readWhole(file, strictyaml.MaxSize)
		if _, gone := os.Stat(file); err != nil && !errors.Is(gone, fs.ErrNotExist) {
			return usage("%s cannot be read: %s", file, err)
		}
		if out == "" && isTerminal(c.InOrStdin()) && isTerminal(c.OutOrStdout()) {
			a := &asker{v: v, file: file, text: text, by: by, in: bufio.NewReader(c.InOrStdin()), out: c.OutOrStdout(), save: toFile}
			return a.run()
		}
		filled, err := v.Fill(text)
		if err != nil {
			return usage("%s cannot be filled in: %s", file, err)
		}
		write := func(w io.Writer) error { _, err := io.Copy(w, bytes.NewReader(filled)); return err }
		if out == "" || out == "-" {
			return toStdout(c, write)
		}
		if err := toFile(out, write); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s to answer, the most valuable first: write yes, no, partly or na in place of open\n", out, plural(v.Summary.States[review.Undecided], "practice"))
		return err
	}
	return c
}

// keepAnswers refuses to write a file to fill in over another one, in which people may have answered.
func keepAnswers(out, read string) error {
	if out == "" || out == "-" {
		return nil
	}
	if err := placeFor(out, out); err != nil {
		return err
	}
	there, err := os.Stat(out)
	if err != nil || !there.Mode().IsRegular() || there.Size() == 0 {
		return nil
	}
	if same, err := os.Stat(read); err == nil && os.SameFile(there, same) {
		return nil
	}
	return usage("-o %s: the file is there, and what people have written into it would be lost: keep it with --answers %s, or remove it", out, out)
}

// mostMinutes is the longest meeting: a working week.
const mostMinutes = 5 * 8 * 60

// agenda writes the agenda of a meeting.
func agenda(c *cobra.Command, x *reviewing, args []string, out string, minutes int, with []string) error {
	if minutes < review.LeastMinutes || minutes > mostMinutes {
		return usage("--minutes: a meeting has %d to %d minutes", review.LeastMinutes, mostMinutes)
	}
	for i, role := range with {
		if err := oneOf("--with", role, review.Roles); err != nil {
			return err
		}
		if slices.Contains(with[:i], role) {
			return usage("--with: %s stands twice", role)
		}
	}
	if strings.HasSuffix(out, ".yaml") || strings.HasSuffix(out, ".yml") {
		return usage("-o %s: an agenda is Markdown or JSON: name it .md or .json, or leave out --minutes for a file to fill in", out)
	}
	if err := x.run(c, args); err != nil {
		return err
	}
	if len(x.reviews) > 1 {
		return usage("--answers: a meeting is about one workload: name the files of one")
	}
	g := x.reviews[0].Agenda(minutes, with)
	write := g.Markdown
	if strings.HasSuffix(out, ".json") {
		write = g.JSON
	}
	if out == "" || out == "-" {
		return toStdout(c, write)
	}
	if err := toFile(out, write); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s: %s in %d of %d minutes, %d left for another day\n", out, plural(len(g.Items), "question"), g.Used, minutes, len(g.Later)+len(g.Absent))
	return err
}

func isTerminal(x any) bool {
	f, ok := x.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// An asker asks people on a terminal.
type asker struct {
	v    *review.Review
	file string
	text []byte
	by   string
	in   *bufio.Reader
	out  io.Writer
	save func(name string, write func(io.Writer) error) error

	skipped map[string]bool
	given   int
}

var errQuit = errors.New("quit")

// run asks until all is answered, or somebody has had enough.
func (a *asker) run() error {
	a.skipped = map[string]bool{}
	if a.by == "" {
		me := ""
		if u, err := user.Current(); err == nil {
			me = u.Username
		}
		a.say("Who answers? [%s] ", me)
		name, err := a.read()
		if err != nil {
			return a.end()
		}
		a.by = cmp.Or(name, me)
	}
	a.say("y: yes, n: no, p: partly, a: not applicable, s: skip, q: quit. Each answer is written to %s at once.\n", a.file)
	for {
		next := a.next()
		if next == nil {
			a.say("\nNothing is left to ask.\n")
			return a.end()
		}
		if err := a.ask(next); errors.Is(err, errQuit) || errors.Is(err, io.EOF) {
			return a.end()
		} else if err != nil {
			return err
		}
	}
}

func (a *asker) next() *review.Asking {
	for _, x := range a.v.Open() {
		if !a.skipped[x.Choice] {
			return &x
		}
	}
	return nil
}

func (a *asker) end() error {
	left := 0
	for range a.v.Open() {
		left++
	}
	a.say("\n%s in %s, %d left.\n", plural(a.given, "answer"), a.file, left)
	return nil
}

func (a *asker) say(format string, args ...any) {
	for i, x := range args {
		if text, ok := x.(string); ok {
			args[i] = report.Clean(text)
		}
	}
	fmt.Fprintf(a.out, format, args...)
}

func (a *asker) read() (string, error) {
	line, err := a.in.ReadString('\n')
	if err != nil && line == "" {
		return "", io.EOF
	}
	return strings.TrimSpace(line), nil
}

// ask asks about one practice.
func (a *asker) ask(x *review.Asking) error {
	a.say("\n%s %s: %s\n%s (%s) %s\n", x.Question, x.QuestionTitle(), x.Risk.String(), x.Practice, string(x.Level), x.Title)
	a.say("  found: %s: %s\n", string(x.Evidence), x.Found)
	for i, f := range x.Findings() {
		if i == 3 {
			a.say("    and more\n")
			break
		}
		a.say("    %s %s: %s\n", f.Rule, cmp.Or(f.Name, f.ID), f.Message)
	}
	if sees := x.Sees(); sees != "" {
		a.say("  %s\n", sees)
	}
	if said := x.Said(); said != "" {
		a.say("  so far: %s\n", said)
	}
	a.say("  if yes: %s; if no: %s\n", x.IfYes.String(), x.IfNo.String())
	states := map[string]review.Said{"y": review.Yes, "yes": review.Yes, "n": review.No, "no": review.No, "p": review.Partly, "partly": review.Partly, "a": review.NA, "na": review.NA}
	for {
		a.say("In place? [y/n/p/a/s/q] ")
		word, err := a.read()
		if err != nil {
			return err
		}
		switch state, known := states[strings.ToLower(word)]; {
		case known:
			return a.answer(x, state)
		case word == "s" || word == "skip" || word == "":
			a.skipped[x.Choice] = true
			return nil
		case word == "q" || word == "quit":
			return errQuit
		}
		a.say("Write y, n, p, a, s or q.\n")
	}
}

// answer asks for note and link, and writes the answer into the file.
func (a *asker) answer(x *review.Asking, state review.Said) error {
	r := review.Reply{State: state, By: a.by, On: a.v.AsOf}
	a.say("Note? (empty for none) ")
	var err error
	if r.Note, err = a.read(); err != nil {
		return err
	}
	a.say("Link to a document? (empty for none) ")
	link, err := a.read()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if link != "" {
		r.Links = []string{link}
	}
	text, err := a.v.Answer(a.text, x.Choice, r)
	if err != nil {
		var wrong strictyaml.Mistakes
		if errors.As(err, &wrong) {
			a.say("That cannot be written: %s\n", wrong[0].Text)
			return nil // it is asked again
		}
		return usage("%s: %s", a.file, err)
	}
	if err := a.save(a.file, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	a.text = text
	a.given++
	a.v.Take(x.Choice, state)
	if x.Conflict {
		a.skipped[x.Choice] = true // a yes that the scan refutes stays a conflict
	}
	return nil
}
