// Package suggest guesses what somebody meant who wrote a word that is not known.
package suggest

import "strings"

// Closest returns the candidate most like a word, or "" if none is like it.
func Closest(word string, candidates []string) string {
	if len(word) > longest {
		return ""
	}
	best, least := "", 1+len(word)/3
	for _, c := range candidates {
		if d := Distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		for _, c := range candidates {
			if len(word) > 3 && strings.Contains(c, word) {
				return c
			}
		}
	}
	return best
}

// longest is the length of a word from which on nobody has merely mistyped it: distances are quadratic.
const longest = 200

// DidYouMean is the end of a sentence about a word that is not known.
func DidYouMean(word string, candidates []string, otherwise string) string {
	if c := Closest(word, candidates); c != "" {
		return "did you mean " + c + "?"
	}
	return otherwise
}

// Distance is the number of letters to add, drop, change or swap with their neighbour to make one word of another.
func Distance(a, b string) int {
	var rows [][]int // how far are the first i letters of a from the first j of b
	for i := range len(a) + 1 {
		row := make([]int, len(b)+1)
		for j := range row {
			switch {
			case i == 0 || j == 0:
				row[j] = i + j
			case a[i-1] == b[j-1]:
				row[j] = rows[i-1][j-1]
			default:
				row[j] = 1 + min(rows[i-1][j-1], rows[i-1][j], row[j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					row[j] = min(row[j], 1+rows[i-2][j-2])
				}
			}
		}
		rows = append(rows, row)
	}
	return rows[len(a)][len(b)]
}
