package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A hub answers as the Security Hubs of account 111122223333 do. In us-west-2 it is not enabled, and in eu-north-1 it takes nothing.
type hub struct {
	mu       sync.Mutex
	findings map[string]map[string]any // by ID
}

// write writes what is there, a finding a line.
func (h *hub) write(ts *testscript.TestScript, _ bool, args []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var b bytes.Buffer
	for _, id := range slices.Sorted(maps.Keys(h.findings)) {
		ts.Check(json.NewEncoder(&b).Encode(h.findings[id]))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

var signedFor = regexp.MustCompile(`/([a-z0-9-]+)/securityhub/aws4_request`)

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isIdentity(w, r) {
		return
	}
	m := signedFor.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		http.Error(w, "this is Security Hub", http.StatusNotFound)
		return
	}
	if m[1] == "us-west-2" {
		w.Header().Set("X-Amzn-Errortype", "InvalidAccessException")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"Message":"Account 111122223333 is not subscribed to AWS Security Hub","Code":"InvalidAccessException"}`)
		return
	}
	var in struct{ Findings []map[string]any }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	answer := map[string]any{}
	switch r.URL.Path {
	case "/findings":
		found := []map[string]any{}
		for _, f := range h.findings {
			if f["RecordState"] == "ACTIVE" && strings.Contains(f["ProductArn"].(string), ":"+m[1]+":") {
				found = append(found, f)
			}
		}
		answer["Findings"] = found
	case "/findings/import":
		refused := []map[string]string{}
		for _, f := range in.Findings {
			id := f["Id"].(string)
			if m[1] == "eu-north-1" {
				refused = append(refused, map[string]string{"Id": id, "ErrorCode": "InvalidInput", "ErrorMessage": "no\x1b[31m"})
				continue
			}
			if h.findings == nil {
				h.findings = map[string]map[string]any{}
			}
			h.findings[id] = f
		}
		answer["SuccessCount"], answer["FailedCount"], answer["FailedFindings"] = len(in.Findings)-len(refused), len(refused), refused
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}
