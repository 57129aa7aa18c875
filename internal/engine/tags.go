package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"awsscanner/internal/model"
)

// TagGlobs is a parameter that picks resources by their tags: globs of values by key, whatever their case.
type TagGlobs map[string][]string

// Check refuses what can never pick anything.
func (g TagGlobs) Check(param string) error {
	for key, values := range g {
		if key == "" || len(values) == 0 {
			return fmt.Errorf("%s must have a key and at least one value for it", param)
		}
		if err := CheckGlobs(param, values); err != nil {
			return err
		}
	}
	return nil
}

// Find returns the first tag that is picked, as key=value, or "". Without globs nothing is, whatever the tags are.
func (g TagGlobs) Find(tags model.Attr[map[string]string]) string {
	if len(g) == 0 {
		return ""
	}
	all := tags.Get()
	for _, key := range slices.Sorted(maps.Keys(all)) {
		for name, globs := range g {
			if strings.EqualFold(name, key) && slices.ContainsFunc(globs, func(g string) bool { return Match(strings.ToLower(g), strings.ToLower(all[key])) }) {
				return key + "=" + all[key]
			}
		}
	}
	return ""
}
