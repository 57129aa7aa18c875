// Package compare holds what another tool says of an account against our own results: where they disagree, and on what evidence.
package compare

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"awsscanner/internal/peers"
)

// A Foreign is what another tool says of one resource.
type Foreign struct {
	Check    string `json:"check"`    // as the tool calls it
	Status   string `json:"status"`   // pass, fail or unsure
	Said     string `json:"said"`     // the status in the tool's own word
	Resource string `json:"resource"` // ARN, ID or whatever the tool calls it
	Name     string `json:"name,omitempty"`
	Account  string `json:"account"`
	Region   string `json:"region"`
	Message  string `json:"message"`
}

// A Foreign judges so.
const (
	pass   = "pass"
	fail   = "fail"
	unsure = "unsure"
)

// A File is what another tool says of an account.
type File struct {
	Tool     string // as package peers calls it
	Format   string
	Findings []Foreign
}

// Read reads a report of Prowler, as OCSF or CSV, or findings of Security Hub in its own format (ASFF), as
// aws securityhub get-findings prints them. Which of them it is it sees by itself.
func Read(in io.Reader) (*File, error) {
	r := bufio.NewReaderSize(in, 1<<16)
	if head, _ := r.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		r.Discard(3)
	}
	head, _ := r.Peek(1 << 16)
	switch trimmed := bytes.TrimLeft(head, " \t\r\n"); {
	case len(trimmed) == 0:
		return nil, errors.New("it is empty")
	case trimmed[0] == '{' || trimmed[0] == '[':
		return readJSON(r)
	default:
		return readCSV(r)
	}
}

// readCSV reads the CSV of Prowler since version 4: semicolons, and a head of columns in capitals.
func readCSV(in io.Reader) (*File, error) {
	r := csv.NewReader(in)
	r.Comma = ';'
	head, err := r.Read()
	if err != nil {
		return nil, err
	}
	column := func(name string) int { return slices.Index(head, name) }
	for _, name := range []string{"CHECK_ID", "STATUS", "RESOURCE_UID", "ACCOUNT_UID", "REGION"} {
		if column(name) < 0 {
			return nil, fmt.Errorf("line 1: there is no column %s: this is no CSV report of Prowler 4 or later", name)
		}
	}
	f := &File{Tool: peers.Prowler, Format: "Prowler CSV"}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, err // which names the line
		}
		get := func(name string) string {
			if i := column(name); i >= 0 {
				return row[i]
			}
			return ""
		}
		if provider := get("PROVIDER"); provider != "" && provider != "aws" {
			continue
		}
		f.Findings = append(f.Findings, Foreign{Check: get("CHECK_ID"), Status: status(get("STATUS")), Said: get("STATUS"), Resource: get("RESOURCE_UID"), Name: get("RESOURCE_NAME"),
			Account: get("ACCOUNT_UID"), Region: get("REGION"), Message: get("STATUS_EXTENDED")})
	}
}

// status puts the words of both tools in one.
func status(said string) string {
	switch strings.ToUpper(said) {
	case "PASS", "PASSED":
		return pass
	case "FAIL", "FAILED":
		return fail
	}
	return unsure
}

// A member is a finding of either format in JSON. OCSF: Detection Finding as Prowler writes it. ASFF: AwsSecurityFinding of the API of Security Hub.
type member struct {
	StatusCode   string `json:"status_code"`
	StatusDetail string `json:"status_detail"`
	Metadata     struct {
		EventCode string `json:"event_code"`
	} `json:"metadata"`
	Cloud struct {
		Account struct {
			UID string `json:"uid"`
		} `json:"account"`
		Region   string `json:"region"`
		Provider string `json:"provider"`
	} `json:"cloud"`

	SchemaVersion string
	GeneratorID   string `json:"GeneratorId"`
	AccountID     string `json:"AwsAccountId"`
	Region        string
	Title         string
	RecordState   string
	Compliance    struct {
		Status            string
		SecurityControlID string `json:"SecurityControlId"`
	}

	Resources []struct { // names of members do not mind case: uid and name are of OCSF, Id and Region of ASFF
		UID    string `json:"uid"`
		Name   string `json:"name"`
		ID     string `json:"Id"`
		Region string `json:"region"`
	}
}

// readJSON reads one list after another, as pages that were put into one file.
func readJSON(in io.Reader) (*File, error) {
	d, f := json.NewDecoder(in), &File{}
	for {
		t, err := d.Token()
		if err == io.EOF {
			return f, nil
		}
		whole := t == json.Delim('{') // of get-findings: go on to the list
		for err == nil && whole && t != "Findings" {
			if t, err = d.Token(); err != nil {
				break
			}
			if name, ok := t.(string); !ok || name == "Findings" {
				if !ok {
					return nil, errors.New("it has no member Findings: it is neither Prowler's OCSF nor what aws securityhub get-findings prints")
				}
				continue
			}
			var other json.RawMessage
			err = d.Decode(&other)
		}
		if err == nil && whole {
			t, err = d.Token()
		}
		if err != nil {
			return nil, fmt.Errorf("it is not JSON: %w", err)
		}
		if t != json.Delim('[') {
			return nil, errors.New("it has no list of findings")
		}
		if err := f.list(d); err != nil {
			return nil, err
		}
		for whole { // what stands behind the list
			if t, err = d.Token(); err != nil {
				return nil, errors.New("it is cut off")
			}
			if whole = t != json.Delim('}'); whole {
				var other json.RawMessage
				if err := d.Decode(&other); err != nil {
					return nil, errors.New("it is cut off")
				}
			}
		}
	}
}

// list reads a list of findings, which has begun.
func (f *File) list(d *json.Decoder) error {
	for n := 1; d.More(); n++ {
		var m member
		if err := d.Decode(&m); err != nil {
			return fmt.Errorf("finding %d: %w", n, err)
		}
		var x Foreign
		switch {
		case m.Metadata.EventCode != "":
			if m.Cloud.Provider != "" && m.Cloud.Provider != "aws" {
				continue
			}
			f.Tool, f.Format = peers.Prowler, "Prowler OCSF"
			x = Foreign{Check: m.Metadata.EventCode, Status: status(m.StatusCode), Said: m.StatusCode, Account: m.Cloud.Account.UID, Region: m.Cloud.Region, Message: m.StatusDetail}
		case m.SchemaVersion != "":
			if m.RecordState == "ARCHIVED" || m.Compliance.Status == "" {
				continue // it says nothing of today, or is no check
			}
			f.Tool, f.Format = peers.SecurityHub, "Security Hub ASFF"
			x = Foreign{Check: m.Compliance.SecurityControlID, Status: status(m.Compliance.Status), Said: m.Compliance.Status, Account: m.AccountID, Region: m.Region, Message: m.Title}
			if x.Check == "" {
				_, x.Check, _ = strings.Cut(m.GeneratorID, "/")
			}
			if check, ok := strings.CutPrefix(m.GeneratorID, "prowler-"); ok {
				f.Tool, f.Format, x.Check = peers.Prowler, "Prowler ASFF", check
			}
		default:
			return fmt.Errorf("finding %d is neither one of Prowler (metadata.event_code) nor one of Security Hub (SchemaVersion)", n)
		}
		if len(m.Resources) == 0 {
			return fmt.Errorf("finding %d names no resource", n)
		}
		for _, r := range m.Resources {
			x.Resource, x.Name = r.UID+r.ID, r.Name
			if r.Region != "" {
				x.Region = r.Region
			}
			f.Findings = append(f.Findings, x)
		}
	}
	if _, err := d.Token(); err != nil {
		return errors.New("it is cut off")
	}
	return nil
}
