// Package mutelist makes waivers of what Prowler mutes. Prowler matches regular expressions anywhere in a name, knows no end of a muting and
// nobody who answers for it. What is taken over accepts no more than Prowler mutes; what cannot be is told, and why.
package mutelist

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
	"awsscanner/internal/model"
	"awsscanner/internal/peers"
	"awsscanner/internal/strictyaml"
	"awsscanner/internal/waiver"
)

// A file is a mutelist, by any of the names that it has had.
type file struct {
	Mutelist  *content `yaml:"Mutelist"`
	MuteList  *content `yaml:"Mute List"`
	Allowlist *content `yaml:"Allowlist"`
}

type content struct {
	Accounts map[string]checks `yaml:"Accounts,required"`
}

type checks struct {
	Checks map[string]entry `yaml:"Checks,required"`
}

type entry struct {
	Line        strictyaml.Line `yaml:"-"`
	Regions     []string        `yaml:"Regions,required"`
	Resources   []string        `yaml:"Resources,required"`
	Tags        []string        `yaml:"Tags"`
	Exceptions  *exceptions     `yaml:"Exceptions"`
	Description string          `yaml:"Description"`
}

type exceptions struct {
	Accounts  []string `yaml:"Accounts"`
	Regions   []string `yaml:"Regions"`
	Resources []string `yaml:"Resources"`
	Tags      []string `yaml:"Tags"`
}

// Options say what a mutelist does not.
type Options struct {
	Owner, Reason string
	Expires       waiver.Date
	Peers         peers.Table
	Context       waiver.Context
}

// A Translation is the waivers made of a mutelist.
type Translation struct {
	Waivers []Waiver
	Left    []string // what was left out: "FILE:LINE: why"
}

// A Waiver is one of them, with what is to be known of it.
type Waiver struct {
	Place string
	Notes []string
	text  string
}

// Noted counts the waivers that do not mean exactly what the mutelist does.
func (t *Translation) Noted() (n int) {
	for _, w := range t.Waivers {
		if len(w.Notes) > 0 {
			n++
		}
	}
	return n
}

// Translate reads a mutelist. What is no mutelist is an error with its line.
func Translate(name string, o Options) (*Translation, error) {
	var x file
	return translate(strictyaml.Read(name, &x), &x, o)
}

func translate(f *strictyaml.File, x *file, o Options) (*Translation, error) {
	if err := f.Err(); err != nil {
		return nil, err
	}
	path, all := "Mutelist", x.Mutelist
	if x.MuteList != nil {
		path, all = "Mute List", x.MuteList
	} else if x.Allowlist != nil {
		path, all = "Allowlist", x.Allowlist
	}
	if all == nil {
		f.Refuse("", "the file has no Mutelist: is it one of Prowler?")
		return nil, f.Err()
	}
	t := &Translation{}
	type muting struct {
		account, check string
		entry
	}
	var mutings []muting
	for account, c := range all.Accounts {
		for check, e := range c.Checks {
			mutings = append(mutings, muting{account, check, e})
		}
	}
	line := func(m muting) int {
		return f.Line(path + ".Accounts." + m.account + ".Checks." + m.check)
	}
	slices.SortFunc(mutings, func(a, b muting) int { return line(a) - line(b) })
	before := map[string]string{}              // where the same was meant
	excepted := map[string][]match.Condition{} // by account: an exception holds for what comes below it, too
	for _, m := range mutings {
		w := Waiver{Place: fmt.Sprintf("%s:%d", f.Name, line(m))}
		left := func(why string) {
			t.Left = append(t.Left, fmt.Sprintf("%s: %s in account %s: %s", w.Place, strictyaml.Printable(m.check), strictyaml.Printable(m.account), why))
		}
		c, why := o.condition(&w, m.account, m.check, &m.entry)
		above := excepted[m.account]
		if m.Exceptions != nil {
			x := match.Condition{Rule: c.Rule}
			if c.Not != nil && why == "" {
				x.All = []match.Condition{*c.Not}
			} // otherwise for all that the check is about, as nobody can say what less it is
			if len(c.Rule) > 0 || m.check == "*" || why != noRule {
				excepted[m.account] = append(excepted[m.account], x)
			}
		}
		if why == "" {
			why = except(&c, above)
		}
		if why == "" && c.Key() == "{}" {
			why = "it mutes everything, which no waiver may: write waivers that name what is meant"
		}
		if why != "" {
			left(why)
			continue
		}
		if at := before[c.Key()]; at != "" {
			left("it means the same as " + at)
			continue
		}
		w.text = o.text(&w, c, m.Description)
		if _, err := waiver.Decode("", []byte(w.text), o.Context); err != nil {
			_, why, _ := strings.Cut(strings.SplitN(err.Error(), "\n", 2)[0], ": ")
			left(why)
			continue
		}
		before[c.Key()] = w.Place
		t.Waivers = append(t.Waivers, w)
	}
	return t, nil
}

const noRule = "no rule of this scanner looks at that"

// except adds the exceptions of entries above to a condition, as far as they are about the same rules.
func except(c *match.Condition, above []match.Condition) (why string) {
	var nots []match.Condition
	for _, x := range above {
		switch {
		case len(x.Rule) > 0 && len(c.Rule) > 0 && !slices.ContainsFunc(x.Rule, func(id string) bool { return slices.Contains(c.Rule, id) }):
			continue
		case len(x.All) == 0 && len(x.Rule) == 0, len(x.All) == 0 && len(c.Rule) > 0:
			return "an exception above it holds for it, too, and cannot be said: write a waiver of your own"
		case len(x.Rule) == 0:
			x = x.All[0]
		}
		nots = append(nots, x)
	}
	switch {
	case len(nots) == 0:
	case c.Not == nil && len(nots) == 1:
		c.Not = &nots[0]
	default:
		if c.Not != nil {
			nots = append([]match.Condition{*c.Not}, nots...)
		}
		c.Not = &match.Condition{Any: nots}
	}
	return ""
}

// condition says what an entry mutes; otherwise, why that cannot be said.
func (o *Options) condition(w *Waiver, account, check string, e *entry) (c match.Condition, why string) {
	note := func(format string, args ...any) { w.Notes = append(w.Notes, fmt.Sprintf(format, args...)) }
	rules, why := o.rules(check, note)
	if why != "" {
		return c, why
	}
	if check != "*" {
		for _, r := range rules {
			c.Rule = append(c.Rule, r.ID)
		}
	}
	if account != "*" {
		c.Account = []string{account}
	}
	if c.Region, why = patterns("region", e.Regions, false); why != "" {
		return c, why
	}
	if global := slices.DeleteFunc(slices.Clone(rules), func(r engine.Rule) bool { return regional(&r) }); len(c.Region) > 0 && len(global) > 0 {
		if len(global) < len(rules) {
			return c, "some of its rules are about resources that have no region, and others not: write waivers of your own"
		}
		c.Region = nil
		note("it has no region, as what the rule is about has none")
	}
	if c.Resource, why = patterns("resource", e.Resources, false); why != "" {
		return c, why
	}
	if slices.ContainsFunc(c.Resource, func(glob string) bool { return !strings.Contains(glob, "*") }) {
		note("Prowler also mutes resources whose name only contains one of these")
	}
	if len(e.Tags) > 0 {
		var exact bool
		if c.Tags, c.Any, exact, why = tags(e.Tags, false); why != "" {
			return c, why
		}
		if exact {
			note("Prowler also mutes what has tags that only contain these")
		}
	}
	if x := e.Exceptions; x != nil {
		var not match.Condition
		for _, a := range x.Accounts {
			if !accountID.MatchString(a) {
				return c, fmt.Sprintf("the exception for the account %q is none for a whole account ID", a)
			}
		}
		not.Account = x.Accounts
		if not.Region, why = patterns("region", x.Regions, true); why != "" {
			return c, "its exception: " + why
		}
		if len(not.Region) > 0 && slices.ContainsFunc(rules, func(r engine.Rule) bool { return !regional(&r) }) {
			return c, "its exception is for a region, and what some of its rules are about has none"
		}
		if not.Resource, why = patterns("resource", x.Resources, true); why != "" {
			return c, "its exception: " + why
		}
		if len(x.Tags) > 0 {
			if not.Tags, not.Any, _, why = tags(x.Tags, true); why != "" {
				return c, "its exception: " + why
			}
		}
		if not.Key() == "{}" {
			return c, "its exception holds for everything, so that it mutes nothing"
		}
		c.Not = &not
	}
	return c, ""
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

// regional reports whether what a rule judges is at home in a region.
func regional(r *engine.Rule) bool {
	switch r.Check.Subject.Scope {
	case model.AccountSubject:
		return false
	case model.Global:
		return r.Service() == "s3" // whose buckets are listed everywhere, and have one
	}
	return true
}

// rules returns the rules that look at what a check of Prowler does, or several.
func (o *Options) rules(check string, note func(string, ...any)) (rules []engine.Rule, why string) {
	if check == "*" {
		return o.Context.Rules, ""
	}
	glob := check
	if strings.Contains(check, "*") { // people write globs, and Prowler takes them for regular expressions
		glob = strings.ReplaceAll(check, ".*", "*")
	}
	if strings.Trim(glob, "abcdefghijklmnopqrstuvwxyz0123456789_*") != "" {
		return nil, "the name of the check is a regular expression: write a waiver of your own"
	}
	if rest, ok := strings.CutPrefix(glob, "lambda_"); ok {
		glob = "awslambda_" + rest
	}
	others := map[string]bool{}
	for _, r := range o.Context.Rules {
		ids := o.Peers[r.ID][peers.Prowler]
		if !slices.ContainsFunc(ids, func(id string) bool { return engine.Match(glob, id) }) {
			continue
		}
		rules = append(rules, r)
		for _, id := range ids {
			if !engine.Match(glob, id) {
				others[id] = true
			}
		}
	}
	switch {
	case len(rules) == 0:
		return nil, noRule
	case len(others) > 0:
		note("these rules also look at what Prowler checks by %s", strings.Join(slices.Sorted(maps.Keys(others)), ", "))
	}
	if strings.Contains(glob, "*") {
		note("it holds for the rules that there are now, not for those to come")
	}
	return rules, ""
}

// patterns makes globs of regular expressions that Prowler finds anywhere in a text; none for those that match everything. Where globs
// may not match more, a plain text is taken as a whole; where they may not match less, as a part.
func patterns(what string, all []string, atLeast bool) (globs []string, why string) {
	for _, pattern := range all {
		for _, part := range strings.Split(pattern, "|") {
			glob, why := toGlob(part, atLeast)
			if why != "" {
				return nil, fmt.Sprintf("the %s %q %s: write a waiver of your own", what, pattern, why)
			}
			if strings.Trim(glob, "*") == "" {
				return nil, "" // one of them is enough
			}
			globs = append(globs, glob)
		}
	}
	return globs, ""
}

var plainText = regexp.MustCompile(`^[A-Za-z0-9_/:@=, *-]*$`)

func toGlob(pattern string, atLeast bool) (glob, why string) {
	text, begins := strings.CutPrefix(strings.TrimSpace(pattern), "^")
	text, ends := strings.CutSuffix(text, "$")
	if strings.HasPrefix(text, "*") { // as Prowler takes it
		text = "." + text
	}
	begins, ends = begins || strings.HasPrefix(text, ".*"), ends || strings.HasSuffix(text, ".*")
	const star, dot = "\x00", "\x01"
	text = strings.NewReplacer(`\.`, dot, `\-`, "-", `\/`, "/", `\_`, "_", ".*", star, ".+", star).Replace(text)
	if atLeast {
		text = strings.ReplaceAll(text, ".", star)
	} else {
		text = strings.ReplaceAll(text, ".", dot)
	}
	if plain := strings.NewReplacer(star, "", dot, "").Replace(text); !plainText.MatchString(plain) || strings.Contains(plain, "*") {
		return "", "is a regular expression that no glob says"
	}
	glob = strings.NewReplacer(star, "*", dot, ".").Replace(text)
	if atLeast && !begins {
		glob = "*" + glob
	}
	if atLeast && !ends {
		glob += "*"
	}
	return glob, ""
}

// tags makes conditions of tags: all of them must be there, and of alternatives one.
func tags(all []string, atLeast bool) (one map[string][]string, any []match.Condition, exact bool, why string) {
	one = map[string][]string{}
	for _, text := range all {
		parts := strings.Split(text, "|")
		byKey := map[string][]string{}
		for _, part := range parts {
			key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
			if strings.Trim(part, "* ") == "" {
				byKey = nil
				break
			}
			glob, why := toGlob(value, false)
			if !ok || why != "" || !plainText.MatchString(key) || strings.Contains(key, "*") {
				return nil, nil, false, fmt.Sprintf("the tag %q is a regular expression: write a waiver of your own", text)
			}
			if atLeast && !strings.HasSuffix(glob, "*") { // it may be the beginning of a longer value
				glob += "*"
			}
			exact = exact || !strings.Contains(glob, "*")
			byKey[key] = append(byKey[key], glob)
		}
		switch {
		case byKey == nil:
		case len(byKey) == 1:
			for key, globs := range byKey {
				if one[key] != nil {
					return nil, nil, false, fmt.Sprintf("the tag %s is named twice, and has one value", key)
				}
				one[key] = globs
			}
		case any != nil:
			return nil, nil, false, "it has alternatives of several tags more than once: write a waiver of your own"
		default:
			for _, key := range slices.Sorted(maps.Keys(byKey)) {
				any = append(any, match.Condition{Tags: map[string][]string{key: byKey[key]}})
			}
		}
	}
	if len(one) == 0 {
		one = nil
	}
	return one, any, exact, ""
}

// text writes a waiver as an item of a file.
func (o *Options) text(w *Waiver, c match.Condition, description string) string {
	reason := strings.TrimSpace(description)
	if reason == "" {
		reason = o.Reason
	}
	if reason == "" {
		reason = "muted in Prowler (" + w.Place + "), which knows no reason"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", w.Place)
	for _, n := range w.Notes {
		fmt.Fprintf(&b, "# note: %s\n", strictyaml.Printable(n))
	}
	b.WriteString("- ")
	writeCondition(&b, &c, "  ")
	fmt.Fprintf(&b, "  reason: %s\n  owner: %s\n  expires: %s\n", quoted(reason), quoted(o.Owner), o.Expires)
	return b.String()
}

// writeCondition writes a condition whose first line is indented already.
func writeCondition(b *strings.Builder, c *match.Condition, indent string) {
	first := true
	line := func(format string, args ...any) {
		if !first {
			b.WriteString(indent)
		}
		first = false
		fmt.Fprintf(b, format, args...)
	}
	list := func(key string, values []string) {
		switch len(values) {
		case 0:
		case 1:
			line("%s: %s\n", key, quoted(values[0]))
		default:
			var all []string
			for _, v := range values {
				all = append(all, quoted(v))
			}
			line("%s: [%s]\n", key, strings.Join(all, ", "))
		}
	}
	list("rule", c.Rule)
	list("account", c.Account)
	list("region", c.Region)
	list("resource", c.Resource)
	if len(c.Tags) > 0 {
		line("tags:\n")
		for _, key := range slices.Sorted(maps.Keys(c.Tags)) {
			b.WriteString(indent + "  ")
			first = true
			list(quoted(key), c.Tags[key])
		}
	}
	several := func(key string, all []match.Condition) {
		if len(all) > 0 {
			line("%s:\n", key)
		}
		for i := range all {
			b.WriteString(indent + "  - ")
			writeCondition(b, &all[i], indent+"    ")
		}
	}
	several("all", c.All)
	several("any", c.Any)
	if c.Not != nil {
		line("not:\n%s  ", indent)
		writeCondition(b, c.Not, indent+"  ")
	}
}

var bare = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// quoted writes a text so that YAML reads just that.
func quoted(text string) string {
	if bare.MatchString(text) && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(text)) {
		return text
	}
	q, err := json.Marshal(text) // which is YAML, too
	if err != nil {
		return "''"
	}
	return string(q)
}

// Write writes the waivers, and as comments what was left out.
func (t *Translation) Write(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, left := range t.Left {
		fmt.Fprintf(w, "# left out: %s\n", left)
	}
	if len(t.Waivers) == 0 {
		w.WriteString("[]\n")
	}
	for i, x := range t.Waivers {
		if i > 0 || len(t.Left) > 0 {
			w.WriteByte('\n')
		}
		w.WriteString(x.text)
	}
	return w.Flush()
}
