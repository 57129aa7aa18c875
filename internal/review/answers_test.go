package review

import (
	"strings"
	"testing"
	"time"

	"awsscanner/internal/strictyaml"
)

// The file that the guide shows.
const sample = `version: 1
framework: {name: wellarchitected, edition: 2024-11-06}
workload: {name: shop, accounts: ["111122223333"], regions: [eu-west-1], environment: production, owner: shop-team}
defaults: {review_after: 180d}
answers:
  sec_data_classification_identify_data: {state: yes, by: shop-team, on: 2026-11-20, note: "scheme v3", evidence: ["https://wiki.example/data"]}
questions:
  sus_region: {applicable: false, reason: OUT_OF_SCOPE}
waivers:
  - {bp: sec_identities_unique, reason: "legacy partner", owner: iam-team, until: 2027-03-31, resources: ["arn:aws:iam::111122223333:user/partner"]}
register: {R05: {likelihood: high, impact: high, owner: shop-team, due: 2026-12-15, runbook: "https://wiki.example/r05"}}
`

func TestSample(t *testing.T) {
	f := load(t)
	a, err := DecodeAnswers("review.yaml", []byte(sample), f, now)
	if err != nil {
		t.Fatal(err)
	}
	p := f.Practice("SEC07-BP01")
	if said, x, lapsed, _ := a.said(p, now); said != Yes || x.By != "shop-team" || lapsed || x.links()[0] != "https://wiki.example/data" || x.until.Format(time.DateOnly) != "2027-05-20" {
		t.Errorf("SEC07-BP01 is %s, %+v, %v", said, x, lapsed)
	}
	if a.Workload.Name != "shop" || len(a.passes) != 1 || len(a.scoped) != 1 || a.Register["R05"].Runbook == "" {
		t.Errorf("%+v", a)
	}
}

// All that is wrong with a file is told at once, with its line and the way out.
func TestMistakes(t *testing.T) {
	f := load(t)
	for text, want := range map[string]string{
		"":                       "review.yaml:1: the file is empty",
		"answers: {}":            "review.yaml:1: answers is empty: give it a key, or remove it|review.yaml:1: the file has no version: add it",
		"version: 2":             "review.yaml:1: version 2 is not understood: this scanner knows version 1",
		"version: 1\nanswer: {}": `review.yaml:2: the file has no key "answer": did you mean answers?`,
		"version: 1\nframework: {name: wellarchitected, edition: 2023-10-03}":                                                                  "review.yaml:2: the answers are about wellarchitected, edition 2023-10-03, and not about wellarchitected, edition 2024-11-06: name the right one with --framework, or go through the answers and change this",
		"version: 1\nworkload: {accounts: [\"1\"]}":                                                                                            `review.yaml:2: workload has no name: add it|review.yaml:2: accounts: "1" is no account ID: write its 12 digits, in quotes if it begins with a zero`,
		"version: 1\nworkload: {name: a, regions: [EU-WEST-1]}":                                                                                `review.yaml:2: regions: there is no region "EU-WEST-1": write it in lower case, as eu-west-1`,
		"version: 1\nworkload: {name: a/b}":                                                                                                    "review.yaml:2: name: a workload is called by 1 to 100 characters without slashes",
		"version: 1\nworkload: {name: a, tags: {\"app*\": x}}":                                                                                 `review.yaml:2: the tag key "app*" holds a star, but keys are taken as they are: write the whole key`,
		"version: 1\nrisk: {low_counts_as: high}":                                                                                              `review.yaml:2: low_counts_as: there is no "high": write medium or none`,
		"version: 1\ndefaults: {review_after: 0d}":                                                                                             "review.yaml:2: review_after: by a term of no days no answer would ever hold: write 1d or more",
		"version: 1\ndefaults: {review_after: 1y}":                                                                                             `review.yaml:2: review_after: "1y" is no term: write days or weeks, as 90d or 12w`,
		"version: 1\nanswers:\n  sec_identities_uniqe: {state: yes, by: a, on: 2026-11-01}":                                                    `review.yaml:3: there is no practice "sec_identities_uniqe" in AWS Well-Architected Framework, edition 2024-11-06: did you mean sec_identities_unique?`,
		"version: 1\nanswers:\n  SEC2-BP02: {state: yes, by: a, on: 2026-11-01}":                                                               `review.yaml:3: there is no practice "SEC2-BP02" in AWS Well-Architected Framework, edition 2024-11-06: did you mean SEC02-BP02?`,
		"version: 1\nanswers:\n  sec_protect_compute_reduce_surface: {state: yes, by: a, on: 2026-11-01}":                                      "review.yaml:3: sec_protect_compute_reduce_surface is of an earlier edition: its place has taken sec_protect_compute_hardened_images (SEC06-BP02)",
		"version: 1\nanswers:\n  SEC02-BP02: {state: maybe, by: a, on: 2026-11-01}":                                                            `review.yaml:3: state: there is no "maybe": write yes, no, partly, na, or open`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: true, by: a, on: 2026-11-01}":                                                             "review.yaml:3: state takes a text: put true in quotes if it is one",
		"version: 1\nanswers:\n  SEC02-BP02: {state: }":                                                                                        "review.yaml:3: state has no value: give one, or remove the key",
		"version: 1\nanswers:\n  SEC02-BP02: yes":                                                                                              `review.yaml:3: SEC02-BP02 takes keys and values, as {key: value}, not the text "yes"`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes}":                                                                                     "review.yaml:3: SEC02-BP02 does not say by whom: add by, or give one for all under defaults",
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a}":                                                                              "review.yaml:3: SEC02-BP02 does not say when: add on, as 2026-11-20, or give one day for all under defaults",
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 20.11.2026}":                                                              `review.yaml:3: on: "20.11.2026" is no date: write YYYY-MM-DD`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-02-30}":                                                              "review.yaml:3: on: there is no day 2026-02-30",
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2062-11-20}":                                                              "review.yaml:3: on: 2062-11-20 has not come yet: write the day on which it was said",
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-11-20, review_by: 2026-11-19}":                                       "review.yaml:3: review_by: 2026-11-19 is before 2026-11-20, on which it was answered",
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-11-20, reason: OTHER}":                                               "review.yaml:3: reason says why something is not applicable, and the state is yes: remove it",
		"version: 1\nanswers:\n  SEC02-BP02: {state: na, by: a, on: 2026-11-20, reason: out_of_scope}":                                         `review.yaml:3: reason: there is no reason "out_of_scope": did you mean OUT_OF_SCOPE?`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-11-20, link: \"java\\tscript:alert(1)\"}":                            `review.yaml:3: link: "java\tscript:alert(1)" is no link that somebody should follow`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-11-20, link: \"\\x01JavaScript:alert(1)\"}":                          `review.yaml:3: link: "\x01JavaScript:alert(1)" is no link that somebody should follow`,
		"version: 1\nwaivers: [{bp: SEC02-BP02, reason: r, owner: o, until: 2027-01-01, resources: [\"?*\"]}]":                                 `review.yaml:2: resources: "?*" matches every resource: name those that you mean, or leave resources out`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-11-20, link: \"javascript:alert(1)\"}":                               `review.yaml:3: link: "javascript:alert(1)" is no link that somebody should follow`,
		"version: 1\nanswers:\n  SEC02-BP02: {state: yes, by: a, on: 2026-11-20}\n  sec_identities_unique: {state: no, by: a, on: 2026-11-20}": "review.yaml:4: sec_identities_unique (SEC02-BP02) is answered twice, also in line 3: keep one of them",
		"version: 1\nquestions: {\"SEC 99\": {applicable: false}}":                                                                             `review.yaml:2: there is no question "SEC 99" in AWS Well-Architected Framework, edition 2024-11-06: did you mean SEC 9?`,
		"version: 1\nquestions: {\"SEC 1\": {applicable: no}}":                                                                                 `review.yaml:2: applicable takes true or false, not "no"`,
		"version: 1\nquestions: {\"SEC 1\": {applicable: true, reason: OTHER}}":                                                                "review.yaml:2: reason says why a question is not applicable, and this one is: remove it",
		"version: 1\nquestions: {\"SEC 1\": {applicable: true}, securely-operate: {applicable: true}}":                                         "review.yaml:2: securely-operate (SEC 1) stands twice: keep one of them",
		"version: 1\nwaivers:\n- {bp: SEC02-BP02, reason: r, owner: o}":                                                                        "review.yaml:3: the waiver has no until: add it",
		"version: 1\nwaivers:\n- {bp: SEC02, reason: r, owner: o, until: 2027-01-01}":                                                          `review.yaml:3: there is no practice "SEC02" in AWS Well-Architected Framework, edition 2024-11-06: did you mean SEC02-BP01?`,
		"version: 1\nwaivers:\n- {bp: SEC02-BP02, reason: r, owner: o, until: 2077-01-01}":                                                     "review.yaml:3: until: 2077-01-01 is more than five years away: choose a day on which somebody will look at it again",
		"version: 1\nwaivers:\n- {bp: SEC02-BP02, reason: r, owner: o, until: 2027-01-01, resources: \"*\"}":                                   `review.yaml:3: resources: "*" matches every resource: name those that you mean, or leave resources out`,
		"version: 1\nregister: {R05: {likelihood: severe}}":                                                                                    `review.yaml:2: likelihood: there is no "severe": write low, medium or high`,
		"version: 1\nanswers:\n  A: {state: yes, by: a, on: 2026-11-01}\n  B: {state: yes}":                                                    "review.yaml:3: there is no practice \"A\" in AWS Well-Architected Framework, edition 2024-11-06: see scanner review ask for their IDs|review.yaml:4: there is no practice \"B\" in AWS Well-Architected Framework, edition 2024-11-06: see scanner review ask for their IDs",
	} {
		got := ""
		if _, err := DecodeAnswers("review.yaml", []byte(text), f, now); err != nil {
			got = strings.ReplaceAll(err.Error(), "\n", "|")
		}
		if got != want {
			t.Errorf("%q:\n%s\nwant\n%s", text, got, want)
		}
	}
}

// Whatever stands in a file, it is read, or every mistake has its line; and what is read makes a review.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("version: 1\nanswers: {SEC02-BP02: {state: no, by: a, on: 2026-11-01}}"))
	f.Add([]byte("version: 1\nanswers:\n  SEC02-BP02: {state: yes\n"))
	f.Add([]byte("version: 1\nregister: {\"=cmd\": {notes: \"=1+1\"}}"))
	f.Add([]byte("version: 1\nworkload: {name: a, tags: {a: [b, \"*\"]}}\ndefaults: {by: x, on: 2026-01-01, review_after: 99999w}\nanswers: {OPS01-BP01: {state: n/a}}"))
	framework := load(f)
	s := world(1)
	r := s.report(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := DecodeAnswers("review.yaml", data, framework, now)
		if err != nil {
			all, is := err.(strictyaml.Mistakes)
			if !is || len(all) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, m := range all {
				if m.Text == "" || m.Line < 0 || strings.ContainsAny(m.Text, "\n\r\x1b") {
					t.Errorf("%q", m)
				}
			}
			return
		}
		reviews, err := New(framework, []*Answers{a}, r, Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for i := range reviews[0].Questions {
			if q := &reviews[0].Questions[i]; q.Risk.Lower.rank() > q.Risk.Upper.rank() {
				t.Errorf("%s is %s", q.ID, q.Risk)
			}
		}
	})
}
