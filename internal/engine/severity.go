package engine

import (
	"fmt"
	"slices"
	"strings"
)

// A Severity says how soon a failure should be mended. The scale is published in docs/severity.md.
type Severity int

const (
	Informational Severity = iota + 1 // a fact to know
	Low                               // hygiene
	Medium                            // a layer is weak
	High                              // one step from an outsider's access, or loss within 7 days, and one team can end it in a day
	Critical                          // an outsider reaches data or control now
)

var severities = []string{"", "informational", "low", "medium", "high", "critical"}

// Severities lists the names, worst first.
func Severities() []string {
	out := slices.Clone(severities[1:])
	slices.Reverse(out)
	return out
}

func (s Severity) String() string {
	if s < 0 || int(s) >= len(severities) {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severities[s]
}

// ParseSeverity returns the severity of a name.
func ParseSeverity(name string) (Severity, error) {
	if i := slices.Index(severities, name); i > 0 {
		return Severity(i), nil
	}
	return 0, fmt.Errorf("%q is no severity: use one of %s", name, strings.Join(Severities(), ", "))
}

func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *Severity) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSeverity(string(b))
	return err
}

// A Pillar is one of the six of the AWS Well-Architected Framework.
type Pillar string

const (
	OperationalExcellence Pillar = "operational-excellence"
	Security              Pillar = "security"
	Reliability           Pillar = "reliability"
	PerformanceEfficiency Pillar = "performance-efficiency"
	CostOptimization      Pillar = "cost-optimization"
	Sustainability        Pillar = "sustainability"
)

// Pillars lists all six in the order of the framework.
var Pillars = []Pillar{OperationalExcellence, Security, Reliability, PerformanceEfficiency, CostOptimization, Sustainability}

// A Level says for whom a rule is: each includes those before it.
type Level string

const (
	Recommended Level = "recommended" // for every account
	Extended    Level = "extended"    // for those who want more
	Optional    Level = "optional"    // a matter of taste, slow or delicate
)

// Levels lists all, each including those before it.
var Levels = []Level{Recommended, Extended, Optional}
