package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/notify"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/suggest"
	"awsscanner/internal/waiver"
)

// Default is the file that is read if none is named, from the working directory.
const Default = "scanner.yaml"

const prefix = "SCANNER_"

// A Context is what files are held against.
type Context struct {
	Rules []engine.Rule
	// Check refuses a value of a key, in a sentence that may begin with the flag of the key.
	Check func(key *Key, value string) error
	// ParamNames lists the parameters of a rule, and ParamError puts in words what is wrong with one.
	ParamNames func(*engine.Rule) []string
	ParamError func(error) string
	// Texts holds the files, by name, if they are not to be read from where they are.
	Texts map[string]string
	// Schedule refuses a schedule that cannot be followed.
	Schedule func(Schedule) error
}

// A Setting is the value of a key that stands for a flag, and where it is set.
type Setting struct {
	Key
	Values []string
	Place  string // FILE:LINE, or the variable
}

// A Param is the value of a parameter of a rule, and where it is set.
type Param struct {
	JSON  json.RawMessage
	Place string
}

// A Rating is the severity of a rule, and where it is set.
type Rating struct {
	Severity engine.Severity
	Place    string
}

// A Team is an owner, and where it is set.
type Team struct {
	Owner
	Place string
}

// A Planned is a schedule, and where it is set.
type Planned struct {
	Schedule
	Place string
}

// Pipelines are globs of those whose changes are planned, and where they are set.
type Pipelines struct {
	Globs []string
	Place string
}

// A Config is what all files and variables say together.
type Config struct {
	Files         []string
	Settings      map[string]Setting                     // by key
	Severities    map[string]Rating                      // by rule
	Params        map[string]map[string]Param            // by rule and name
	AccountParams map[string]map[string]map[string]Param // by account, rule and name
	Owners        []Team
	Pipelines     Pipelines
	Policy        waiver.Policy
	Schedules     []Planned
	Retention     Retention
	Notifications notify.Config
	Server        Server
	Locked        map[string]string // where, by key
	Warnings      []string          // variables that nobody knows
}

// Find returns the files that are read if none is named.
func Find() []string {
	if _, err := os.Lstat(Default); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return []string{Default}
}

// Load reads files, each of which overrides those before it, and the variables of an environment, which override them all. All that is wrong
// with the first bad file is one error.
func Load(files, environment []string, c Context) (*Config, error) {
	cfg := &Config{Files: files, Settings: map[string]Setting{}, Severities: map[string]Rating{}, Params: map[string]map[string]Param{},
		AccountParams: map[string]map[string]map[string]Param{}, Policy: waiver.Policy{Longest: map[engine.Severity]waiver.Limit{}}, Locked: map[string]string{}}
	for i, name := range files {
		if slices.Contains(files[:i], name) {
			return nil, fmt.Errorf("%s is named twice: leave one out", name)
		}
		var x File
		var f *strictyaml.File
		if c.Texts != nil {
			f = strictyaml.Decode(name, []byte(c.Texts[name]), &x)
		} else {
			f = strictyaml.Read(name, &x)
		}
		l := layer{File: &x, file: f, dir: filepath.Dir(name), Context: c, json: map[string]json.RawMessage{}}
		l.check()
		if err := l.into(cfg); err != nil {
			return nil, err
		}
	}
	if err := cfg.variables(environment, c); err != nil {
		return nil, err
	}
	return cfg, nil
}

// A layer is one file.
type layer struct {
	*File
	Context
	file *strictyaml.File
	dir  string
	json map[string]json.RawMessage // parameters that can be one, by path
}

// check refuses values that mean nothing.
func (l *layer) check() {
	f := l.file
	for _, key := range Keys() {
		if !f.Has(key.Name) || f.Wrong(key.Name) {
			continue
		}
		for i, text := range key.texts(l.File) {
			if text == "" || l.Context.Check == nil {
				continue
			}
			if key.Path {
				text = l.relative(text)
			}
			if err := l.Context.Check(&key, text); err != nil {
				f.Refuse(at(f, key.Name, i, text), "%s", inWords(&key, err))
			}
		}
	}
	for i, key := range l.Locked {
		if why := l.unknownKey(key); key != "" && why != "" {
			f.Refuse(fmt.Sprintf("locked[%d]", i), "locked: %s", why)
		}
	}
	l.checkRules()
	l.checkOwners()
	l.checkPipelines()
	l.checkSchedules()
	if l.file.Has("notifications") {
		l.Notifications.Check(l.file, "notifications", l.Context.Rules)
	}
	l.checkServer()
	for i, glob := range l.WaiverPolicy.Never {
		if glob != "" && !slices.ContainsFunc(l.Context.Rules, func(r engine.Rule) bool { return engine.Match(glob, r.ID) }) {
			f.Refuse(fmt.Sprintf("waiver_policy.never[%d]", i), "never: no rule matches %q: %s", glob, suggest.DidYouMean(glob, l.ids(), "see scanner rules list"))
		}
	}
}

// at is the path of one of the values of a key.
func at(f *strictyaml.File, key string, i int, text string) string {
	if item := fmt.Sprintf("%s[%d]", key, i); f.Has(item) {
		return item
	}
	name, _, _ := strings.Cut(text, "=")
	if item := key + "." + name; f.Has(item) {
		return item
	}
	return key
}

// inWords says of a key what a check says of its flag.
func inWords(key *Key, err error) string {
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, "--"+key.Flag); ok {
		text = strings.TrimLeft(rest, ": ")
	} else if rest, ok := strings.CutPrefix(text, "-o "); ok && key.Flag == "output" {
		text = rest
	}
	return key.Name + ": " + text
}

// relative returns a path as seen from the working directory.
func (l *layer) relative(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.dir, name)
}

func (l *layer) ids() (ids []string) {
	for i := range l.Context.Rules {
		ids = append(ids, l.Context.Rules[i].ID)
	}
	return ids
}

func (l *layer) rule(id string) *engine.Rule {
	i := slices.IndexFunc(l.Context.Rules, func(r engine.Rule) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return &l.Context.Rules[i]
}

// checkRules refuses rules and parameters that do not exist.
func (l *layer) checkRules() {
	unknown := func(path, id string) bool {
		why := l.unknownRule(id)
		if why != "" {
			l.file.Refuse(path, "%s", why)
		}
		return why != ""
	}
	for _, id := range slices.Sorted(maps.Keys(l.Severities)) {
		unknown("severities."+id, id)
	}
	params := func(path string, of map[string]map[string]strictyaml.Raw) {
		for _, id := range slices.Sorted(maps.Keys(of)) {
			if path := path + "." + id; !unknown(path, id) {
				l.checkParams(path, l.rule(id), of[id])
			}
		}
	}
	params("params", l.Params)
	for _, account := range slices.Sorted(maps.Keys(l.AccountParams)) {
		path := "account_params." + account
		if !accountID.MatchString(account) {
			l.file.Refuse(path, "account_params: %q is no account ID: write its 12 digits, in quotes", account)
		}
		params(path, l.AccountParams[account])
	}
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// checkParams refuses parameters that a rule does not have.
func (l *layer) checkParams(path string, r *engine.Rule, given map[string]strictyaml.Raw) {
	names := l.ParamNames(r)
	if len(names) == 0 {
		l.file.Refuse(path, "rule %s has no parameters", r.ID)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		at := path + "." + name
		if !slices.Contains(names, name) {
			l.file.Refuse(at, "rule %s has no parameter %q: %s", r.ID, name, suggest.DidYouMean(name, names, "it has "+strings.Join(names, ", ")))
		} else if text := l.file.JSON(given[name], paramType(r, name)); text != nil {
			l.json[at] = text
		}
	}
}

// paramType returns the Go type of a parameter: what is a text there stays one, as an account ID.
func paramType(r *engine.Rule, name string) reflect.Type {
	t := reflect.TypeOf(r.Check.Params).Elem()
	if t.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(t) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return f.Type
		}
	}
	return nil
}

func (l *layer) checkOwners() {
	v := waiver.Vocabulary(l.Context.Rules)
	before := map[string]strictyaml.Line{}
	for i := range l.Owners {
		o, path := &l.Owners[i], fmt.Sprintf("owners[%d]", i)
		switch key := o.Condition.Key(); {
		case before[key] > 0:
			l.file.Refuse(path, "the owner in line %d has the same condition, so that this one never owns anything: remove one of them", before[key])
		case key != "{}":
			before[key] = o.Line
			o.Condition.Check(l.file, path, v)
		case i < len(l.Owners)-1 && !l.file.Wrong(path):
			l.file.Refuse(path, "team %q owns everything, so that nobody below it ever owns anything: give it a condition, or put it last", o.Team)
		}
		if strings.ContainsFunc(o.Team, unicode.IsControl) {
			l.file.Refuse(path+".team", "team: %q holds a control character: write the name on one line", o.Team)
		}
		if o.Team == "unknown" {
			l.file.Refuse(path+".team", "team: unknown stands for an owner that depends on what is not known: choose another name")
		}
	}
}

// checkPipelines refuses globs that fit nobody: names of roles and users have no spaces, slashes and colons, and ARNs begin with arn.
func (l *layer) checkPipelines() {
	for i, glob := range l.Pipelines {
		if arn := strings.HasPrefix(glob, "arn:") || strings.HasPrefix(glob, "*"); strings.ContainsAny(glob, " \t${}") || !arn && strings.ContainsAny(glob, "/:") {
			l.file.Refuse(fmt.Sprintf("pipelines[%d]", i), "pipelines: %q fits no role, user or service: write a name, as deploy-*, or an ARN, as arn:aws:iam::111122223333:role/ci/*", glob)
		}
	}
}

// streamName is what a stream may be called: it stands in addresses of pages.
var streamName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// checkSchedules refuses schedules that cannot be followed.
func (l *layer) checkSchedules() {
	for i, x := range l.Schedules {
		path := fmt.Sprintf("schedules[%d]", i)
		if x.Name != "" && !streamName.MatchString(x.Name) {
			l.file.Refuse(path+".name", "name: %q is no name of a stream: use small letters, digits and hyphens", x.Name)
		}
		if j := slices.IndexFunc(l.Schedules, func(y Schedule) bool { return y.Name == x.Name }); j < i && x.Name != "" {
			l.file.Refuse(path+".name", "name: the schedule in line %d is called %s too: a stream has one schedule", l.Schedules[j].Line, x.Name)
		}
		if l.Context.Schedule == nil || x.Name == "" || x.Cron == "" {
			continue
		}
		if err := l.Context.Schedule(x); err != nil {
			l.file.Refuse(path, "schedule %s: %s", x.Name, err)
		}
		for j, name := range x.Config {
			if _, err := os.Stat(l.relative(name)); err != nil && l.Context.Texts == nil {
				l.file.Refuse(fmt.Sprintf("%s.config[%d]", path, j), "config: %s cannot be read: there is no such file", l.relative(name))
			}
		}
	}
	if l.file.Has("retention.snapshots") && !l.file.Wrong("retention.snapshots") && l.Retention.Snapshots < 1 {
		l.file.Refuse("retention.snapshots", "snapshots must be at least 1: the last one is what the next scan is explained with")
	}
}

// Names of what a file may hold: keys that stand for flags, their groups, and the others.
func known() (names []string) {
	for _, k := range Keys() {
		names = append(names, k.Name)
	}
	return append(names, "accounts", "gate", "severities", "params", "account_params", "waiver_policy", "waiver_policy.longest", "waiver_policy.never", "owners", "pipelines", "schedules", "retention", "retention.snapshots", "retention.scans", "retention.fixed", "notifications", "server")
}

// unknownKey says why a key cannot be locked: "" if it can. A lock of what does not exist would hold nothing, and nobody would notice.
func (l *layer) unknownKey(key string) string {
	if slices.Contains(known(), key) {
		return ""
	}
	for open, check := range map[string]func(string) string{"severities.": l.unknownRule, "params.": l.unknownParam, "account_params.": l.unknownAccountParam, "waiver_policy.longest.": unknownSeverity} {
		if rest, ok := strings.CutPrefix(key, open); ok {
			if why := check(rest); why != "" {
				return key + ": " + why
			}
			return ""
		}
	}
	group, rest, dotted := strings.Cut(key, ".")
	if c := suggest.Closest(group, known()); dotted && c != "" && c != group {
		return fmt.Sprintf("there is no key %q: did you mean %s.%s?", key, c, rest)
	}
	return fmt.Sprintf("there is no key %q: %s", key, suggest.DidYouMean(strings.ReplaceAll(key, "-", "_"), known(), "use keys of this file, as gate or gate.fail_on"))
}

func (l *layer) unknownRule(id string) string {
	if l.rule(id) != nil {
		return ""
	}
	return fmt.Sprintf("there is no rule %q: %s", id, suggest.DidYouMean(id, l.ids(), "see scanner rules list"))
}

func (l *layer) unknownParam(key string) string {
	id, name, named := strings.Cut(key, ".")
	if why := l.unknownRule(id); why != "" {
		return why
	}
	names := l.ParamNames(l.rule(id))
	switch {
	case len(names) == 0:
		return fmt.Sprintf("rule %s has no parameters", id)
	case named && !slices.Contains(names, name):
		return fmt.Sprintf("rule %s has no parameter %q: %s", id, name, suggest.DidYouMean(name, names, "it has "+strings.Join(names, ", ")))
	}
	return ""
}

func (l *layer) unknownAccountParam(key string) string {
	account, rest, more := strings.Cut(key, ".")
	switch {
	case !accountID.MatchString(account):
		return fmt.Sprintf("%q is no account ID: write its 12 digits", account)
	case more:
		return l.unknownParam(rest)
	}
	return ""
}

func unknownSeverity(name string) string {
	if _, err := engine.ParseSeverity(name); err != nil {
		return err.Error()
	}
	return ""
}

// Lock returns the key that locks another one, or holds it, and where; "" if none does. A parameter that is locked is so in each account.
func (c *Config) Lock(key string) (by, place string) {
	everywhere := ""
	if rest, ok := strings.CutPrefix(key, "account_params."); ok {
		_, rest, _ = strings.Cut(rest, ".")
		everywhere = "params." + rest
	}
	for _, by = range slices.Sorted(maps.Keys(c.Locked)) {
		if key == by || strings.HasPrefix(key, by+".") || everywhere == by || strings.HasPrefix(everywhere, by+".") {
			return by, c.Locked[by]
		}
	}
	return "", ""
}

// into adds a file to what those before it say.
func (l *layer) into(cfg *Config) error {
	f := l.file
	free := func(path string) bool {
		by, place := cfg.Lock(path)
		if by == "" {
			return true
		}
		f.Refuse(path, "%s is locked by %s (locked: %s): remove it here", path, place, by)
		return false
	}
	for _, key := range Keys() {
		if !f.Has(key.Name) || !free(key.Name) {
			continue
		}
		values := slices.Clone(key.texts(l.File))
		if key.Path && len(values) == 1 && values[0] != "" {
			values[0] = l.relative(values[0])
		}
		cfg.Settings[key.Name] = Setting{key, values, f.Place(key.Name)}
	}
	for id, s := range l.Severities {
		if path := "severities." + id; free(path) {
			cfg.Severities[id] = Rating{s, f.Place(path)}
		}
	}
	l.params(cfg.Params, "params", l.Params, free)
	for account, of := range l.AccountParams {
		if cfg.AccountParams[account] == nil {
			cfg.AccountParams[account] = map[string]map[string]Param{}
		}
		l.params(cfg.AccountParams[account], "account_params."+account, of, free)
	}
	if f.Has("owners") && free("owners") {
		cfg.Owners = nil
		for i, o := range l.Owners {
			cfg.Owners = append(cfg.Owners, Team{o, f.Place(fmt.Sprintf("owners[%d]", i))})
		}
	}
	for s, term := range l.WaiverPolicy.Longest {
		if path := "waiver_policy.longest." + s.String(); free(path) {
			cfg.Policy.Longest[s] = waiver.Limit{Term: term, Place: f.Place(path)}
		}
	}
	if f.Has("waiver_policy.never") && free("waiver_policy.never") {
		cfg.Policy.Never = nil
		for i, glob := range l.WaiverPolicy.Never {
			cfg.Policy.Never = append(cfg.Policy.Never, waiver.Ban{Rules: glob, Place: f.Place(fmt.Sprintf("waiver_policy.never[%d]", i))})
		}
	}
	if f.Has("pipelines") && free("pipelines") {
		cfg.Pipelines = Pipelines{slices.Clone(l.Pipelines), f.Place("pipelines")}
	}
	if f.Has("schedules") && free("schedules") {
		cfg.Schedules = nil
		for i, x := range l.Schedules {
			x.Config = slices.Clone(x.Config)
			for j := range x.Config {
				x.Config[j] = l.relative(x.Config[j])
			}
			cfg.Schedules = append(cfg.Schedules, Planned{x, f.Place(fmt.Sprintf("schedules[%d]", i))})
		}
	}
	if f.Has("server") && free("server") { // as a whole: who may enter must not come from two places
		cfg.Server = l.Server.paths(l)
	}
	if f.Has("retention.snapshots") && free("retention.snapshots") {
		cfg.Retention.Snapshots = l.Retention.Snapshots
	}
	if f.Has("retention.scans") && free("retention.scans") {
		cfg.Retention.Scans = l.Retention.Scans
	}
	if f.Has("retention.fixed") && free("retention.fixed") {
		cfg.Retention.Fixed = l.Retention.Fixed
	}
	if f.Has("notifications") && free("notifications") {
		cfg.Notifications = l.Notifications
	}
	l.together(cfg)
	for i, key := range l.Locked {
		if cfg.Locked[key] == "" {
			cfg.Locked[key] = f.Place(fmt.Sprintf("locked[%d]", i))
		}
	}
	return f.Err()
}

func (l *layer) params(to map[string]map[string]Param, path string, of map[string]map[string]strictyaml.Raw, free func(string) bool) {
	for id, given := range of {
		if to[id] == nil {
			to[id] = map[string]Param{}
		}
		for name := range given {
			if at := path + "." + id + "." + name; free(at) && l.json[at] != nil {
				to[id][name] = Param{l.json[at], l.file.Place(at)}
			}
		}
	}
}

// together refuses parameters that a rule does not take, beside those of earlier files.
func (l *layer) together(cfg *Config) {
	for i := range l.Context.Rules {
		r := l.Context.Rules[i]
		_, path, err := cfg.tune(r)
		if err == nil {
			continue
		}
		for _, at := range slices.Sorted(maps.Keys(l.json)) { // one that is wrong by itself
			name, ok := strings.CutPrefix(at, path+".")
			if !ok {
				continue
			}
			_, alone := r.With(object(map[string]Param{name: {JSON: l.json[at]}}))
			if alone != nil && strings.HasSuffix(err.Error(), alone.Error()) {
				path = at
				break
			}
		}
		l.file.Refuse(path, "%s", l.ParamError(err))
	}
}

// Override returns the parameters of a rule as JSON, or nil.
func (c *Config) Override(rule string) json.RawMessage { return object(c.Params[rule]) }

// AccountOverride returns the parameters of a rule in an account as JSON, or nil.
func (c *Config) AccountOverride(account, rule string) json.RawMessage {
	return object(c.AccountParams[account][rule])
}

func object(params map[string]Param) json.RawMessage {
	if len(params) == 0 {
		return nil
	}
	all := map[string]json.RawMessage{}
	for name, p := range params {
		all[name] = p.JSON
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil // it was valid when it was read
	}
	return text
}

// tune returns a rule with its parameters and severity, or what it does not take.
func (c *Config) tune(r engine.Rule) (tuned engine.Rule, path string, err error) {
	if override := c.Override(r.ID); override != nil {
		if r, err = r.With(override); err != nil {
			return r, "params." + r.ID, err
		}
	}
	for _, account := range slices.Sorted(maps.Keys(c.AccountParams)) {
		if override := c.AccountOverride(account, r.ID); override != nil {
			if r, err = r.WithIn(account, override); err != nil {
				return r, "account_params." + account + "." + r.ID, err
			}
		}
	}
	return r, "", nil
}

// Rated returns rules with their severities.
func (c *Config) Rated(rules []engine.Rule) []engine.Rule {
	rules = slices.Clone(rules)
	for i := range rules {
		if s, ok := c.Severities[rules[i].ID]; ok {
			rules[i] = rules[i].Rate(s.Severity)
		}
	}
	return rules
}

// others are variables that are no settings: by which the examples for pipelines fetch the scanner, and where the store is. Those that tests set are none, either.
var others = []string{prefix + "URL", prefix + "SHA256", prefix + "DATABASE"}

// variables adds the variables of the environment.
func (c *Config) variables(environment []string, x Context) error {
	keys := map[string]*Key{}
	names := []string{prefix + "CONFIG"}
	for _, k := range Keys() {
		keys[k.Variable()] = &k
		names = append(names, k.Variable())
	}
	slices.Sort(environment)
	for _, pair := range environment {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || name == prefix+"CONFIG" || strings.HasPrefix(name, prefix+"TEST_") || slices.Contains(others, name) {
			continue
		}
		key := keys[name]
		if file := strings.ToLower(strings.TrimPrefix(name, prefix)); key == nil && slices.Contains([]string{"severities", "params", "account_params", "waiver_policy", "owners", "pipelines", "schedules", "retention", "notifications", "locked"}, file) {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the variable %s means nothing: %s are set in a file", name, file))
			continue
		}
		if key == nil {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the variable %s means nothing: %s", strictyaml.Printable(name), likeVariable(name, names)))
			continue
		}
		if strings.TrimSpace(value) == "" { // a variable of a script that is not set must not turn the gate off
			return fmt.Errorf("%s has no value: give it one, or unset it", name)
		}
		if by, place := c.Lock(key.Name); by != "" {
			return fmt.Errorf("%s sets %s, which is locked by %s (locked: %s): unset it", name, key.Name, place, by)
		}
		values := []string{value}
		if key.list() {
			values = strings.Split(value, ",")
		}
		for _, v := range values {
			if err := key.parse(v); err != nil {
				return fmt.Errorf("%s: %s", name, err)
			}
			if err := x.Check(key, v); err != nil {
				return fmt.Errorf("%s: %s", name, strings.TrimPrefix(inWords(key, err), key.Name+": "))
			}
		}
		c.Settings[key.Name] = Setting{*key, values, name}
	}
	return nil
}

// likeVariable says what somebody may have meant by a variable. What all have in common makes none more alike.
func likeVariable(name string, names []string) string {
	var bare []string
	for _, n := range names {
		bare = append(bare, strings.TrimPrefix(n, prefix))
	}
	if c := suggest.Closest(strings.TrimPrefix(name, prefix), bare); c != "" {
		return "did you mean " + prefix + c + "?"
	}
	return "scanner config show tells which there are"
}

// parse refuses a text that a key does not take.
func (k *Key) parse(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("an item is empty: remove the comma")
	}
	switch reflect.TypeFor[File]().FieldByIndex(k.index).Type.Kind() {
	case reflect.Bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("%q is neither true nor false", text)
		}
	case reflect.Float64:
		if x, err := strconv.ParseFloat(text, 64); err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return fmt.Errorf("%q is no number", text)
		}
	}
	return nil
}

// Owner returns who has to act on a result, "unknown" if that depends on what is not known, or "" if no owner fits.
func (c *Config) Owner(r *engine.Result) string {
	s := match.Result(r)
	for i := range c.Owners {
		switch c.Owners[i].Ask(s) {
		case match.Yes:
			return c.Owners[i].Team
		case match.Unknown:
			return "unknown"
		}
	}
	return ""
}

// NeedsTags reports whether owners hang on tags.
func (c *Config) NeedsTags() bool {
	return slices.ContainsFunc(c.Owners, func(t Team) bool { return t.NeedsTags() })
}
