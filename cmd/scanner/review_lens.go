package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"awsscanner/internal/lens"
	"awsscanner/internal/report"
)

func reviewLensCommand() *cobra.Command {
	var x reviewing
	var out string
	c := &cobra.Command{
		Use:   "lens [SNAPSHOT|REPORT]",
		Short: "Write a custom lens for the AWS Well-Architected Tool that carries the evidence",
		Long: `Lens writes the questions of the framework as a custom lens, with what the scan says of each practice beside it. Import it in the WA Tool as a lens of
your own: there it comes into nobody's way. It holds no account, ARN or name of a resource.`,
		Example: `  scanner review lens -o lens.json
  aws wellarchitected import-lens --json-string file://lens.json`,
		Args: cobra.MaximumNArgs(1),
	}
	x.flags(c.Flags())
	c.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write (default standard output)")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := placeFor(out, out); err != nil {
			return err
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		if len(x.reviews) > 1 {
			return usage("--answers: a lens is about one workload: name the files of one")
		}
		l, err := x.reviews[0].Lens()
		if err != nil {
			return usage("%s", err)
		}
		b, err := l.JSON()
		if err != nil {
			return usage("%s", err)
		}
		write := func(w io.Writer) error { _, err := w.Write(b); return err }
		if out == "" || out == "-" {
			return toStdout(c, write)
		}
		return toFile(out, write)
	}
	c.AddCommand(lensLintCommand())
	return c
}

func lensCommand() *cobra.Command {
	c := &cobra.Command{Use: "lens", Short: "Check custom lenses of the AWS Well-Architected Tool", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(lensLintCommand())
	return c
}

func lensLintCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "lint FILE",
		Short: "Find what is wrong with a custom lens: limits, and risk rules that are never reached or contradict each other",
		Long: `Lint goes through all that can be ticked in each question, and finds risk rules that are never reached, that contradict themselves or each other, or by
which ticking more makes the risk worse. It exits 1 if something is wrong, and not for warnings.`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	c.RunE = func(c *cobra.Command, args []string) error {
		if err := oneOf("-o", format, []string{"text", "json"}); err != nil {
			return err
		}
		b, err := readWhole(args[0], 4*lens.MaxSize)
		if err != nil {
			return usage("%s cannot be read: %s", args[0], err)
		}
		l, err := lens.Parse(b)
		if err != nil {
			return usage("%s cannot be read: %s", args[0], err)
		}
		problems := l.Lint()
		if len(b) > lens.MaxSize {
			problems = append([]lens.Problem{{Error: true, Where: "lens", Text: fmt.Sprintf("it has %d bytes, and the WA Tool takes %d", len(b), lens.MaxSize)}}, problems...)
		}
		err = toStdout(c, func(w io.Writer) error {
			if format == "json" {
				return encode(w, map[string]any{"problems": append([]lens.Problem{}, problems...)})
			}
			for _, p := range problems {
				fmt.Fprintln(w, report.Clean(p.String()))
			}
			if len(problems) == 0 {
				fmt.Fprintf(w, "%s: nothing is wrong\n", args[0])
			}
			return nil
		})
		if err == nil && lens.Errors(problems) {
			return &exitError{code: report.ExitFound, text: fmt.Sprintf("%s: something is wrong with the lens", args[0])}
		}
		return err
	}
	return c
}
