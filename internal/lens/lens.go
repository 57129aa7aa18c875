// Package lens reads and checks custom lenses of the AWS Well-Architected Tool: questions with choices, and rules that make a risk of what is
// ticked. It does no I/O.
package lens

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// SchemaVersion is the only one there is.
const SchemaVersion = "2021-11-01"

// A Lens is a custom lens as the WA Tool imports and exports it.
type Lens struct {
	SchemaVersion string   `json:"schemaVersion"`
	Name          string   `json:"name"`
	Description   string   `json:"description"`
	Pillars       []Pillar `json:"pillars"`
}

// A Pillar is a group of questions.
type Pillar struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Questions []Question `json:"questions"`
}

// A Question is answered by ticking choices.
type Question struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Helpful     *Resource `json:"helpfulResource,omitempty"`
	Choices     []Choice  `json:"choices"`
	RiskRules   []Rule    `json:"riskRules"`
}

// A Choice is a practice; one whose ID ends in _no is "none of these".
type Choice struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Helpful     *Resource `json:"helpfulResource,omitempty"`
	Improvement *Resource `json:"improvementPlan,omitempty"`
}

// None reports whether a choice is "none of these".
func (c *Choice) None() bool { return strings.HasSuffix(c.ID, "_no") }

// A Resource is a text with, perhaps, a link.
type Resource struct {
	Text string `json:"displayText"`
	URL  string `json:"url,omitempty"`
}

// A Rule is what risk follows if its condition is the first that holds.
type Rule struct {
	Condition string `json:"condition"`
	Risk      Risk   `json:"risk"`
}

// A Risk is one of three.
type Risk string

const (
	NoRisk     Risk = "NO_RISK"
	MediumRisk Risk = "MEDIUM_RISK"
	HighRisk   Risk = "HIGH_RISK"
)

// rank orders risks; -1 for what is none.
func (r Risk) rank() int {
	switch r {
	case NoRisk:
		return 0
	case MediumRisk:
		return 1
	case HighRisk:
		return 2
	}
	return -1
}

// Known reports whether it is one of the three.
func (r Risk) Known() bool { return r.rank() >= 0 }

// MaxSize is how many bytes a lens may have.
const MaxSize = 500000

// Parse reads a lens. What it has beside what is looked at here is left alone.
func Parse(b []byte) (*Lens, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	l := new(Lens)
	if err := d.Decode(l); err != nil {
		var wrong *json.UnmarshalTypeError
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &wrong):
			return nil, fmt.Errorf("line %d: %s has the wrong type (%s)", line(b, wrong.Offset), wrong.Field, wrong.Value)
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("line %d: this is not JSON (%s)", line(b, syntax.Offset), syntax)
		}
		return nil, fmt.Errorf("this is not JSON (%s)", err)
	}
	if d.More() {
		return nil, errors.New("something follows the end of the lens")
	}
	return l, nil
}

func line(b []byte, offset int64) int {
	return 1 + bytes.Count(b[:min(int(offset), len(b))], []byte("\n"))
}

// JSON writes a lens as the WA Tool imports it.
func (l *Lens) JSON() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(l); err != nil {
		return nil, err
	}
	if b.Len() > MaxSize {
		return nil, fmt.Errorf("the lens has %d bytes, and the WA Tool takes %d", b.Len(), MaxSize)
	}
	return b.Bytes(), nil
}
