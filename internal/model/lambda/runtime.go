package lambda

import (
	_ "embed"
	"encoding/json"
)

//go:embed runtimes.json
var runtimesFile []byte

// Runtimes are the runtimes of Lambda and when each ends: from its deprecation date on it is neither patched nor supported.
var Runtimes = runtimes()

func runtimes() (r struct {
	Date   string            `json:"date"` // of the table
	Source string            `json:"source"`
	Ends   map[string]string `json:"ends"` // runtime -> date, or "" if none is scheduled
}) {
	if err := json.Unmarshal(runtimesFile, &r); err != nil {
		panic("runtimes.json: " + err.Error())
	}
	return r
}
