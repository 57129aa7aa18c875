// Package peers knows what rules are called in other tools. The table holds IDs alone, as of November 2026: that two rules look at the
// same thing does not mean that they judge it alike.
package peers

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tools are those of which the table tells.
const (
	Prowler     = "prowler"
	SecurityHub = "securityhub" // controls, such as S3.8
	Config      = "config"      // managed rules of AWS Config
)

//go:embed peers.json
var table []byte

// A Table tells of each rule, by ID, what it is called by each tool.
type Table map[string]map[string][]string

// Load reads the table.
func Load() (t Table, err error) {
	if err = json.Unmarshal(table, &t); err != nil {
		err = fmt.Errorf("the table of what rules are called elsewhere: %w", err)
	}
	return t, err
}

// Rules returns the rules that some tool, or one of several, calls by an ID, in order. Case does not count.
func (t Table) Rules(id string, tools ...string) (rules []string) {
	for _, rule := range slices.Sorted(maps.Keys(t)) {
		for tool, ids := range t[rule] {
			if len(tools) > 0 && !slices.Contains(tools, tool) {
				continue
			}
			if slices.ContainsFunc(ids, func(x string) bool { return strings.EqualFold(x, id) }) {
				rules = append(rules, rule)
				break
			}
		}
	}
	return rules
}
