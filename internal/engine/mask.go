package engine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"awsscanner/internal/model"
)

// A Mask hides in results and headers whose and what they are, for reports that leave the house; nil hides nothing. Fingerprints and
// identities stay, so that a finding can be told from others, and found again by those who may see all.
type Mask struct {
	Accounts bool // numbers take the place of account IDs, from 000000000001 on
	Names    bool // "name-" and eight digits take the place of IDs, names and ARNs; tags are left out

	accounts map[string]string
	of       *Snapshot // whose names these are
	names    *strings.Replacer
}

// shown is what a result says that is masked, or was recorded, in place of what could be computed from the resource.
type shown struct {
	fingerprint, identity, owner string
	tags                         map[string]string
	known                        bool // the tags
	unknown                      bool // the owner
	with                         any  // what came along with a recorded result
}

var (
	accountID = regexp.MustCompile(`\b\d{12}\b`)
	// What names something even if no list has told of it: ARNs, IDs that EC2 gives, addresses of queues, aliases of keys.
	anyName = regexp.MustCompile(`\barn:[a-z-]+:[a-z0-9-]*:[a-z0-9-]*:\d*:[^\s,;"')]+|\b[a-z]{1,8}-[0-9a-f]{8,17}\b|\bhttps?://[^\s,;"')]+|\balias/[^\s,;"')]+`)
)

// Header returns a header that does not tell whose it is.
func (m *Mask) Header(h Header) Header {
	if m == nil {
		return h
	}
	place := func(p model.Place) model.Place { p.Account = m.account(p.Account); return p }
	h.Read, h.Unread, h.Skipped = slices.Clone(h.Read), slices.Clone(h.Unread), slices.Clone(h.Skipped)
	for i := range h.Read {
		h.Read[i] = place(h.Read[i])
	}
	for i := range h.Unread {
		h.Unread[i] = place(h.Unread[i])
	}
	for i := range h.Skipped {
		h.Skipped[i].Place, h.Skipped[i].Why = place(h.Skipped[i].Place), m.accountsIn(h.Skipped[i].Why)
	}
	h.Names = nil
	if arn, ok := model.ParseARN(h.Caller); ok && m.Names {
		kind, name, _ := strings.Cut(arn.Resource, "/")
		h.Caller = strings.TrimSuffix(h.Caller, arn.Resource) + kind + "/" + hidden(name)
	}
	h.Caller = m.accountsIn(h.Caller)
	return h
}

// Result returns a result that does not tell what it is about.
func (m *Mask) Result(r Result) Result {
	if m == nil {
		return r
	}
	r.shown = &shown{fingerprint: r.Fingerprint(), identity: r.Identity(), owner: m.Text(&r, r.Owner()), unknown: r.OwnerUnknown()}
	about := *r.Resource
	if m.Names && about.ID != "*" && r.Rule.Check.Subject.Scope != model.AccountSubject && r.Rule.Check.Subject.Scope != model.RegionSubject {
		name := hidden(cmp.Or(about.Name, about.ID))
		about.ID, about.Name = name, name
		if arn, ok := model.ParseARN(about.ARN); ok {
			about.ARN = strings.TrimSuffix(about.ARN, arn.Resource) + name
		}
	}
	about.Account = m.account(about.Account)
	about.ID, about.ARN, about.Name = m.accountsIn(about.ID), m.accountsIn(about.ARN), m.accountsIn(about.Name)
	r.Message, r.FixKey = m.Text(&r, r.Message), m.Text(&r, r.FixKey)
	if r.Gap != nil {
		gap := *r.Gap
		gap.Detail = m.Text(&r, gap.Detail)
		r.Gap = &gap
	}
	if len(r.Evidence) > 0 {
		r.Evidence, _ = m.value(&r, r.Evidence).(map[string]any)
	}
	r.Resource = &about
	return r
}

// Text hides what a text says of a result.
func (m *Mask) Text(r *Result, text string) string {
	if m.Names && text != "" {
		if m.of != r.snap || m.names == nil {
			m.of, m.names = r.snap, r.snap.namesIn()
		}
		text = anyName.ReplaceAllStringFunc(m.names.Replace(text), func(name string) string {
			if strings.HasPrefix(name, "name-") {
				return name
			}
			return hidden(name)
		})
	}
	return m.accountsIn(text)
}

// value hides the texts in a value of evidence.
func (m *Mask) value(r *Result, v any) any {
	switch v := v.(type) {
	case nil, bool, float64, int:
		return v
	case string:
		return m.Text(r, v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = m.value(r, v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[m.Text(r, k)] = m.value(r, x)
		}
		return out
	}
	var plain any // any other type, as JSON shows it
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &plain)
	}
	if err != nil {
		return "hidden"
	}
	return m.value(r, plain)
}

// Name hides a name of which no snapshot tells; nothing and words in place of a name stay.
func (m *Mask) Name(name string) string {
	if m == nil || !m.Names || name == "" || name == "*" {
		return name
	}
	return hidden(name)
}

// All hides names as Name does.
func (m *Mask) All(names []string) (hidden []string) {
	for _, name := range names {
		hidden = append(hidden, m.Name(name))
	}
	return hidden
}

// Account hides an account ID.
func (m *Mask) Account(id string) string {
	if m == nil {
		return id
	}
	return m.account(id)
}

func (m *Mask) account(id string) string {
	if !m.Accounts || id == "" {
		return id
	}
	if m.accounts == nil {
		m.accounts = map[string]string{}
	}
	if m.accounts[id] == "" {
		m.accounts[id] = fmt.Sprintf("%012d", len(m.accounts)+1)
	}
	return m.accounts[id]
}

func (m *Mask) accountsIn(text string) string {
	if !m.Accounts {
		return text
	}
	return accountID.ReplaceAllStringFunc(text, m.account)
}

func hidden(name string) string {
	sum := sha256.Sum256([]byte("scanner mask " + name))
	return "name-" + hex.EncodeToString(sum[:4])
}

// namesIn returns what replaces each name that a snapshot knows, the longest first.
func (s *Snapshot) namesIn() *strings.Replacer {
	if s == nil { // of recorded results
		return strings.NewReplacer()
	}
	names := map[string]string{}
	note := func(text, as string) {
		if len(text) > 2 {
			names[text] = as
		}
	}
	for _, c := range s.byKind {
		for _, r := range c.all {
			m, t := r.About(), model.TypeOf(r)
			if t.Scope == model.AccountSubject || t.Scope == model.RegionSubject {
				continue
			}
			as := hidden(cmp.Or(m.Name, m.ID))
			note(m.ID, as)
			note(m.Name, as)
			note(m.ARN, as)
			for _, ref := range m.Refs {
				note(ref, as)
			}
			for i := range t.Attrs {
				if a := &t.Attrs[i]; a.Owner || a.Ref != "" {
					refs, _ := a.References(r)
					for _, ref := range refs {
						note(ref, hidden(ref))
					}
				}
			}
			tags, _ := model.Tags(r)
			for _, value := range tags {
				note(value, hidden(value))
			}
		}
	}
	keys := make([]string, 0, len(names))
	for k := range names {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(keys))
	for _, k := range keys {
		pairs = append(pairs, k, names[k])
	}
	return strings.NewReplacer(pairs...)
}
