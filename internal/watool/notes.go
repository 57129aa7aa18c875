// Package watool brings reviews into the AWS Well-Architected Tool and back. It never overwrites what people have ticked or written there, and is
// reached from its own commands only: what scans knows nothing of it.
package watool

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf16"
)

// MaxNotes is how many characters the notes of a question may have.
const MaxNotes = 2084

// Our part of the notes stands between two lines, the first with a sum of what is in between: so that what people write there is seen.
var section = regexp.MustCompile(`(?m)^--- scanner (\d{4}-\d{2}-\d{2}) \[([0-9a-f]{8})\] ---\n((?s:.*?))^--- end of scanner ---$`)

const sectionEnd = "--- end of scanner ---"

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:4])
}

// size is the length of a text as the strictest reader would count it.
func size(text string) int { return len(utf16.Encode([]rune(text))) }

// withSection puts lines into our part of some notes. All else stays as it is, letter by letter. What does not fit is left out, line by
// line, and how much that is stands in its place. It fails if people have written into our part.
func withSection(notes, day string, lines []string) (string, error) {
	before, after, own := notes, "", false
	if at := section.FindStringSubmatchIndex(notes); at != nil {
		if body := notes[at[6]:at[7]]; sum(body) != notes[at[4]:at[5]] {
			return notes, fmt.Errorf("somebody has written between the lines that begin with --- in the notes: move that text out of there, or remove these lines")
		}
		before, after, own = notes[:at[0]], notes[at[1]:], true
	}
	if !own && before != "" {
		before = before + "\n\n"
	}
	make := func(lines []string, dropped int) string {
		body := ""
		for _, l := range lines {
			body += clean(l) + "\n"
		}
		switch {
		case dropped == 1:
			body += "(1 line is left out: notes hold no more)\n"
		case dropped > 1:
			body += fmt.Sprintf("(%d lines are left out: notes hold no more)\n", dropped)
		}
		return before + "--- scanner " + day + " [" + sum(body) + "] ---\n" + body + sectionEnd + after
	}
	if len(lines) == 0 {
		if own {
			return strings.TrimSuffix(before, "\n\n") + after, nil
		}
		return notes, nil
	}
	for n := len(lines); n >= 0; n-- {
		if text := make(lines[:n], len(lines)-n); size(text) <= MaxNotes {
			return text, nil
		}
	}
	if own { // people have written so much that nothing of ours fits any more
		return strings.TrimSuffix(before, "\n\n") + after, nil
	}
	return notes, nil
}

// sameSection reports whether notes hold these lines already, whatever the day.
func sameSection(notes, wanted string) bool {
	a, b := section.FindStringSubmatch(notes), section.FindStringSubmatch(wanted)
	return a != nil && b != nil && a[2] == b[2]
}

// clean makes one line of a text, and none of our marks.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, text)
	if strings.HasPrefix(text, "---") {
		text = " " + text
	}
	return text
}
