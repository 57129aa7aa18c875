package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"awsscanner/internal/engine"
)

// A gitlabIssue is an entry of a GitLab Code Quality report.
type gitlabIssue struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
	Owner       string         `json:"owner,omitempty"`  // which GitLab does not look at, nor at what follows
	Change      Change         `json:"change,omitempty"` // it compares by itself
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

var gitlabSeverities = map[engine.Severity]string{engine.Critical: "blocker", engine.High: "critical", engine.Medium: "major", engine.Low: "minor", engine.Informational: "info"}

// GitLab writes the open failures as a Code Quality report.
func (r *Report) GitLab(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteByte('[')
	separator := "\n"
	for x, err := range r.Results() {
		if err != nil {
			return err
		}
		if !x.Open() {
			continue
		}
		description := fmt.Sprintf("%s %s: %s", shortKind(&x), name(x.Resource), cmp.Or(x.Message, x.Rule.Title))
		if x.Team != "" && x.Team != UnknownOwner {
			description += " (owner " + x.Team + ")"
		}
		b, err := json.Marshal(gitlabIssue{
			Description: Clean(description),
			CheckName:   x.Rule.ID,
			Fingerprint: x.Fingerprint(),
			Severity:    gitlabSeverities[x.Severity],
			Location:    gitlabLocation{gitlabPath(&x), gitlabLines{1}},
			Owner:       Clean(x.Team),
			Change:      x.Change,
		})
		if err != nil {
			return fmt.Errorf("result of %s on %s: %w", x.Rule.ID, x.Resource.ID, err)
		}
		out.WriteString(separator)
		if _, err := out.Write(b); err != nil {
			return err
		}
		separator = ",\n"
	}
	out.WriteString("\n]\n")
	return out.Flush()
}

// gitlabPath stands for the file that GitLab asks for.
func gitlabPath(x *Result) string {
	return strings.Join([]string{"aws", x.Resource.Account, cmp.Or(x.Resource.Region, "global"), x.Rule.Service()}, "/")
}

// shortKind is a kind without its service: "Queue".
func shortKind(x *Result) string {
	kind := string(x.Kind())
	return kind[strings.LastIndex(kind, ":")+1:]
}
