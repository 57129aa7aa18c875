package main

import (
	"io"

	"github.com/spf13/cobra"

	"awsscanner/internal/review"
)

func reviewBaselineCommand() *cobra.Command {
	var x reviewing
	var outputs []string
	c := &cobra.Command{
		Use:   "baseline [SNAPSHOT|REPORT]",
		Short: "Show a workload beside about 150 reviews of 2018 to 2020: how many of them had each practice",
		Long: `Baseline holds what is known of a workload against the shares that a conference talk told of about 150 reviews. It never says how a workload
ranks: that would need more than shares of single practices. Uncertain numbers are marked with a ~, practices that are only similar with a *.`,
		Args: cobra.MaximumNArgs(1),
	}
	x.flags(c.Flags())
	c.Flags().StringArrayVarP(&outputs, "output", "o", nil, "FORMAT, FORMAT=FILE or FILE.EXT: text, markdown, json (repeatable); "+placeholder+" in FILE is the name of the workload")
	c.RunE = func(c *cobra.Command, args []string) error {
		outs, err := outputsOf(outputs, []string{"text", "markdown", "json"}, []string{".txt", ".md", ".json"})
		if err != nil {
			return err
		}
		if err := x.run(c, args); err != nil {
			return err
		}
		if err := severalTo(outs, x.reviews, "text"); err != nil {
			return err
		}
		on := styleOf(c.OutOrStdout())
		for _, v := range x.reviews {
			b, err := v.Baseline()
			if err != nil {
				return usage("%s", err)
			}
			for _, o := range outs {
				style := review.Style{}
				if o.file == "" {
					style.Color, style.Width = on.Color, on.Width
				}
				write := map[string]func(io.Writer) error{"text": func(w io.Writer) error { return b.Text(w, style) }, "markdown": b.Markdown, "json": b.JSON}[o.format]
				if o.file == "" {
					err = toStdout(c, write)
				} else {
					err = toFile(fileFor(o.file, v), write)
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	}
	return c
}
