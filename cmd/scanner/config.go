package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/internal/cause"
	"awsscanner/internal/config"
	"awsscanner/internal/engine"
)

//go:embed data/scanner.yaml
var exampleConfig []byte

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Write, check or show the file of settings", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(configInitCommand(), configCheckCommand(), configShowCommand())
	return c
}

func configInitCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init [FILE]", Short: "Write a file of settings to begin with: " + config.Default, Args: cobra.MaximumNArgs(1),
		Long: "Init writes an example with all settings, most of them as comments. A file that is there already stays as it is.",
		RunE: func(c *cobra.Command, args []string) error {
			name := config.Default
			if len(args) > 0 {
				name = args[0]
			}
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			switch {
			case errors.Is(err, fs.ErrExist):
				return usage("%s is there already, and is not overwritten: name another file, or remove it", name)
			case err != nil:
				return failed("writing %s: %s", name, osText(err))
			}
			_, err = f.Write(exampleConfig)
			if err = errors.Join(err, f.Close()); err != nil {
				return failed("writing %s: %s", name, osText(err))
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "%s: change it, then try scanner config check, and scanner config show\n", name)
			return err
		},
	}
}

// A wholeCommand has the flags of all settings.
type wholeCommand struct {
	src source
	sel selection
	v   view
	g   gateFlags
	log string
	who string
}

// flags adds them, but for those of scan that no setting stands for.
func (w *wholeCommand) flags(to *pflag.FlagSet) {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	w.src.flags(f)
	w.src.accountFlags(f)
	f.DurationVar(&w.src.timeout, "timeout", 0, "stop reading after this time, and report what was read")
	f.StringVar(&w.log, "log-format", "text", "of the progress where that is no terminal: text or json")
	f.StringVar(&w.who, "attribution", string(cause.Role), "what scanner serve tells of who changed something: role, full, off")
	w.sel.flags(f)
	w.sel.conf.waiverFlag(f)
	w.v.flags(f)
	w.g.flags(f)
	f.VisitAll(func(x *pflag.Flag) {
		named := x.Name == "config" || x.Name == "no-config" || x.Name == "region" || x.Name == "severity"
		for _, key := range config.Keys() {
			named = named || key.Flag == x.Name && key.Flag != "output"
		}
		if named {
			to.AddFlag(x)
		}
	})
}

// check refuses what a scan with these settings would refuse before it reads anything.
func (w *wholeCommand) check(c *cobra.Command) error {
	if x, ok := w.sel.conf.said.Settings["outputs"]; ok {
		outs, err := parseOutputs(x.Values)
		if err == nil {
			err = spare(outs, append(w.sel.conf.inputs(), w.g.baseline)...)
		}
		if err != nil {
			return usage("%s: outputs: %s", x.Place, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "-o: "), "-o "))
		}
	}
	if err := w.src.check(); err != nil {
		return err
	}
	if _, _, err := w.sel.pick(); err != nil {
		return err
	}
	_, err := prepare(c, &w.sel, &w.v, &w.g)
	return err
}

func configCheckCommand() *cobra.Command {
	var w wholeCommand
	c := &cobra.Command{
		Use: "check [FILE]...", Short: "Check files of settings, and the waivers that they name, without reading any account",
		Long: `Check says all that is wrong with files of settings, or with ` + config.Default + `, each with its line. Several files count together, a later one over an
earlier one, as --config takes them. Variables of the environment count, too.`,
		Args:        cobra.ArbitraryArgs,
		Annotations: map[string]string{byItself: "its arguments are files"},
	}
	w.flags(c.Flags())
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = f.Name != "no-config" }) // of a scan: they are here to be filled
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			w.sel.conf.files = args
		}
		if err := w.sel.conf.read(c); err != nil {
			return err
		}
		if err := w.check(c); err != nil {
			return err
		}
		said := w.sel.conf.said
		if len(said.Files) == 0 {
			return usage("there is no %s here: name a file, or write one with scanner config init", config.Default)
		}
		n := 0
		for _, x := range w.sel.conf.show(c) {
			if x.Source != "default" {
				n++
			}
		}
		text := fmt.Sprintf("%s: %s, no mistake", strings.Join(said.Files, ", "), plural(n, "setting"))
		if list := w.sel.conf.list; list != nil {
			text += fmt.Sprintf("; %s: %s", list.Name, plural(len(list.All), "waiver"))
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), text)
		return err
	}
	return c
}

func plural(n int, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return fmt.Sprintf("%d %ss", n, of)
}

// A shownSetting is one of config show.
type shownSetting struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
	Source string   `json:"source"` // --flag, SCANNER_X, file:line or default
}

func configShowCommand() *cobra.Command {
	var w wholeCommand
	var format string
	c := &cobra.Command{
		Use: "show", Short: "Show which settings hold, and where each is set", Args: cobra.NoArgs,
		Long: `Show lists every setting with its value and where that is from: a flag, a variable of the environment, a line of a file, or the default.
It takes the flags of scan, to try them.`,
	}
	w.flags(c.Flags())
	c.Flags().StringVarP(&format, "output", "o", "table", "table or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"table", "json"}); err != nil {
			return err
		}
		if err := w.check(c); err != nil {
			return err
		}
		all := w.sel.conf.show(c)
		if format == "json" {
			return encode(c.OutOrStdout(), struct {
				Files    []string       `json:"files"`
				Settings []shownSetting `json:"settings"`
			}{append([]string{}, w.sel.conf.said.Files...), all})
		}
		return showSettings(c.OutOrStdout(), all)
	}
	return c
}

func showSettings(out io.Writer, all []shownSetting) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tVALUE\tFROM")
	for _, x := range all {
		value := strings.Join(x.Values, ", ")
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", x.Key, value, x.Source)
	}
	return t.Flush()
}

// show lists all settings as a command has them.
func (s *configured) show(c *cobra.Command) (all []shownSetting) {
	for _, key := range config.Keys() {
		x := shownSetting{Key: key.Name, Source: "default"}
		f := c.Flags().Lookup(key.Flag)
		if key.Flag == "output" { // of this command, that is another one
			f = nil
			x.Values = []string{"table"}
			if set, ok := s.said.Settings[key.Name]; ok {
				x.Values, x.Source = set.Values, set.Place
			}
		}
		if f != nil {
			x.Values = valuesOf(f)
			set, used := s.used[key.Flag]
			switch also := c.Flags().Lookup(alsoSetBy[key.Flag]); {
			case f.Changed:
				x.Source = "--" + key.Flag
			case also != nil && also.Changed:
				x.Values, x.Source = valuesOf(also), "--"+also.Name
			case used:
				x.Source = set.Place
			}
		}
		all = append(all, x)
	}
	add := func(place, key string, values ...string) { all = append(all, shownSetting{key, values, place}) }
	for _, id := range slices.Sorted(maps.Keys(s.said.Severities)) {
		add(s.said.Severities[id].Place, "severities."+id, s.said.Severities[id].Severity.String())
	}
	params := func(path string, of map[string]map[string]config.Param) {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			for _, name := range slices.Sorted(maps.Keys(of[id])) {
				add(of[id][name].Place, path+id+"."+name, string(of[id][name].JSON))
			}
		}
	}
	params("params.", s.said.Params)
	for _, account := range slices.Sorted(maps.Keys(s.said.AccountParams)) {
		params("account_params."+account+".", s.said.AccountParams[account])
	}
	for severity := engine.Critical; severity >= engine.Informational; severity-- {
		if limit, ok := s.said.Policy.Longest[severity]; ok {
			add(limit.Place, "waiver_policy.longest."+severity.String(), fmt.Sprintf("%dd", limit.Term))
		}
	}
	for _, ban := range s.said.Policy.Never {
		add(ban.Place, "waiver_policy.never", ban.Rules)
	}
	if p := s.said.Pipelines; len(p.Globs) > 0 {
		add(p.Place, "pipelines", p.Globs...)
	}
	for i, o := range s.said.Owners {
		what := o.Condition.Key()
		if what == "{}" {
			what = "everything else"
		}
		add(o.Place, fmt.Sprintf("owners[%d]", i), o.Team, what)
	}
	for _, key := range slices.Sorted(maps.Keys(s.said.Locked)) {
		add(s.said.Locked[key], "locked", key)
	}
	return all
}

// valuesOf returns the value of a flag.
func valuesOf(f *pflag.Flag) []string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return append([]string{}, list.GetSlice()...)
	}
	text := f.Value.String()
	if text == "" || text == f.DefValue && (text == "0" || text == "0s") { // no number or time is zero that somebody wants
		return []string{}
	}
	return []string{text}
}
