package release

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// unreleased is the version of a commit without a tag, before + and the commit.
const unreleased = "0.1.0-dev"

// Version returns the version of the commit that is checked out: its tag without the v, or unreleased and the commit.
func Version(ctx context.Context, dir string) (string, error) {
	git := func(args ...string) (string, error) {
		c := exec.CommandContext(ctx, "git", args...)
		c.Dir = dir
		out, err := output(c)
		return strings.TrimSpace(string(out)), err
	}
	changed, err := git("status", "--porcelain")
	if err != nil {
		return "", fmt.Errorf("asking git for the version: %w: give one with -version", err)
	}
	if changed != "" {
		return "", fmt.Errorf("there are changes that are not committed, so that nobody could build the same again: commit them, or give a version with -version")
	}
	if tag, err := git("describe", "--tags", "--exact-match", "--match", "v[0-9]*"); err == nil {
		return strings.TrimPrefix(tag, "v"), nil
	}
	commit, err := git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "", fmt.Errorf("asking git for the commit: %w: give a version with -version", err)
	}
	return unreleased + "+" + commit, nil
}
