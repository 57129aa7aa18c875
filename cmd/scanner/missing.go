package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"awsscanner/internal/model"
	"awsscanner/internal/report"
)

// A missingJSON is an action whose denial left gaps.
type missingJSON struct {
	Action   string       `json:"action"`
	Reason   model.Reason `json:"reason"`
	Grant    string       `json:"grant"` // where it can be granted
	Calls    []string     `json:"calls"`
	Accounts []string     `json:"accounts"`
	Regions  []string     `json:"regions"`
	Rules    []string     `json:"rules"` // that it blinds, perhaps not alone
}

// Where a denied action can be granted. Only the first is in the hands of whoever gives the scanner its policy.
var grantedBy = map[model.Reason]string{
	model.AccessDenied:         "identity policy",
	model.AccessDeniedResource: "resource policy",
	model.AccessDeniedSCP:      "service control policy",
}

// missingActions gathers what a scan was denied.
func missingActions(gaps []report.Gap) []missingJSON {
	all := []missingJSON{}
	add := func(list *[]string, more ...string) {
		for _, s := range more {
			if s != "" && !slices.Contains(*list, s) {
				*list = append(*list, s)
			}
		}
		slices.Sort(*list)
	}
	for _, g := range gaps {
		for _, action := range g.Permissions {
			i := slices.IndexFunc(all, func(m missingJSON) bool { return m.Action == action && m.Reason == g.Reason })
			if i < 0 {
				i = len(all)
				m := missingJSON{Action: action, Reason: g.Reason, Grant: grantedBy[g.Reason], Calls: []string{}, Accounts: []string{}, Regions: []string{}, Rules: []string{}}
				if action == "sts:AssumeRole" { // the role's trust policy must allow it, too
					m.Grant = "trust policy of the role, and identity policy of the caller"
				}
				all = append(all, m)
			}
			m := &all[i]
			add(&m.Calls, g.Call)
			add(&m.Accounts, g.Account)
			add(&m.Regions, g.Region)
			add(&m.Rules, g.Rules...)
		}
	}
	slices.SortFunc(all, func(a, b missingJSON) int {
		if by := len(b.Rules) - len(a.Rules); by != 0 {
			return by
		}
		return strings.Compare(a.Action+string(a.Reason), b.Action+string(b.Reason))
	})
	return all
}

// showMissing says what the last scan, or a snapshot, was denied.
func showMissing(ctx context.Context, out io.Writer, format, name string, sel *selection) error {
	rec, err := openRecording(ctx, name)
	if err != nil {
		return err
	}
	picked, err := rec.rules(sel)
	if err != nil {
		return err
	}
	r, err := rec.report(picked, report.Options{})
	if err != nil {
		return err
	}
	s := rec.scan
	all := missingActions(r.Gaps)
	switch format {
	case "json":
		return encode(out, struct {
			Scan    time.Time     `json:"scan"` // when it started
			Missing []missingJSON `json:"missing"`
		}{s.Start, all})
	case "policy":
		actions := []string{}
		for _, m := range all {
			if m.Grant == grantedBy[model.AccessDenied] {
				actions = append(actions, m.Action)
			}
		}
		if len(actions) == 0 {
			return usage("no identity policy would have let the scan of %s see more: scanner permissions --missing says what would", s.Start.Format("2006-01-02 15:04"))
		}
		slices.Sort(actions)
		return encode(out, allow(actions))
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(out, "The scan of %s was denied nothing that hides a verdict of these rules.\n", s.Start.Format("2006-01-02 15:04"))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MISSING\tGRANT IT IN\tWHERE\tBLINDS")
	for _, m := range all {
		where := strings.Join(m.Regions, " ")
		switch {
		case len(m.Accounts) > 1:
			where = count(len(m.Accounts), "account")
		case len(m.Regions) == 0:
			where = "account " + strings.Join(m.Accounts, " ")
		case len(m.Regions) > 3:
			where = count(len(m.Regions), "region")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Action, m.Grant, where, strings.Join(m.Rules, ", "))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "\nscanner permissions --missing -o policy prints those for an identity policy. A rule may lack more than one.")
	return err
}
