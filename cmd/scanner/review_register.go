package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"awsscanner/internal/review"
)

// registerFormats are what a risk register can be written as.
var registerFormats = []struct {
	name, ext string
	write     func(*review.Register, io.Writer) error
}{
	{"markdown", ".md", (*review.Register).Markdown},
	{"csv", ".csv", (*review.Register).CSV},
	{"xlsx", ".xlsx", (*review.Register).XLSX},
}

// mostRegister is how many bytes a register may have.
const mostRegister = 64 << 20

func registerNames() (names, exts []string) {
	for _, f := range registerFormats {
		names, exts = append(names, f.name), append(exts, f.ext)
	}
	return names, exts
}

func reviewRegisterCommand() *cobra.Command {
	var x reviewing
	var outputs []string
	var earlier string
	c := &cobra.Command{
		Use:   "register [SNAPSHOT|REPORT]",
		Short: "Write the risk register of a workload, and keep what people have written into it",
		Long: `Register makes a row of each risk to a component: of what fails, what people say is missing, and what waivers accept, with their mitigations.
It reads the file that it writes, or another by --register, first: what people have changed there stays, as do rows that they have added, and
references. A row whose risk is not found any more is closed if the scan has looked, and otherwise says that nobody has.`,
		Example: `  scanner review register -o risks.xlsx
  scanner review register --answers shop.yaml -o risks.csv --register risks.xlsx`,
		Args: cobra.MaximumNArgs(1),
	}
	x.flags(c.Flags())
	c.Flags().StringArrayVarP(&outputs, "output", "o", nil, "FORMAT, FORMAT=FILE or FILE.EXT: markdown, csv, xlsx (repeatable)")
	c.Flags().StringVar(&earlier, "register", "", "the earlier register, if it is not the `FILE` that is written")
	c.RunE = func(c *cobra.Command, args []string) error {
		names, exts := registerNames()
		outs, err := outputsOf(outputs, names, exts)
		if err != nil {
			return err
		}
		if len(outputs) > 0 && outs[len(outs)-1].file == "" && !slices.ContainsFunc(outputs, func(o string) bool { return slices.Contains(append(names, "md"), o) }) {
			outs = outs[:len(outs)-1] // a register is a file
		}
		for _, o := range outs {
			if o.file == "" && o.format == "xlsx" {
				return usage("-o xlsx: a workbook is no text: give it a file, as in -o risks.xlsx")
			}
		}
		x.register = true
		if err := x.run(c, args); err != nil {
			return err
		}
		if len(x.reviews) > 1 {
			return usage("--answers: a register is about one workload: name the files of one")
		}
		before, err := earlierRegister(earlier, outs)
		if err != nil {
			return err
		}
		r, err := x.reviews[0].Register(before, x.all[0])
		if err != nil {
			return usage("%s", err)
		}
		for _, o := range outs {
			write := registerFormats[slices.Index(names, o.format)].write
			if o.file == "" {
				err = toStdout(c, func(w io.Writer) error { return write(r, w) })
			} else if err = toFile(o.file, func(w io.Writer) error { return write(r, w) }); err == nil {
				_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", o.file, told(r))
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// told says in a line what a register holds.
func told(r *review.Register) string {
	text := plural(len(r.Rows), "row")
	if r.Gaps > 0 {
		text += fmt.Sprintf(", %d of them open without a runbook action", r.Gaps)
	}
	if r.Unread > 0 {
		text += fmt.Sprintf(", %d that nobody could see again", r.Unread)
	}
	return text
}

// earlierRegister reads the register in which people may have written something: the one that is named, or the files that are written.
func earlierRegister(name string, outs []output) (before *review.Register, err error) {
	if name != "" {
		return readRegister(name)
	}
	for _, o := range outs {
		if _, err := os.Stat(o.file); o.file == "" || err != nil {
			continue
		}
		r, err := readRegister(o.file)
		if err != nil {
			return nil, err
		}
		if before != nil && !before.Same(r) {
			return nil, usage("%s and %s do not say the same, and what people have written into one of them would be lost: name the one that counts with --register", name, o.file)
		}
		if before == nil {
			before, name = r, o.file
		}
	}
	return before, nil
}

// readRegister reads a register by the ending of its name.
func readRegister(name string) (*review.Register, error) {
	names, exts := registerNames()
	i := slices.IndexFunc(exts, func(ext string) bool { return strings.HasSuffix(strings.ToLower(name), ext) })
	if i < 0 {
		return nil, usage("the register %s: its name must end in %s", name, strings.Join(exts, ", "))
	}
	data, err := readWhole(name, mostRegister)
	if err != nil {
		return nil, usage("the register %s cannot be read: %s", name, err)
	}
	r, err := review.ReadRegister(names[i], data)
	if err != nil {
		return nil, usage("the register %s cannot be read: %s", name, err)
	}
	return r, nil
}

func reviewDiffCommand() *cobra.Command {
	var outputs []string
	var all bool
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what has changed between two reviews: what is regressed, new, fixed, or no longer known",
		Long: `Diff compares two milestones: reviews of a workload that scanner review run -o json=FILE has written. What nobody could see, or nobody says any more,
is never fixed: it is no longer known.`,
		Args: cobra.ExactArgs(2),
	}
	c.Flags().StringArrayVarP(&outputs, "output", "o", nil, "FORMAT, FORMAT=FILE or FILE.EXT: text, markdown, json (repeatable)")
	c.Flags().BoolVar(&all, "all", false, "show every line in the text")
	c.RunE = func(c *cobra.Command, args []string) error {
		outs, err := outputsOf(outputs, []string{"text", "markdown", "json"}, []string{".txt", ".md", ".json"})
		if err != nil {
			return err
		}
		var both []*review.Review
		for _, name := range args {
			f, err := openFile(c.Context(), name)
			if err != nil {
				return usage("%s cannot be read: %s", name, err)
			}
			v, err := review.Read(f)
			f.Close()
			if err != nil {
				return usage("%s cannot be read: %s", name, err)
			}
			both = append(both, v)
		}
		d, err := review.Compare(both[0], both[1])
		if err != nil {
			return usage("%s and %s cannot be compared: %s", args[0], args[1], err)
		}
		on := styleOf(c.OutOrStdout())
		for _, o := range outs {
			style := review.Style{All: all}
			if o.file == "" {
				style.Color, style.Width = on.Color, on.Width
			}
			write := map[string]func(io.Writer) error{"text": func(w io.Writer) error { return d.Text(w, style) }, "markdown": d.Markdown, "json": d.JSON}[o.format]
			if o.file == "" {
				err = toStdout(c, write)
			} else {
				err = toFile(o.file, write)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return c
}
