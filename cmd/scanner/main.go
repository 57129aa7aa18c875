// Command scanner reads the configuration of AWS accounts, judges it, and says with proof what is wrong and what to fix first.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/internal/report"
)

// version is set by the linker in releases.
var version = "0.1.0-dev"

func main() {
	// A reader that has seen enough (| head) must not kill the process: the exit code is the gate's.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// rootCommand returns the command with all its commands.
func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "scanner",
		Short: "Read AWS accounts, judge them by the Well-Architected pillars, say with proof what to fix first",
		Long: `scanner reads the configuration of AWS accounts, judges it by rules, and says by Well-Architected pillar what is wrong,
with proof, and what to fix first. What could not be read is never judged: it is reported as not assessed.

Try it without an account:  scanner scan --demo
Scan with your credentials: scanner scan
Use it as a gate:           scanner scan --fail-on high

Exit codes: 0 fine, 1 the gate found something, 2 wrong use, 3 could not see enough, 4 could not scan, 130 interrupted.`,
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
		RunE:              func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage("%s", flagError(c, err)) })
	root.AddCommand(scanCommand(), reportCommand(), gateCommand(), explainCommand(), diffCommand(), baselineCommand(), compareCommand(), rulesCommand(), callsCommand(), permissionsCommand(), doctorCommand(), publishCommand(), notifyCommand(), waiversCommand(), configCommand(), serveCommand(), workerCommand(), tokensCommand(), statusCommand(), historyCommand(), trendCommand(), dbCommand(), versionCommand())
	root.AddCommand(reviewCommand(), lensCommand())
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) (err error) {
		c.Flags().Visit(func(f *pflag.Flag) { // a variable of a script that is not set must not turn the gate off
			if v := f.Value.String(); v == "" || v == "[]" {
				err = usage("--%s has no value: give one, or leave the flag out", f.Name)
			}
		})
		if err == nil {
			err = configure(c)
		}
		return err
	}
	root.InitDefaultCompletionCmd()
	root.AddCommand(manCommand()) // hidden
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // a wrong shell is an error, not a page of help for eval
			c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
		}
	}
	return root
}

// run executes the command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	c, err := root.ExecuteContextC(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return report.ExitFine
	case ctx.Err() != nil && strings.Contains(err.Error(), ctx.Err().Error()): // whatever it was that could not go on
		fmt.Fprintln(stderr, "scanner: interrupted")
		return report.ExitInterrupted
	case errors.As(err, &exit):
		if exit.text != "" {
			fmt.Fprintln(stderr, "scanner: "+inPlace(c, exit))
		}
		return exit.code
	case errors.Is(err, syscall.EPIPE): // help or a list, cut off by its reader
		return report.ExitFine
	case strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "accepts "), strings.HasPrefix(err.Error(), "requires "):
		fmt.Fprintln(stderr, "scanner: "+argsError(c, err, args))
		return report.ExitUsage
	}
	fmt.Fprintln(stderr, "scanner: "+err.Error())
	return report.ExitFailed
}

// An exitError ends the program with a code and, perhaps, one sentence.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

func usage(format string, args ...any) error {
	return &exitError{report.ExitUsage, fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) error {
	return &exitError{report.ExitFailed, fmt.Sprintf(format, args...)}
}
