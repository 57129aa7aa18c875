package engine

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// Words splits a name or a text into lower-case words: at whatever is neither letter nor digit, between letters and
// digits, and where the case changes: "/app/DBPassword2" is app, db, password and 2.
func Words(text string) (words []string) {
	const other, lower, upper, digit = 0, 1, 2, 3
	words = make([]string, 0, 8) // grown one by one they would be half of what a rule about names costs
	start, at := 0, 0            // of the word, and of the last character
	before, last := other, other // kinds of the last two characters
	cut := func(i int) {
		if last != other && i > start {
			words = append(words, strings.ToLower(text[start:i]))
		}
		start = i
	}
	for i, r := range text {
		kind := other
		switch {
		case unicode.IsUpper(r):
			kind = upper
		case unicode.IsLetter(r):
			kind = lower
		case unicode.IsDigit(r):
			kind = digit
		}
		switch {
		case kind == last || kind == lower && last == upper && before != upper: // the word goes on: "Pa"
		case kind == lower && last == upper: // its first letter is the last capital: "DBPa"
			cut(at)
		default:
			cut(i)
		}
		before, last, at = last, kind, i
	}
	cut(len(text))
	return words
}

// FindWord returns the first of some entries that is among the words. An entry is compared with whole words, one or
// several in a row, whatever stands between them: both "apikey" and "api-key" are found in api-key, apiKey and apikey.
func FindWord(words, entries []string) (string, bool) {
	for _, entry := range entries {
		for i := range words {
			if entry == "" || words[i][0] != entry[0] {
				continue // most are not even worth a look
			}
			rest, fits := strings.ReplaceAll(entry, "-", ""), true
			for j := i; fits && j < len(words); j++ {
				if rest, fits = strings.CutPrefix(rest, words[j]); fits && rest == "" {
					return entry, true
				}
			}
		}
	}
	return "", false
}

var wordEntry = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// CheckWords refuses entries that FindWord can never find.
func CheckWords(param string, entries []string) error {
	for _, e := range entries {
		if !wordEntry.MatchString(e) {
			return fmt.Errorf("%s has %q: write lower-case words joined by hyphens, such as api-key; patterns are not understood", param, e)
		}
	}
	return nil
}
