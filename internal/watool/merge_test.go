package watool

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// The whole table of the merge: what was, what is there, what is wanted here.
func TestThree(t *testing.T) {
	marks := map[string]Mark{"-": Unticked, "+": Ticked, "0": NA}
	for _, row := range strings.Split(`? - - -
? - + +
? - 0 0
? + - !
? + + +
? + 0 !
? 0 - !
? 0 + !
? 0 0 0
- - - -
- - + +
- - 0 0
- + - +
- + + +
- + 0 !
- 0 - 0
- 0 + !
- 0 0 0
+ - - -
+ - + -
+ - 0 !
+ + - -
+ + + +
+ + 0 0
+ 0 - !
+ 0 + 0
+ 0 0 0
0 - - -
0 - + !
0 - 0 -
0 + - !
0 + + +
0 + 0 +
0 0 - -
0 0 + +
0 0 0 0`, "\n") {
		w := strings.Fields(row)
		var base *Mark
		if w[0] != "?" {
			m := marks[w[0]]
			base = &m
		}
		to, conflict := three(base, marks[w[1]], marks[w[2]])
		if want := w[3]; conflict != (want == "!") || !conflict && to != marks[want] || conflict && to != marks[w[1]] {
			t.Errorf("%s: %s, conflict %v", row, to, conflict)
		}
	}
}

func question() *Answer {
	return &Answer{Key: "q", Choices: []string{"a", "b", "c", "x_new", "q_no"}, NA: map[string]string{}, Remarks: map[string]string{}, Applicable: true}
}

func TestMerge(t *testing.T) {
	for _, x := range []struct {
		name  string
		there func(a *Answer)
		base  *Synced
		wish  Wish
		want  string
	}{
		{"a fresh question", func(a *Answer) {}, nil, Wish{Choices: map[string]Want{"a": {Mark: Ticked}, "b": {Mark: NA, Reason: "OTHER"}, "c": {Mark: Unticked}}}, "tick [a] untick [] na [b] selected [a]"},
		{"ticks of people stay, and what only the tool has", func(a *Answer) { a.Selected = []string{"b", "x_new"} }, nil, Wish{Choices: map[string]Want{"a": {Mark: Ticked}}}, "tick [a] untick [] na [] selected [a b x_new]"},
		{"somebody there says yes, and here no", func(a *Answer) { a.Selected = []string{"a"} }, nil, Wish{Choices: map[string]Want{"a": {Mark: Unticked}}}, "conflict a is unticked here and ticked there"},
		{"no was said here after both agreed", func(a *Answer) { a.Selected = []string{"a"} }, &Synced{true, map[string]Mark{"a": Ticked}}, Wish{Choices: map[string]Want{"a": {Mark: Unticked}}}, "tick [] untick [a] na [] selected []"},
		{"unticked there after both agreed", func(a *Answer) {}, &Synced{true, map[string]Mark{"a": Ticked}}, Wish{Choices: map[string]Want{"a": {Mark: Ticked}}}, "tick [] untick [] na [] selected []"},
		{"the scan unticks, as somebody asks for it", func(a *Answer) { a.Selected = []string{"a", "b"} }, nil, Wish{Choices: map[string]Want{"a": {Mark: Unticked, Force: true}}}, "tick [] untick [a] na [] selected [b]"},
		{"none of these was ticked there", func(a *Answer) { a.Selected = []string{"q_no"} }, nil, Wish{Choices: map[string]Want{"a": {Mark: Ticked}}}, "conflict people have ticked there that none of these is in place, and something is here"},
		{"none of these, on a fresh question", func(a *Answer) {}, nil, Wish{NoneYet: true, Choices: map[string]Want{"a": {Mark: Unticked}, "b": {Mark: Unticked}, "c": {Mark: Unticked}}}, "tick [q_no] untick [] na [] selected [q_no]"},
		{"none of these, but somebody ticks one", func(a *Answer) { a.Selected = []string{"x_new"} }, nil, Wish{NoneYet: true, Choices: map[string]Want{"a": {Mark: Unticked}}}, "tick [] untick [] na [] selected [x_new]"},
		{"out of question", func(a *Answer) {}, nil, Wish{Hidden: true, Reason: "OUT_OF_SCOPE"}, "hide tick [] untick [] na [] selected []"},
		{"out of question here, answered there", func(a *Answer) { a.Selected = []string{"a"} }, nil, Wish{Hidden: true}, "conflict the question is not applicable here, and answered there"},
		{"out of question there, answered here", func(a *Answer) { a.Applicable = false }, nil, Wish{Choices: map[string]Want{"a": {Mark: Ticked}}}, "conflict the question is answered here, and not applicable there"},
		{"agreed on another choice", func(a *Answer) { a.Selected = []string{"a"} }, &Synced{true, map[string]Mark{"b": Unticked}}, Wish{Choices: map[string]Want{"a": {Mark: Unticked}}}, "conflict a is unticked here and ticked there"},
		{"back in question", func(a *Answer) { a.Applicable = false }, &Synced{}, Wish{Choices: map[string]Want{"a": {Mark: Ticked}}}, "show tick [a] untick [] na [] selected [a]"},
		{"nobody here says anything", func(a *Answer) { a.Selected = []string{"a"}; a.NA["b"] = "OTHER" }, nil, Wish{}, "tick [] untick [] na [] selected [a]"},
	} {
		a := question()
		x.there(a)
		before := fmt.Sprint(*a)
		x.wish.Key = "q"
		c := Merge(a, x.base, &x.wish, "2026-12-01")
		got := fmt.Sprintf("tick %v untick %v na %v selected %v", c.Tick, c.Untick, c.NA, c.to.Selected)
		if c.Hide {
			got = "hide " + got
		}
		if c.Show {
			got = "show " + got
		}
		if len(c.Conflicts) > 0 {
			got = "conflict " + strings.Join(c.Conflicts, "; ")
		}
		if got != x.want {
			t.Errorf("%s: %s, want %s", x.name, got, x.want)
		}
		if fmt.Sprint(*a) != before {
			t.Errorf("%s: the answer there has changed", x.name)
		}
	}
}

// Whatever was, is and is wanted: ticks and remarks of people stay unless somebody here has said otherwise since both agreed; their notes stay
// letter by letter; merging twice changes nothing more.
func TestMergeLaws(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	choices := []string{"a", "b", "c", "d", "x_new"}
	random := func() (selected []string, na map[string]string) {
		na = map[string]string{}
		for _, c := range choices {
			switch r.IntN(4) {
			case 0:
				selected = append(selected, c)
			case 1:
				na[c] = "OTHER"
			}
		}
		return selected, na
	}
	texts := []string{"", "ours", "a\n\nb \n", "--- not ours ---\n", "日本\n", "x\n--- scanner 2026-01-01 [" + sum("old\n") + "] ---\nold\n--- end of scanner ---\nafter\n"}
	for range 20000 {
		a := question()
		a.Choices = append(slices.Clone(choices), "q_no")
		a.Selected, a.NA = random()
		a.Notes = texts[r.IntN(len(texts))]
		a.Applicable = r.IntN(5) > 0
		var base *Synced
		if r.IntN(2) == 0 {
			base = &Synced{r.IntN(5) > 0, map[string]Mark{}}
			for _, c := range choices {
				if r.IntN(3) > 0 {
					base.Agreed[c] = []Mark{Ticked, Unticked, NA}[r.IntN(3)]
				}
			}
		}
		w := &Wish{Key: "q", Choices: map[string]Want{}, Hidden: r.IntN(10) == 0}
		if !w.Hidden {
			for _, c := range choices[:4] {
				if r.IntN(2) == 0 {
					w.Choices[c] = Want{Mark: []Mark{Ticked, Unticked, NA}[r.IntN(3)]}
				}
			}
		}
		if r.IntN(3) > 0 {
			w.Lines = []string{"evidence", strings.Repeat("more ", r.IntN(300))}
		}
		c := Merge(a, base, w, "2026-12-01")
		if len(c.Conflicts) > 0 {
			continue // nothing is written
		}
		for _, choice := range a.Choices {
			now, to := a.mark(choice), c.to.mark(choice)
			want, said := w.Choices[choice]
			switch {
			case now == to:
			case !said && choice != "q_no":
				t.Fatalf("%s was %s and becomes %s, and nobody here has said that", choice, now, to)
			case said && to != want.Mark:
				t.Fatalf("%s becomes %s, and here it is %s", choice, to, want.Mark)
			case now == Ticked && (base.mark(choice) == nil || *base.mark(choice) != Ticked):
				t.Fatalf("somebody has ticked %s there, and it becomes %s", choice, to)
			}
		}
		if people(a.Notes) != people(c.to.Notes) {
			t.Fatalf("the notes %q become %q", a.Notes, c.to.Notes)
		}
		if size(c.to.Notes) > MaxNotes {
			t.Fatalf("the notes have %d characters", size(c.to.Notes))
		}
		after := c.to
		if again := Merge(&after, &c.agreed, w, "2026-12-02"); len(again.Conflicts) > 0 || !again.Empty() {
			t.Fatalf("a second merge does %+v", again)
		}
	}
}

// people is what they have written into some notes, but for empty lines before our part.
func people(notes string) string {
	at := section.FindStringIndex(notes)
	if at == nil {
		return notes
	}
	return strings.TrimSuffix(notes[:at[0]], "\n\n") + notes[at[1]:]
}

func TestNotes(t *testing.T) {
	first, err := withSection("ours\n", "2026-12-01", []string{"one", "--- end of scanner ---", "two\nlines"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "ours\n\n\n--- scanner 2026-12-01 [" + sum("one\n --- end of scanner ---\ntwo lines\n") + "] ---\none\n --- end of scanner ---\ntwo lines\n--- end of scanner ---"; first != want {
		t.Errorf("%q, want %q", first, want)
	}
	second, err := withSection(first+"\nbelow", "2026-12-02", []string{"three"})
	if err != nil || !strings.HasPrefix(second, "ours\n\n\n--- scanner 2026-12-02 [") || !strings.HasSuffix(second, "three\n--- end of scanner ---\nbelow") || strings.Contains(second, "one") {
		t.Errorf("%v: %q", err, second)
	}
	if gone, err := withSection(second, "2026-12-03", nil); err != nil || gone != "ours\n\nbelow" {
		t.Errorf("%v: %q", err, gone)
	}
	if kept, err := withSection(strings.Replace(second, "three", "three, and we know", 1), "2026-12-03", []string{"four"}); err == nil || !strings.Contains(kept, "and we know") {
		t.Errorf("what people have written into our part becomes %q", kept)
	}
	var many []string
	for i := range 200 {
		many = append(many, fmt.Sprintf("line %d of the evidence, which is rather long", i))
	}
	long, err := withSection(strings.Repeat("é", 500), "2026-12-01", many)
	if err != nil || size(long) > MaxNotes || size(long) < MaxNotes-100 {
		t.Errorf("%v: %d characters", err, size(long))
	}
	var left int
	if _, err := fmt.Sscanf(long[strings.LastIndex(long, "("):], "(%d lines are left out", &left); err != nil || left+strings.Count(long, "of the evidence") != 200 {
		t.Errorf("%d lines are left out: %v", left, err)
	}
	full := strings.Repeat("x", MaxNotes-20)
	if got, err := withSection(full, "2026-12-01", many); err != nil || got != full {
		t.Errorf("notes that are full become %d characters", size(got))
	}
	if n := size(strings.Repeat("😀", 3)); n != 6 {
		t.Errorf("a sign beyond the first plane counts %d", n/3)
	}
}

func TestTake(t *testing.T) {
	a := question()
	a.Selected, a.NA, a.Remarks = []string{"a"}, map[string]string{"b": "OTHER"}, map[string]string{"a": "we do"}
	for _, x := range []struct {
		name  string
		here  map[string]Mark
		base  *Synced
		no    bool
		there func(a *Answer)
		want  string
	}{
		{"nothing here", nil, nil, false, nil, "a ticked [we do]; b not applicable"},
		{"unticked is no", nil, nil, true, nil, "a ticked [we do]; b not applicable; c unticked"},
		{"the same", map[string]Mark{"a": Ticked, "b": NA}, nil, true, nil, "c unticked"},
		{"both say something", map[string]Mark{"a": Unticked}, nil, false, nil, "a ! a is unticked here and ticked there; b not applicable"},
		{"said there since", map[string]Mark{"a": Unticked, "b": NA}, &Synced{true, map[string]Mark{"a": Unticked, "b": NA}}, false, nil, "a ticked [we do]"},
		{"said here since", map[string]Mark{"a": Unticked, "b": NA}, &Synced{true, map[string]Mark{"a": Ticked, "b": NA}}, false, nil, ""},
		{"unticked there since", map[string]Mark{"a": Ticked, "b": NA, "c": Ticked}, &Synced{true, map[string]Mark{"a": Ticked, "c": Ticked, "b": NA}}, false, nil, "c unticked"},
		{"only here", map[string]Mark{"c": Ticked, "a": Ticked, "b": NA}, nil, false, nil, ""},
		{"out of question there", nil, nil, false, func(a *Answer) { a.Applicable, a.Reason, a.Selected, a.NA = false, "OUT_OF_SCOPE", nil, nil }, "a not applicable [we do]; b not applicable; c not applicable"},
		{"nothing is answered there", nil, nil, true, func(a *Answer) { a.Selected, a.NA = nil, nil }, ""},
	} {
		there := *a
		there.NA, there.Remarks = maps.Clone(a.NA), maps.Clone(a.Remarks)
		if x.there != nil {
			x.there(&there)
		}
		var got []string
		for _, k := range Take(&there, x.base, x.here, []string{"a", "b", "c"}, x.no) {
			s := k.Choice + " " + string(k.Mark)
			if k.Conflict != "" {
				s = k.Choice + " ! " + k.Conflict
			} else if k.Remark != "" {
				s += " [" + k.Remark + "]"
			}
			got = append(got, s)
		}
		if s := strings.Join(got, "; "); s != x.want {
			t.Errorf("%s: %s, want %s", x.name, s, x.want)
		}
	}
}

// Notes never name an account, even if somebody wants names.
func TestNamesWithoutAccounts(t *testing.T) {
	for name, want := range map[string]string{
		"111122223333": "(account)", "arn:aws:iam::111122223333:root": "arn:aws:iam::(account):root", "111122223333/111122223333": "(account)/(account)", "logs_111122223333_x": "logs_(account)_x", "1111222233334": "1111222233334",
	} {
		if got := withoutAccounts(name); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
}
