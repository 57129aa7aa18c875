package policy

import (
	"slices"
	"strings"
)

// A Pattern is an action or a resource of a policy, in which * stands for any characters and ? for any one.
type Pattern struct {
	Text     string
	symbols  []symbol
	literal  bool // has no wildcards
	variable bool // has a policy variable, which here stands for anything
	unclear  bool // of a condition: whom it means cannot be told
}

// A symbol is a byte or a wildcard.
type symbol uint16

const (
	anyOne  symbol = 256 + iota // ?
	anyMany                     // *
	other                       // a byte that no pattern names: only wildcards match it
)

// actionPattern compiles an action: its case does not matter. Source: IAM User Guide, "IAM JSON policy elements: Action".
func actionPattern(s string) Pattern {
	p := compile(strings.ToLower(s), false)
	p.Text = s
	return p
}

// resourcePattern compiles a resource: an ARN with fewer than six parts is completed by wildcards, and a * may match
// across colons. Source: IAM User Guide, "IAM JSON policy elements: Resource".
func resourcePattern(s string, variables bool) Pattern {
	full := s
	if strings.HasPrefix(s, "arn:") && !strings.Contains(s, "${") {
		for strings.Count(full, ":") < 5 {
			full += ":*"
		}
	}
	p := compile(full, variables)
	p.Text = s
	return p
}

// compile reads wildcards and, if they count, policy variables: ${*}, ${?} and ${$} are the characters themselves.
func compile(s string, variables bool) Pattern {
	p := Pattern{Text: s, literal: true, symbols: make([]symbol, 0, len(s))}
	for i := 0; i < len(s); i++ {
		if variables && strings.HasPrefix(s[i:], "${") {
			if end := strings.IndexByte(s[i:], '}'); end > 0 {
				switch name := s[i+2 : i+end]; name {
				case "*", "?", "$":
					p.symbols = append(p.symbols, symbol(name[0]))
				default:
					p.variable, p.literal = true, false
					p.symbols = append(p.symbols, anyMany)
				}
				i += end
				continue
			}
		}
		switch s[i] {
		case '*':
			p.literal = false
			if n := len(p.symbols); n == 0 || p.symbols[n-1] != anyMany {
				p.symbols = append(p.symbols, anyMany)
			}
		case '?':
			p.literal = false
			p.symbols = append(p.symbols, anyOne)
		default:
			p.symbols = append(p.symbols, symbol(s[i]))
		}
	}
	return p
}

// match reports whether the pattern matches all of s.
func (p Pattern) match(s string) bool {
	i, j, star, back := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p.symbols) && p.symbols[i] == anyMany:
			star, back = i, j
			i++
		case i < len(p.symbols) && (p.symbols[i] == anyOne || p.symbols[i] == symbol(s[j])):
			i, j = i+1, j+1
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	for i < len(p.symbols) && p.symbols[i] == anyMany {
		i++
	}
	return i == len(p.symbols)
}

// example returns a text that the pattern matches.
func (p Pattern) example() string {
	b := make([]byte, len(p.symbols))
	for i, s := range p.symbols {
		b[i] = 'x'
		if s < anyOne {
			b[i] = byte(s)
		}
	}
	return string(b)
}

// everything is the set of all texts.
func everything() Set { return Set{List: []Pattern{compile("*", false)}} }

// everyAction is the set of all actions: a service and a name.
func everyAction() Set { return Set{List: []Pattern{compile("?*:?*", false)}} }

// match reports whether the set has s in it.
func (x Set) match(s string) bool {
	return slices.ContainsFunc(x.List, func(p Pattern) bool { return p.match(s) }) != x.Not
}

func (x Set) variable() bool {
	return slices.ContainsFunc(x.List, func(p Pattern) bool { return p.variable })
}

func (x Set) texts() []string {
	out := make([]string, len(x.List))
	for i, p := range x.List {
		out[i] = p.Text
	}
	return out
}

// searchLimit bounds the number of states that a search looks at: beyond, the question is too intricate to answer.
const (
	searchLimit = 20_000
	maxPatterns = 4096 // of one set
	maxPattern  = 4096 // bytes of one pattern: ARNs end at 2048
)

// kinds divides the texts that every one of need matches by which of the sets they are in: one bit per set. The answer is
// exact, or ok is false because the search became too long. It walks through all patterns at once, as one automaton.
func kinds(need []Set, sets []Set) (found []uint64, ok bool) {
	if len(sets) > 64 {
		return nil, false
	}
	for _, x := range slices.Concat(need, sets) {
		if len(x.List) > maxPatterns || slices.ContainsFunc(x.List, func(p Pattern) bool { return len(p.symbols) > maxPattern }) {
			return nil, false
		}
	}
	for _, n := range need { // most questions name actions and resources outright
		if !n.Not && !slices.ContainsFunc(n.List, func(p Pattern) bool { return !p.literal }) {
			for _, p := range n.List {
				text := p.example()
				if !slices.ContainsFunc(need, func(n Set) bool { return !n.match(text) }) {
					found = add(found, bits(sets, func(x Set) bool { return x.match(text) }))
				}
			}
			return found, true
		}
	}
	if len(sets) == 0 && len(need) == 2 && !need[0].Not && !need[1].Not && (all(need[0]) || all(need[1])) {
		if len(need[0].List) > 0 && len(need[1].List) > 0 {
			found = []uint64{0}
		}
		return found, true
	}
	w := walk{need: len(need), sets: slices.Concat(need, sets)}
	return w.run()
}

// all reports whether a set is all texts, by one pattern.
func all(x Set) bool {
	return !x.Not && slices.ContainsFunc(x.List, func(p Pattern) bool { return len(p.symbols) == 1 && p.symbols[0] == anyMany })
}

func bits(sets []Set, in func(Set) bool) (mask uint64) {
	for i, x := range sets {
		if in(x) {
			mask |= 1 << i
		}
	}
	return mask
}

func add(found []uint64, mask uint64) []uint64 {
	if slices.Contains(found, mask) {
		return found
	}
	return append(found, mask)
}

// A walk reads a text of which it chooses the characters, and keeps for each pattern where in it that may have led.
type walk struct {
	need int // the first so many sets have to match
	sets []Set
}

// A place is a position in a pattern.
type place struct{ set, pattern, at uint16 }

func (w *walk) run() (found []uint64, ok bool) {
	var start []place
	for i, x := range w.sets {
		for j := range x.List {
			start = w.enter(start, place{uint16(i), uint16(j), 0})
		}
	}
	seen := map[string]bool{}
	queue := [][]place{start}
	for len(queue) > 0 {
		state := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if !w.alive(state) {
			continue
		}
		if mask, accepted := w.accepts(state); accepted {
			found = add(found, mask)
		}
		for _, c := range w.choices(state) {
			next := w.step(state, c)
			k := key(next)
			if !seen[k] {
				seen[k] = true
				queue = append(queue, next)
			}
		}
		if len(seen) > searchLimit {
			return nil, false
		}
	}
	return found, true
}

// enter adds a place, and what a * there may skip.
func (w *walk) enter(state []place, p place) []place {
	symbols := w.sets[p.set].List[p.pattern].symbols
	for {
		if !slices.Contains(state, p) {
			state = append(state, p)
		}
		if int(p.at) >= len(symbols) || symbols[p.at] != anyMany {
			return state
		}
		p.at++
	}
}

// alive reports whether all that has to match still can.
func (w *walk) alive(state []place) bool {
	for i := range w.need {
		if !w.sets[i].Not && !slices.ContainsFunc(state, func(p place) bool { return int(p.set) == i }) {
			return false
		}
	}
	return true
}

// accepts reports whether the text may end here, and in which sets it then is.
func (w *walk) accepts(state []place) (mask uint64, ok bool) {
	in := make([]bool, len(w.sets))
	for _, p := range state {
		if int(p.at) == len(w.sets[p.set].List[p.pattern].symbols) {
			in[p.set] = true
		}
	}
	for i, x := range w.sets {
		switch {
		case i < w.need:
			if in[i] == x.Not {
				return 0, false
			}
		case in[i] != x.Not:
			mask |= 1 << (i - w.need)
		}
	}
	return mask, true
}

// choices returns the characters worth trying: those that some pattern waits for, and one that none does.
func (w *walk) choices(state []place) []symbol {
	out := []symbol{other}
	for _, p := range state {
		if symbols := w.sets[p.set].List[p.pattern].symbols; int(p.at) < len(symbols) {
			if s := symbols[p.at]; s < anyOne && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (w *walk) step(state []place, c symbol) (next []place) {
	for _, p := range state {
		symbols := w.sets[p.set].List[p.pattern].symbols
		if int(p.at) >= len(symbols) {
			continue
		}
		switch s := symbols[p.at]; {
		case s == anyMany:
			next = w.enter(next, p)
		case s == anyOne || s == c:
			p.at++
			next = w.enter(next, p)
		}
	}
	return next
}

func key(state []place) string {
	slices.SortFunc(state, func(a, b place) int {
		if a.set != b.set {
			return int(a.set) - int(b.set)
		}
		if a.pattern != b.pattern {
			return int(a.pattern) - int(b.pattern)
		}
		return int(a.at) - int(b.at)
	})
	b := make([]byte, 0, 6*len(state))
	for _, p := range state {
		b = append(b, byte(p.set>>8), byte(p.set), byte(p.pattern>>8), byte(p.pattern), byte(p.at>>8), byte(p.at))
	}
	return string(b)
}
