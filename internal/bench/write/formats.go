package main

import (
	"fmt"
	"strings"
)

// formats writes what reports cost in each format.
func (f *figures) formats(b *strings.Builder) {
	b.WriteString(`
## Formats

What a report of failures costs in each format, from a report that is made to the last byte. Held is the most memory that writing needs
above that of snapshot and report, looked at every 4 MB: it does not grow with the findings, as they are judged again and written one by one.
SARIF has the 5000 worst, as code scanning takes no more, and Markdown what fits into a comment.

| Format | CPU, 10 000 | CPU, 100 000 | Bytes, 100 000 | Held, 10 000 | Held, 100 000 |
| --- | ---: | ---: | ---: | ---: | ---: |
`)
	const mega = 1e6
	for _, name := range strings.Fields("table json jsonl csv markdown html sarif gitlab junit ocsf asff") {
		small, large := "Formats/format="+name+"/failures=10000", "Formats/format="+name+"/failures=100000"
		fmt.Fprintf(b, "| %s | %s s | %s s | %s MB | %s MB | %s MB |\n", name, show(f.of(small, "cpu-s")), show(f.of(large, "cpu-s")), show(f.of(large, "B")/mega),
			show(f.of(small, "held-B")/mega), show(f.of(large, "held-B")/mega))
	}
}
