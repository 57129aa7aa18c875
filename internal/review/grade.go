package review

import "strings"

// A grade is how likely a risk is, how much it would do, or both together.
type grade int

const (
	lowGrade grade = iota + 1
	mediumGrade
	highGrade
)

var grades = []string{"", "Low", "Medium", "High"}

func (g grade) String() string { return grades[g] }

// parseGrade reads what people write; 0 if it is none.
func parseGrade(text string) grade {
	for i, name := range grades {
		if i > 0 && strings.EqualFold(strings.TrimSpace(text), name) {
			return grade(i)
		}
	}
	return 0
}
