// Package config reads configuration files and variables of the environment: what a scan is told without flags, and where each of it is
// said. Files come one after another, and a later one overrides an earlier one key by key, but for keys that an earlier one locks.
package config

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/notify"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/waiver"
)

// A File is what a configuration file may hold. A key with a flag tag stands for that flag of the command line.
type File struct {
	Accounts Accounts `yaml:"accounts" doc:"whose accounts to read"`
	Regions  []string `yaml:"regions" flag:"regions" doc:"regions to read, names or globs"`

	Ruleset      string   `yaml:"ruleset" flag:"ruleset" doc:"rules of this level and those before it: recommended, extended, optional"`
	Rules        []string `yaml:"rules" flag:"rules" doc:"only rules whose ID matches one of these globs, of any level"`
	ExcludeRules []string `yaml:"exclude_rules" flag:"exclude-rules" doc:"without rules whose ID matches one of these globs"`
	Pillars      []string `yaml:"pillars" flag:"pillars" doc:"only rules of these pillars"`
	Services     []string `yaml:"services" flag:"services" doc:"only rules of these services"`
	Frameworks   []string `yaml:"frameworks" flag:"frameworks" doc:"only rules that are mapped to these security frameworks"`
	MinSeverity  string   `yaml:"min_severity" flag:"min-severity" doc:"only rules that can be as severe, and failures that are"`

	Severities    map[string]engine.Severity                      `yaml:"severities" doc:"the severity of a rule's failures here, by its ID"`
	Params        map[string]map[string]strictyaml.Raw            `yaml:"params" doc:"parameters of rules, by ID and name"`
	AccountParams map[string]map[string]map[string]strictyaml.Raw `yaml:"account_params" doc:"other parameters in some accounts, by account ID, rule and name"`

	Outputs []string `yaml:"outputs" flag:"output" doc:"FORMAT, FORMAT=FILE or FILE.EXT, as -o takes them"`
	Redact  []string `yaml:"redact" flag:"redact" doc:"what to hide in reports: accounts, names"`

	Gate    Gate   `yaml:"gate" doc:"what decides the exit code"`
	Waivers string `yaml:"waivers" flag:"waivers" path:"" doc:"the file of waivers, relative to this file"`

	WaiverPolicy Policy  `yaml:"waiver_policy" doc:"what may be waived, and for how long"`
	Owners       []Owner `yaml:"owners" doc:"who has to act on what: the first that fits counts"`

	Timeout    string  `yaml:"timeout" flag:"timeout" doc:"stop reading after this time, as 45m, and report what was read"`
	MaxRPS     float64 `yaml:"max_rps" flag:"max-rps" doc:"send no more requests a second than this"`
	QuotaShare float64 `yaml:"quota_share" flag:"quota-share" doc:"once AWS throttles, take at most this percentage of the rate that was too much"`
	LogFormat  string  `yaml:"log_format" flag:"log-format" doc:"of the progress where there is no terminal: text or json"`

	Attribution string   `yaml:"attribution" flag:"attribution" doc:"whether scanner serve looks up who changed what, and what it tells of them: role, full, off"`
	Pipelines   []string `yaml:"pipelines" doc:"globs of roles, users and services whose changes are planned"`

	Schedules []Schedule `yaml:"schedules" doc:"when scanner serve scans what"`
	Retention Retention  `yaml:"retention" doc:"how much of the past scanner serve keeps"`

	Notifications notify.Config `yaml:"notifications" doc:"what scanner serve tells to whom, by which channels"`
	Server        Server        `yaml:"server" doc:"where scanner serve shows pages and an API, and who may use them"`

	Locked []string `yaml:"locked" doc:"keys that later files, variables and flags may not change: gate, or gate.fail_on"`
}

// Accounts says whose accounts to read, and how to enter them.
type Accounts struct {
	Profiles        []string            `yaml:"profiles" flag:"profile" doc:"profiles of the AWS configuration, one account each"`
	RoleARNs        []string            `yaml:"role_arns" flag:"role-arn" doc:"roles to assume, one account each"`
	ExternalID      string              `yaml:"external_id" flag:"external-id" doc:"external ID that the roles demand"`
	SessionName     string              `yaml:"session_name" flag:"session-name" doc:"name of the roles' sessions, as CloudTrail shows it"`
	SourceIdentity  string              `yaml:"source_identity" flag:"source-identity" doc:"source identity of the roles' sessions"`
	SessionDuration string              `yaml:"session_duration" flag:"session-duration" doc:"of the roles' sessions, 15m to 12h"`
	Org             bool                `yaml:"org" flag:"org" doc:"all active accounts of the organization"`
	OrgRole         string              `yaml:"org_role" flag:"org-role" doc:"with org: name of the role to assume in each account"`
	OU              []string            `yaml:"ou" flag:"ou" doc:"with org: only accounts in or below these organizational units"`
	Include         []string            `yaml:"include" flag:"accounts" doc:"with org: only these account IDs"`
	Exclude         []string            `yaml:"exclude" flag:"exclude-accounts" doc:"with org: not these account IDs"`
	Tags            map[string][]string `yaml:"tags" flag:"account-tag" doc:"with org: only accounts with these tags, keys with values"`
	Status          []string            `yaml:"status" flag:"account-status" doc:"with org: only accounts in these states"`
}

// A Gate decides the exit code.
type Gate struct {
	FailOn           string         `yaml:"fail_on" flag:"fail-on" doc:"exit 1 on a failure of this severity or above"`
	FailOnNew        bool           `yaml:"fail_on_new" flag:"fail-on-new" doc:"only on what is new since the baseline"`
	Max              map[string]int `yaml:"max" flag:"max" doc:"exit 1 on more failures than so many, by severity"`
	Baseline         string         `yaml:"baseline" flag:"baseline" path:"" doc:"the file to compare with, relative to this file"`
	AllowIncomplete  string         `yaml:"allow_incomplete" flag:"allow-incomplete" doc:"gaps do not count if at least this percentage of the cells is assessed; 0: never"`
	FailOnIncomplete string         `yaml:"fail_on_incomplete" flag:"fail-on-incomplete" doc:"exit 3 if less than this percentage of the cells is assessed"`
}

// A Policy says what may be waived, and for how long.
type Policy struct {
	Longest map[engine.Severity]waiver.Term `yaml:"longest" doc:"by severity, how far away a waiver may end: 90d, 12w"`
	Never   []string                        `yaml:"never" doc:"globs of rules that may not be waived"`
}

// An Owner is who has to act on what fits a condition; without one, on everything.
type Owner struct {
	Line strictyaml.Line `yaml:"-"`
	Team string          `yaml:"team,required" doc:"who has to act"`
	match.Condition
}

// A Schedule says when a stream is scanned: what the settings say, and over them what its own files say.
type Schedule struct {
	Line     strictyaml.Line `yaml:"-"`
	Name     string          `yaml:"name,required" doc:"of the stream: its scans are compared with each other"`
	Cron     string          `yaml:"cron,required" doc:"minute, hour, day, month and weekday, as 0 3 * * *"`
	TimeZone string          `yaml:"time_zone" doc:"of the IANA database, as Europe/Berlin; UTC if it is left out"`
	Jitter   string          `yaml:"jitter" doc:"at most so much later, always the same, as 15m"`
	Config   []string        `yaml:"config" doc:"files whose settings override these, relative to this file"`
}

// A Retention says how much of the past is kept.
type Retention struct {
	Snapshots int         `yaml:"snapshots" doc:"how many snapshots of each stream, the newest; 10 if it is left out"`
	Scans     waiver.Term `yaml:"scans" doc:"how long scans are remembered, as 400d, which is the default; the last one of a stream always is"`
	Fixed     waiver.Term `yaml:"fixed" doc:"how long findings are remembered that are fixed, as 400d, which is the default"`
}

// A Key is one of a file that stands for a flag.
type Key struct {
	Name string // "gate.fail_on"
	Flag string
	Path bool // the value is a file, relative to the one that names it
	Doc  string

	index []int
}

// Variable is the variable of the environment that does the same.
func (k *Key) Variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.Flag, "-", "_"))
}

// Keys lists all keys that stand for flags.
func Keys() (all []Key) {
	var gather func(t reflect.Type, name string, index []int)
	gather = func(t reflect.Type, name string, index []int) {
		for i := range t.NumField() {
			f := t.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			at := append(slices.Clone(index), i)
			if flag := f.Tag.Get("flag"); flag != "" {
				_, path := f.Tag.Lookup("path")
				all = append(all, Key{Name: name + key, Flag: flag, Path: path, Doc: f.Tag.Get("doc"), index: at})
			} else if f.Type == reflect.TypeFor[Accounts]() || f.Type == reflect.TypeFor[Gate]() {
				gather(f.Type, name+key+".", at)
			}
		}
	}
	gather(reflect.TypeFor[File](), "", nil)
	return all
}

// texts returns the value of a key as flags take it.
func (k *Key) texts(f *File) (all []string) {
	switch v := reflect.ValueOf(f).Elem().FieldByIndex(k.index).Interface().(type) {
	case string:
		return []string{v}
	case []string:
		return v
	case bool:
		return []string{strconv.FormatBool(v)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case map[string]int:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, name+"="+strconv.Itoa(v[name]))
		}
	case map[string][]string:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			for _, value := range v[name] {
				all = append(all, name+"="+value)
			}
		}
	}
	return all
}

// list reports whether the key takes several values.
func (k *Key) list() bool {
	switch reflect.TypeFor[File]().FieldByIndex(k.index).Type.Kind() {
	case reflect.Slice, reflect.Map:
		return true
	}
	return false
}
