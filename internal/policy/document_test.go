package policy

import (
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, doc, want string }{
		{"no JSON", `{"Version"`, "at byte"},
		{"cut off", `{"Version":"2012-10-17","Statement":[`, "ends too early"},
		{"null", `null`, "no JSON object"},
		{"a list", `[]`, "no JSON object"},
		{"more after the end", document() + "{}", "more follows"},
		{"zero byte", document() + "\x00", "zero byte"},
		{"bad number", `{"Statement":01}`, "no JSON value"},
		{"bad escape", `{"Id":"\x"}`, "bad escape"},
		{"trailing comma", `{"Statement":[],}`, "expected"},
		{"not UTF-8", "{\"Id\":\"\xff\"}", "UTF-8"},
		{"too deep", strings.Repeat("[", 100), "nested"},
		{"Statement twice", `{"Statement":[],"Statement":[]}`, `"Statement" stands twice`},
		{"Effect twice", `{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*"}}`, `"Effect" stands twice`},
		{"condition key twice", when(`"StringEquals":{"aws:SourceVpc":"a","aws:SourceVpc":"b"}`), "stands twice"},
		{"condition key twice in another case", when(`"StringEquals":{"aws:SourceVpc":"a","AWS:SourceVPC":"b"}`), "statement #1: Condition StringEquals names AWS:SourceVPC twice"},
		{"unknown element", `{"Statement":[],"Comment":"x"}`, `element "Comment" is not known`},
		{"unknown element of a statement", document(st("Allow", `"*"`, `"Resources":"*"`)), `statement #1: element "Resources" is not known`},
		{"the Sid is the place", document(st("Allow", `"*"`, `"Sid":"Bad","NotResource":"*","Resource":"*"`)), "statement Bad: has both Resource and NotResource"},
		{"element in another case", `{"statement":[]}`, `"statement" is not known`},
		{"no Statement", `{"Version":"2012-10-17"}`, "Statement is neither"},
		{"unknown version", `{"Version":"2026-01-01","Statement":[]}`, "Version"},
		{"no Effect", `{"Statement":{"Action":"*"}}`, "has no Effect"},
		{"Effect in lower case", `{"Statement":{"Effect":"allow","Action":"*"}}`, "neither Allow nor Deny"},
		{"no Action", `{"Statement":{"Effect":"Allow"}}`, "neither Action nor NotAction"},
		{"Action is a number", `{"Statement":{"Effect":"Allow","Action":1}}`, "Action is neither a string"},
		{"Action is a list of lists", `{"Statement":{"Effect":"Allow","Action":[["*"]]}}`, "Action is neither a string"},
		{"Principal is an ARN", document(st("Allow", `"arn:aws:iam::111122223333:root"`, "")), "neither * nor a map"},
		{"Principal of an unknown type", document(st("Allow", `{"Aws":"*"}`, "")), `type "Aws" is not known`},
		{"account as a number", document(st("Allow", `{"AWS":111122223333}`, "")), "type AWS: one is neither"},
		{"condition without operator", when(`"aws:SourceVpc":"a"`), "Condition aws:SourceVpc is no object"},
		{"condition value null", when(`"Bool":{"aws:SecureTransport":null}`), "neither a string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse(c.doc); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	encoded := "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%2C%22Id%22%3A%22a+b%22%7D"
	text, err := Decode(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if d := parse(t, text); d.ID != "a+b" {
		t.Errorf("Id %q", d.ID)
	}
	plain := document(st("Allow", `"*"`, `"Resource":"arn:aws:s3:::b/100%25"`))
	if again, err := Decode(plain); err != nil || again != plain {
		t.Errorf("a document that is not encoded became %s, %v", again, err)
	}
	if _, err := Decode("%zz"); err == nil {
		t.Error("bad encoding was accepted")
	}
}

func TestVariablesNeedTheNewVersion(t *testing.T) {
	old := strings.Replace(when(`"StringEquals":{"aws:SourceVpc":"${aws:x}"}`), "2012-10-17", "2008-10-17", 1)
	if a := parse(t, old).Public(Question{}); a.Level != OnlyUnderCondition {
		t.Errorf("in version 2008-10-17 a variable is a text: %v", a.Level)
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"?", "", false}, {"a*b*c", "abc", true}, {"a*b*c", "axbxbc", true},
		{"a*b*c", "axbx", false}, {"*a", "ba", true}, {"**", "x", true}, {"a?c", "abc", true}, {"a?c", "ac", false},
	} {
		if got := compile(c.pattern, false).match(c.text); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.text, got)
		}
	}
}

// The search over patterns agrees with trying all short texts.
func TestKindsByBruteForce(t *testing.T) {
	patterns := []string{"*", "a*", "*b", "?", "a", "ab", "*a*", "a?b", "??", "b*a"}
	set := func(i int) Set {
		return Set{Not: i%3 == 2, List: []Pattern{compile(patterns[i%len(patterns)], false), compile(patterns[i/3%len(patterns)], false)}}
	}
	texts := []string{""}
	for i := 0; i < len(texts) && len(texts[i]) < 5; i++ {
		for _, c := range "abc" {
			texts = append(texts, texts[i]+string(c))
		}
	}
	for i := range 30 {
		for j := range 30 {
			need, sets := []Set{set(i), set(j + 1)}, []Set{set(i + j), set(2*i + 1)}
			found, ok := kinds(need, sets)
			if !ok {
				t.Fatal("too hard")
			}
			want := map[uint64]bool{}
			for _, text := range texts {
				if need[0].match(text) && need[1].match(text) {
					want[bits(sets, func(x Set) bool { return x.match(text) })] = true
				}
			}
			if len(want) != len(found) {
				t.Fatalf("%v %v: found %v, want %v", need, sets, found, want)
			}
			for _, f := range found {
				if !want[f] {
					t.Fatalf("%v %v: found %v, want %v", need, sets, found, want)
				}
			}
		}
	}
}
