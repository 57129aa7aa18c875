package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"awsscanner/frameworks"
	"awsscanner/internal/cause"
	"awsscanner/internal/collect/session"
	"awsscanner/internal/config"
	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/report"
	"awsscanner/internal/waiver"
	"awsscanner/rules"
)

// A configured is what files, variables of the environment and waivers add to the flags of a command. It is the value of --config.
type configured struct {
	files   []string
	none    bool
	waivers string            // file
	texts   map[string]string // of all these files, if they came along with a scan; nil to read them

	said *config.Config
	used map[string]config.Setting // by flag: those that count for this command
	list *waiver.List              // nil if there is none

	warnings io.Writer // nil if nobody wants any
}

func (s *configured) flags(f *pflag.FlagSet) {
	f.Var(s, "config", "settings of this `FILE` (repeatable: later ones override earlier ones); default "+config.Default+" of the working directory, if it is there")
	f.BoolVar(&s.none, "no-config", false, "read no file of settings")
}

func (s *configured) waiverFlag(f *pflag.FlagSet) {
	f.StringVar(&s.waivers, "waivers", "", "accept what the waivers in this `FILE` mean: it stays visible, and counts no more")
}

func (s *configured) String() string { return strings.Join(s.files, ",") }
func (s *configured) Type() string   { return "file" }

func (s *configured) Set(name string) error {
	s.files = append(s.files, name)
	return nil
}

// all returns what files and variables say; nothing, if nobody has read them.
func (s *configured) all() *config.Config {
	if s.said == nil {
		return &config.Config{}
	}
	return s.said
}

// again is the selection that judges a recording as it was judged, but by what holds now.
func (s *configured) again() *selection {
	return &selection{ruleset: string(engine.Recommended), conf: *s}
}

func (s *selection) again() *selection { return s.conf.again() }

// inputs are the files that were read for the settings.
func (s *configured) inputs() []string {
	files := slices.Clone(s.files)
	if s.waivers != "" {
		files = append(files, s.waivers)
	}
	return files
}

// configOf returns what adds to the flags of a command; nil if nothing does.
func configOf(c *cobra.Command) *configured {
	if c == nil {
		return nil
	}
	f := c.Flags().Lookup("config")
	if f == nil {
		return nil
	}
	s, _ := f.Value.(*configured)
	return s
}

// configure reads all that adds to the flags of a command before it begins: nothing is half applied.
func configure(c *cobra.Command) error {
	s := configOf(c)
	if s == nil || c.Annotations[byItself] != "" {
		return nil
	}
	return s.read(c)
}

// byItself marks commands that read their files themselves.
const byItself = "config"

func (s *configured) read(c *cobra.Command) (err error) {
	variable, set := os.LookupEnv("SCANNER_CONFIG")
	switch {
	case s.none && len(s.files) > 0:
		return usage("--no-config and --config exclude each other: use one of them")
	case s.none, len(s.files) > 0:
	case set && strings.TrimSpace(variable) == "":
		return usage("SCANNER_CONFIG has no value: give it one, or unset it")
	case set:
		s.files = filepath.SplitList(variable)
	default:
		s.files = config.Find()
	}
	if s.said, err = config.Load(s.files, os.Environ(), settings(s.texts)); err != nil {
		return mistakes(err)
	}
	if quiet := c.Flags().Lookup("quiet"); quiet == nil || quiet.Value.String() != "true" {
		s.warnings = c.ErrOrStderr()
		for _, w := range s.said.Warnings {
			fmt.Fprintln(c.ErrOrStderr(), "scanner: "+w)
		}
	}
	if verbose := c.Flags().Lookup("verbose"); verbose != nil && verbose.Value.String() == "true" && len(s.files) > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "scanner: settings of %s\n", strings.Join(s.files, ", "))
	}
	if err := s.apply(c); err != nil {
		return err
	}
	if s.waivers != "" {
		s.list, err = readWaivers(s.waivers, s.texts, s.all())
	}
	return err
}

// mistakes ends the program with a line for each mistake in a file.
func mistakes(err error) error {
	return usage("%s", strings.ReplaceAll(err.Error(), "\n", "\nscanner: "))
}

func readWaivers(name string, texts map[string]string, c *config.Config) (list *waiver.List, err error) {
	context := waiver.Context{Rules: c.Rated(rules.All), Policy: c.Policy, Now: time.Now()}
	if texts != nil {
		list, err = waiver.Decode(name, []byte(texts[name]), context)
	} else {
		list, err = waiver.Read(name, context)
	}
	if err != nil {
		return nil, mistakes(err)
	}
	return list, nil
}

// The commands for which a flag of a setting means what the setting means; for any other flag, all that have it.
var settingFor = map[string][]string{
	"regions":  {"scan", "doctor", "calls"}, // a filter elsewhere
	"ruleset":  {"scan", "doctor", "calls", "permissions", "list"},
	"rules":    {"scan", "doctor", "calls", "permissions", "list"}, // a snapshot brings its own
	"output":   {"scan", "report"},
	"baseline": {"scan", "report", "gate"},
	"timeout":  {"scan"},
}

// Other flags that set what the flag of a setting sets.
var alsoSetBy = map[string]string{"regions": "region", "min-severity": "severity"}

// Settings of the flag on the right mean nothing where the one on the left is given.
var setAside = map[string][]string{
	"role-arn":  {"org", "org-role", "ou", "accounts", "exclude-accounts", "account-tag", "account-status"},
	"org":       {"role-arn"},
	"severity":  {"min-severity"},
	"demo":      {"regions", "profile", "role-arn", "external-id", "session-name", "source-identity", "session-duration", "org", "org-role", "ou", "accounts", "exclude-accounts", "account-tag", "account-status"},
	"framework": {"ruleset", "rules", "exclude-rules", "pillars", "services", "frameworks", "min-severity"},
	"missing":   {"ruleset", "rules", "org", "attribution"},
	"compare":   {"org", "attribution"},
}

// A rank says how near to the command line a flag is set.
type settingRank int

const (
	byDefault settingRank = iota
	byFile
	byVariable
	byFlag
)

func (s *configured) rank(c *cobra.Command, flag string) settingRank {
	if f := c.Flags().Lookup(flag); f != nil && f.Changed || c.Flags().Changed(alsoSetBy[flag]) {
		return byFlag
	}
	for _, x := range s.said.Settings {
		switch {
		case x.Flag != flag:
		case x.Place == x.Variable():
			return byVariable
		default:
			return byFile
		}
	}
	return byDefault
}

// on reports whether somebody who counts more than files wants what a flag says.
func (s *configured) on(c *cobra.Command, flag string) bool {
	if f := c.Flags().Lookup(flag); f == nil || f.Changed {
		return f != nil && f.Value.String() != "false"
	}
	for _, x := range s.said.Settings {
		if x.Flag == flag && x.Place == x.Variable() {
			return !slices.Equal(x.Values, []string{"false"})
		}
	}
	return false
}

// means reports whether a key means something to a command.
func means(c *cobra.Command, key *config.Key) bool {
	if c.Name() == "securityhub" && strings.HasPrefix(key.Name, "accounts.") { // who may read is not who may write
		return false
	}
	only := settingFor[key.Flag]
	return c.Flags().Lookup(key.Flag) != nil && (only == nil || slices.Contains(only, c.Name()) || c.Parent() != nil && c.Parent().Name() == "config")
}

// apply gives flags that are not given the values of the settings.
func (s *configured) apply(c *cobra.Command) error {
	s.used = map[string]config.Setting{}
	aside := map[string]bool{}
	given := func(flag string) bool { return c.Flags().Lookup(flag) != nil && c.Flags().Changed(flag) }
	for flag, others := range setAside {
		if !s.on(c, flag) {
			continue
		}
		for _, other := range others {
			aside[other] = aside[other] || s.rank(c, flag) > s.rank(c, other)
		}
	}
	if given("snapshot") && c.Name() == "scan" { // it brings its own
		for _, other := range append(setAside["demo"], "ruleset", "rules") {
			aside[other] = true
		}
	}
	for _, key := range config.Keys() {
		if !means(c, &key) {
			continue
		}
		if s.rank(c, key.Flag) == byFlag {
			if by, place := s.said.Lock(key.Name); by != "" {
				flag := key.Flag
				if !c.Flags().Changed(flag) {
					flag = alsoSetBy[flag]
				}
				return usage("--%s sets %s, which is locked by %s (locked: %s): leave it out", flag, key.Name, place, by)
			}
			continue
		}
		x, ok := s.said.Settings[key.Name]
		if !ok || aside[key.Flag] {
			continue
		}
		if err := give(c.Flags().Lookup(key.Flag).Value, x.Values); err != nil {
			return usage("%s: %s: %s", x.Place, key.Name, err)
		}
		s.used[key.Flag] = x
	}
	return nil
}

// give sets the value of a flag without marking it as given.
func give(v pflag.Value, values []string) error {
	if list, ok := v.(pflag.SliceValue); ok {
		return list.Replace(values)
	}
	return v.Set(values[0])
}

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// inPlace says of settings where they are set, instead of naming flags that nobody has given.
func inPlace(c *cobra.Command, e *exitError) string {
	s := configOf(c)
	if s == nil || e.code != report.ExitUsage && e.code != report.ExitFailed {
		return e.text
	}
	place := ""
	if x, ok := s.used["output"]; ok && strings.HasPrefix(e.text, "-o") { // the flag has a name of one letter
		return x.Place + ": outputs: " + strings.TrimLeft(e.text[len("-o"):], ": ")
	}
	if x, ok := s.used["baseline"]; ok && strings.HasPrefix(e.text, "the baseline ") {
		return x.Place + ": " + e.text
	}
	text := flagName.ReplaceAllStringFunc(e.text, func(name string) string {
		x, ok := s.used[strings.TrimPrefix(name, "--")]
		switch {
		case !ok:
			return name
		case x.Place == x.Variable():
			return x.Place
		case place == "":
			place = x.Place
		case place != x.Place:
			return x.Name + " (" + x.Place + ")"
		}
		return x.Name
	})
	if place != "" {
		text = place + ": " + text
	}
	return text
}

// settings is what files are held against.
func settings(texts map[string]string) config.Context {
	check := checkSetting
	if texts != nil {
		check = func(key *config.Key, value string) error {
			if key.Path { // it came along, or nobody looks at it
				return nil
			}
			return checkSetting(key, value)
		}
	}
	return config.Context{Rules: rules.All, Texts: texts, Check: check, ParamNames: paramNames, ParamError: plain, Schedule: func(s config.Schedule) error { _, err := scheduleOf(s); return err }}
}

var digits12 = regexp.MustCompile(`^[0-9]{12}$`)

// checkSetting refuses a value as the flag of its key would.
func checkSetting(key *config.Key, value string) error {
	role := session.Role{ARN: "arn:aws:iam::000000000000:role/x"}
	if strings.Contains(value, "${") || strings.Contains(value, "{{") {
		return usage("%q is taken as it is, as nothing replaces variables here: write the value, or set the variable %s", value, key.Variable())
	}
	switch key.Flag {
	case "ruleset":
		_, _, err := (&selection{ruleset: value, rules: []string{rules.All[0].ID}}).pick()
		return err
	case "rules", "exclude-rules":
		return known([]string{value}, "rule", ruleIDs(), "see scanner rules list")
	case "services":
		_, _, err := (&selection{ruleset: string(engine.Optional), services: []string{value}}).pick()
		return err
	case "pillars":
		_, _, err := (&selection{ruleset: string(engine.Optional), pillars: []string{value}}).pick()
		return err
	case "frameworks":
		return known([]string{value}, "framework", frameworks.IDs(), "use "+strings.Join(frameworks.IDs(), ", "))
	case "min-severity", "fail-on":
		_, err := severity("--"+key.Flag, value)
		return err
	case "max":
		_, err := (&gateFlags{max: []string{value}}).gate()
		return err
	case "allow-incomplete":
		_, err := (&gateFlags{failOn: "low", allowIncomplete: value}).gate()
		return err
	case "fail-on-incomplete":
		_, err := (&gateFlags{failOnIncomplete: value}).gate()
		return err
	case "output":
		_, err := parseOutputs([]string{value})
		return err
	case "redact":
		_, err := (&view{redact: []string{value}, groupBy: report.Groups[0]}).filter(&selection{})
		return err
	case "attribution":
		return oneOf("--attribution", value, cause.Modes)
	case "log-format":
		return oneOf("--log-format", value, []string{"text", "json"})
	case "regions":
		if why := match.RefuseRegion(value); why != "" && value != "all" && value != "*" {
			return usage("%s", why)
		}
	case "accounts", "exclude-accounts":
		if !digits12.MatchString(value) {
			return usage("%q is no account ID: write its 12 digits", value)
		}
	case "ou":
		if !strings.HasPrefix(value, "ou-") && !strings.HasPrefix(value, "r-") {
			return usage("%q is no organizational unit: write its ID, as ou-ab12-cdefgh34", value)
		}
	case "account-status":
		return oneOf("--account-status", value, session.States())
	case "role-arn":
		role.ARN = value
		if err := role.Check(); err != nil || digits12.MatchString(role.Account()) {
			return err
		}
		return usage("%q is no account ID: write its 12 digits in %s", role.Account(), value)
	case "org-role":
		role.ARN = "arn:aws:iam::000000000000:role/" + value
	case "external-id":
		role.ExternalID = value
	case "session-name":
		role.SessionName = value
	case "source-identity":
		role.SourceIdentity = value
	case "session-duration", "timeout":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return usage("%q is no time: write a number with s, m or h, as 45m", value)
		}
		if key.Flag == "session-duration" {
			role.Duration = d
		}
	case "max-rps":
		if value == "0" || strings.HasPrefix(value, "-") {
			return usage("%s is not positive", value)
		}
	case "quota-share":
		var share float64
		if _, err := fmt.Sscan(value, &share); err != nil || share < 1 || share > 100 {
			return usage("%s is no percentage from 1 to 100", value)
		}
	case "waivers", "baseline":
		if info, err := os.Stat(value); err != nil {
			return usage("%s cannot be read: %s", value, osText(err))
		} else if info.IsDir() {
			return usage("%s is a directory", value)
		}
	case "account-tag":
		if strings.HasPrefix(value, "=") {
			return usage("a tag without a key cannot be")
		}
	}
	return role.Check()
}

// A tuning is how rules judge otherwise than by default.
type tuning struct {
	rules      map[string]json.RawMessage            // parameters by rule
	accounts   map[string]map[string]json.RawMessage // the same in single accounts
	severities map[string]engine.Severity
}

// tune gives a rule the parameters and the severity that the snapshot, the configuration and the flags say, the last of them first.
func (s *selection) tune(r engine.Rule, given map[string]json.RawMessage) (engine.Rule, error) {
	if s.told {
		return r, nil
	}
	var err error
	with := func(override json.RawMessage) {
		if override != nil && err == nil {
			r, err = r.With(override)
		}
	}
	with(s.conf.all().Override(r.ID))
	with(given[r.ID])
	in := func(account string, override json.RawMessage) {
		if override != nil && err == nil {
			r, err = r.WithIn(account, override)
		}
	}
	if s.replayed != nil {
		for _, account := range slices.Sorted(maps.Keys(s.replayed.AccountParams)) {
			in(account, s.replayed.AccountParams[account][r.ID])
		}
		if severity := s.replayed.Severities[r.ID]; severity != 0 {
			r = r.Rate(severity)
		}
	}
	for _, account := range slices.Sorted(maps.Keys(s.conf.all().AccountParams)) {
		in(account, s.conf.all().AccountOverride(account, r.ID))
	}
	if x, ok := s.conf.all().Severities[r.ID]; ok {
		r = r.Rate(x.Severity)
	}
	return r, err
}

// tuningOf returns what a snapshot must tell, so that rules judge it as they do now.
func (s *selection) tuningOf(picked []engine.Rule, given map[string]json.RawMessage) (as tuning) {
	c := s.conf.all()
	for i := range picked {
		id := picked[i].ID
		var params map[string]json.RawMessage
		for _, override := range []json.RawMessage{c.Override(id), given[id]} {
			if override != nil {
				json.Unmarshal(override, &params) // one over the other; they were made by Marshal
			}
		}
		if params != nil {
			if as.rules == nil {
				as.rules = map[string]json.RawMessage{}
			}
			as.rules[id], _ = json.Marshal(params)
		}
		for account := range c.AccountParams {
			if override := c.AccountOverride(account, id); override != nil {
				if as.accounts == nil {
					as.accounts = map[string]map[string]json.RawMessage{}
				}
				if as.accounts[account] == nil {
					as.accounts[account] = map[string]json.RawMessage{}
				}
				as.accounts[account][id] = override
			}
		}
		if picked[i].Rated != 0 {
			if as.severities == nil {
				as.severities = map[string]engine.Severity{}
			}
			as.severities[id] = picked[i].Rated
		}
	}
	return as
}

// needTags reports whether waivers or owners hang on tags.
func (s *configured) needTags() bool {
	return s.list != nil && s.list.NeedsTags() || s.all().NeedsTags()
}

// people adds to a report who has to act and what is waived. What it returns is to be called when the time of the scan is known, by which
// waivers hold or have expired.
func (s *configured) people(o *report.Options) (begin func(start time.Time, warnings io.Writer)) {
	if c := s.all(); len(c.Owners) > 0 {
		o.Team = func(r *engine.Result) string {
			if team := c.Owner(r); team != "" {
				return team
			}
			if said, ok := r.With().(*report.Finding); ok { // the report that is looked at again
				return said.Resource.Owner
			}
			return report.Team(r)
		}
	}
	if s.list == nil {
		return func(time.Time, io.Writer) {}
	}
	var at time.Time
	waived := make([]*report.Waived, len(s.list.All))
	for i := range waived {
		w := &s.list.All[i]
		waived[i] = &report.Waived{Reason: w.Reason, Owner: w.Owner, Expires: w.Expires.String(), Mitigation: w.Mitigation, Risk: w.Risk, Ticket: w.Ticket, Source: s.list.Place(i)}
	}
	o.Waive = func(r *engine.Result) *report.Waived {
		if i := s.list.Find(r, at); i >= 0 {
			return waived[i]
		}
		return nil
	}
	return func(start time.Time, warnings io.Writer) {
		at = start
		for _, line := range s.list.Warnings(at) {
			fmt.Fprintln(warnings, "scanner: "+line)
		}
	}
}
