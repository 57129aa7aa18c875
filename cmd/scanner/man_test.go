package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Each command has a page, which tells of each flag, and each page that it names is there.
func TestManualPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	stdout(t, "man", dir)
	pages := map[string]string{}
	found, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		pages[strings.TrimSuffix(f.Name(), ".1")] = strings.ReplaceAll(string(text), `\-`, "-")
	}
	all := manual(rootCommand())
	if len(all) != len(pages) || pages["scanner"] == "" || pages["scanner-rules-list"] == "" || pages["scanner-man"] != "" {
		t.Errorf("%d commands have %d pages: %v", len(all), len(pages), found)
	}
	for _, c := range all {
		page := pages[pageName(c)]
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && !strings.Contains(page, `\fB--`+f.Name+`\fR`) {
				t.Errorf("the page of %s says nothing of --%s", c.CommandPath(), f.Name)
			}
		})
		if !strings.Contains(page, ".SH SYNOPSIS\n.B "+c.CommandPath()) {
			t.Errorf("the page of %s begins with %.200s", c.CommandPath(), page)
		}
	}
	for name, page := range pages {
		for _, m := range regexp.MustCompile(`(?m)^\.BR (\S+) \(1\)`).FindAllStringSubmatch(page, -1) {
			if pages[m[1]] == "" {
				t.Errorf("the page of %s names %s, which has none", name, m[1])
			}
		}
	}
}

// Text is text: nothing in it is a request, an escape or a hyphen to break at.
func TestManualText(t *testing.T) {
	c := &cobra.Command{Use: "x", Short: `.so /etc/passwd`, Long: "'br is one\n.too\n\na  table\nof a-b \\n", Run: func(*cobra.Command, []string) {}}
	c.Flags().String("file", "", "write to `NAME`")
	c.Flags().StringP("more", "m", "it's", "optional")
	c.Flags().Lookup("more").NoOptDefVal = "x"
	var b bytes.Buffer
	if err := manPage(&b, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n.SH NAME\nx \\- \\&.so /etc/passwd\n", "\n.SH DESCRIPTION\n\\&'br is one\n\\&.too\n.PP\n.nf\na  table\nof a\\-b \\en\n.fi\n",
		"\n\\fB\\-\\-file\\fR \\fINAME\\fR\nwrite to NAME\n", "\n\\fB\\-m\\fR, \\fB\\-\\-more\\fR[=\\fIstring\\fR]\noptional (default it's)\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("there is no %q in %s", want, &b)
		}
	}
}
