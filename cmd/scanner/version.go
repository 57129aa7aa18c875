package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"awsscanner/internal/licenses"
)

func versionCommand() *cobra.Command {
	var legal bool
	var format string
	c := &cobra.Command{
		Use:   "version",
		Short: "Show the version, what it was built from, and the licences of what is in it",
		Args:  cobra.NoArgs,
	}
	c.Flags().BoolVar(&legal, "licenses", false, "the licences of the scanner and of all that is linked into it")
	c.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if err := oneOf("-o", format, []string{"text", "json"}); err != nil {
			return err
		}
		if legal {
			if format != "text" {
				return usage("--licenses are text: leave out -o %s; the bill of materials of a release has them as JSON", format)
			}
			return licenses.Write(c.OutOrStdout())
		}
		info, _ := debug.ReadBuildInfo()
		b := buildOf(info)
		if format == "json" {
			return encode(c.OutOrStdout(), b)
		}
		_, err := fmt.Fprintln(c.OutOrStdout(), b)
		return err
	}
	return c
}

// A build says what this binary was made of.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"` // of the commit
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// buildOf reads what the compiler noted; without a repository it notes no commit.
func buildOf(info *debug.BuildInfo) build {
	b := build{Version: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	from := "of an unknown commit"
	if b.Commit != "" {
		day, _, _ := strings.Cut(b.Time, "T")
		from = "commit " + b.Commit + " of " + cmp.Or(day, "an unknown day")
	}
	if b.Modified {
		from += " and changes"
	}
	return fmt.Sprintf("scanner %s\n%s, %s, %s", b.Version, from, b.Go, b.Platform)
}
