package report

import (
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// BaselineSchema names the shape of a baseline file; docs/baseline.schema.json describes it.
const BaselineSchema = "scanner.baseline/v1"

// A Baseline is what an earlier scan found, and where it looked: what is absent there is new only if it would have been seen.
type Baseline struct {
	Schema   string         `json:"schema"`
	Tool     string         `json:"tool"` // version of the scanner
	Scan     string         `json:"scan"` // its ID
	Started  time.Time      `json:"started"`
	Read     []model.Place  `json:"read"` // accounts and regions
	Rules    []BaselineRule `json:"rules"`
	Blind    []BlindSpot    `json:"blind"`
	Findings []Known        `json:"findings"`
}

// A BaselineRule is a rule as it judged: another version, or other parameters, may find what this one could not.
type BaselineRule struct {
	ID      string `json:"id"` // the first it had
	Version int    `json:"version"`
	Params  string `json:"params,omitempty"` // hash of the parameters and of a severity that was set
}

// A BlindSpot is what a rule could not judge: one finding, or whatever there may be in a place.
type BlindSpot struct {
	Rule     string `json:"rule"`
	Account  string `json:"account"`
	Region   string `json:"region,omitempty"`
	Identity string `json:"identity,omitempty"` // none: anything
}

// A Known is a failure of an earlier scan.
type Known struct {
	Identity    string          `json:"identity"`
	Fingerprint string          `json:"fingerprint"`
	Rule        string          `json:"rule"`
	Severity    engine.Severity `json:"severity"`
	Kind        model.Kind      `json:"kind"`
	ID          string          `json:"id"`
	Name        string          `json:"name,omitempty"`
	Account     string          `json:"account"`
	Region      string          `json:"region,omitempty"`
	Owner       string          `json:"owner,omitempty"`
}

// A Fate is what became of a failure of an earlier scan that is none any more.
type Fate string

const (
	Fixed            Fate = "fixed"              // its place was looked at as a whole, and it is not there
	NoLongerAssessed Fate = "no-longer-assessed" // nobody could look
	OutOfScope       Fate = "out-of-scope"       // nobody looked: another selection of rules, accounts or regions
)

// A Gone is a failure of the baseline that is none any more.
type Gone struct {
	Known
	Fate Fate `json:"fate"`
}
