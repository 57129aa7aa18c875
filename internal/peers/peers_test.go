package peers

import (
	"regexp"
	"slices"
	"testing"

	"awsscanner/internal/engine"
	"awsscanner/rules"
)

// IDs have the form that their tool gives them.
func TestTable(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string]string{Prowler: `^[a-z0-9]+(_[a-z0-9]+)+$`, SecurityHub: `^[A-Za-z0-9]+\.\d+$`, Config: `^[a-z0-9]+(-[a-z0-9]+)+$`,
		"conformity": `^[A-Za-z0-9]+-\d+$`, "steampipe": `^[a-z0-9_]+$`, "service-screener": `^[a-z0-9_]+\.[A-Za-z0-9_]+$`}
	for rule, tools := range all {
		if !slices.ContainsFunc(rules.All, func(r engine.Rule) bool { return r.ID == rule }) {
			t.Errorf("there is no rule %s", rule)
		}
		for tool, ids := range tools {
			if forms[tool] == "" {
				t.Errorf("%s: there is no tool %s", rule, tool)
				continue
			}
			for _, id := range ids {
				if !regexp.MustCompile(forms[tool]).MatchString(id) {
					t.Errorf("%s: %s calls nothing %q", rule, tool, id)
				}
			}
			if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
				t.Errorf("%s: the IDs of %s are not sorted, or named twice", rule, tool)
			}
		}
	}
}

func TestRules(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id    string
		tools []string
		want  []string
	}{
		{"acm_certificates_expiration_check", nil, []string{"acm-certificate-not-expiring"}},
		{"ACM.1", nil, []string{"acm-certificate-not-expiring"}},
		{"acm.1", []string{SecurityHub}, []string{"acm-certificate-not-expiring"}},
		{"ACM.1", []string{Prowler}, nil},
		{"rds_snapshots_public_access", []string{Prowler}, []string{"rds-cluster-snapshot-not-public", "rds-snapshot-not-public"}},
		{"nothing", nil, nil},
	} {
		if got := all.Rules(c.id, c.tools...); !slices.Equal(got, c.want) {
			t.Errorf("%s of %v is %v, want %v", c.id, c.tools, got, c.want)
		}
	}
}
