package suggest

import "testing"

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"scan", "scan", 0}, {"scna", "scan", 1}, {"sacn", "scan", 1}, {"scann", "scan", 1}, {"can", "scan", 1}, {"scon", "scan", 1},
		{"abcd", "badc", 2}, {"kitten", "sitting", 3}, {"abc", "xyz", 3},
	} {
		if got := Distance(c.a, c.b); got != c.want || Distance(c.b, c.a) != got {
			t.Errorf("Distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestClosest(t *testing.T) {
	words := []string{"critical", "high", "medium", "low", "sqs-queue-dead-letter-queue"}
	for word, want := range map[string]string{
		"hihg": "high", "HIGH": "high", "hgh": "high", "mediun": "medium", "lwo": "low", "queue": "sqs-queue-dead-letter-queue",
		"hi": "", "severe": "", "": "", "lo": "", "dea": "",
	} {
		if got := Closest(word, words); got != want {
			t.Errorf("closest(%q) = %q, want %q", word, got, want)
		}
	}
}
