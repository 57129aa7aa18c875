package engine

import (
	"fmt"
	"strings"
)

// MatchAny reports whether a name matches one of some globs. A star stands for any characters, slashes
// included; everything else for itself. Case counts.
func MatchAny(globs []string, name string) bool {
	for _, g := range globs {
		if Match(g, name) {
			return true
		}
	}
	return false
}

// Match reports whether a name matches a glob.
func Match(glob, name string) bool {
	head, rest, star := strings.Cut(glob, "*")
	if !star {
		return glob == name
	}
	name, ok := strings.CutPrefix(name, head)
	for ok && rest != "" {
		part, more, star := strings.Cut(rest, "*")
		if !star {
			return strings.HasSuffix(name, part)
		}
		_, name, ok = strings.Cut(name, part)
		rest = more
	}
	return ok
}

// CheckGlobs refuses empty globs, which match nothing that has a name.
func CheckGlobs(param string, globs []string) error {
	for _, g := range globs {
		if g == "" {
			return fmt.Errorf("%s has an empty pattern", param)
		}
	}
	return nil
}
