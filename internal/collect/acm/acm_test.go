package acm

import (
	"slices"
	"strings"
	"testing"

	"awsscanner/internal/collect/collecttest"
)

const prefix = "arn:aws:acm:eu-central-1:111122223333:certificate/"

// certificate is a line of the snapshot.
func certificate(id, rest string) string {
	return `{"kind":"AWS::CertificateManager::Certificate","id":"` + prefix + id + `","arn":"` + prefix + id + `","name":"` + id +
		`.example.com","account":"111122223333","region":"eu-central-1"` + rest + `}`
}

// summary is an item of the list answer.
func summary(id, rest string) string {
	return `{"CertificateArn":"` + prefix + id + `","DomainName":"` + id + `.example.com"` + rest + `}`
}

// Ends of validity, counted from the start of the scan: 2026-01-01T00:00:00Z is 1767225600.
const (
	in30days       = `,"NotAfter":1769817600`
	in90days       = `,"NotAfter":1775001600`
	in90daysAndOne = `,"NotAfter":1775001601`
	issued         = `,"Status":"ISSUED","KeyAlgorithm":"RSA_2048","InUse":true`
	unused         = `,"Status":"ISSUED","KeyAlgorithm":"RSA_2048","InUse":false`
	candidate      = issued + `,"Type":"AMAZON_ISSUED","RenewalEligibility":"ELIGIBLE"`
)

// Two pages, certificates of every key type asked for. A certificate that never came into being has no validity period;
// one that was issued has, so that without it the end is unknown, as is whatever else is missing.
func TestCertificates(t *testing.T) {
	got, requests := collecttest.Run(t, Calls, []string{"acm.Certificate"}, []string{"eu-central-1"}, func(_, _, params string) string {
		for _, key := range []string{"RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"} {
			if !strings.Contains(params, `"`+key+`"`) || !strings.HasPrefix(params, `{"Includes":{"keyTypes":[`) {
				t.Errorf("not asked for %s: %s", key, params)
			}
		}
		switch {
		case strings.HasSuffix(params, `]},"MaxItems":1000}`):
			return `{"CertificateSummaryList":[` + strings.Join([]string{
				summary("all", candidate+in30days),
				summary("imported", `,"Status":"EXPIRED","Type":"IMPORTED","KeyAlgorithm":"EC_prime256v1","InUse":false,"RenewalEligibility":"INELIGIBLE","NotAfter":1767225599`),
				summary("pending", `,"Status":"PENDING_VALIDATION","Type":"AMAZON_ISSUED","InUse":false,"RenewalEligibility":"INELIGIBLE"`),
				summary("timed-out", `,"Status":"VALIDATION_TIMED_OUT","Type":"AMAZON_ISSUED"`),
				summary("failed", `,"Status":"FAILED","Type":"AMAZON_ISSUED"`),
			}, ",") + `],"NextToken":"2"}`
		case strings.HasSuffix(params, `]},"MaxItems":1000,"NextToken":"2"}`):
			return `{"CertificateSummaryList":[` + summary("endless", candidate) + `,` + summary("revoked", `,"Status":"REVOKED"`) + `,` + summary("nothing", ``) + `]}`
		}
		t.Errorf("unexpected request with %s", params)
		return `!Unexpected`
	})
	const never = `,"notAfter":"0001-01-01T00:00:00Z"`
	collecttest.Want(t, got,
		certificate("all", `,"status":"ISSUED","type":"AMAZON_ISSUED","keyAlgorithm":"RSA_2048","inUse":true,"notAfter":"2026-01-31T00:00:00Z","renewalEligibility":"ELIGIBLE"`),
		certificate("imported", `,"status":"EXPIRED","type":"IMPORTED","keyAlgorithm":"EC_prime256v1","inUse":false,"notAfter":"2025-12-31T23:59:59Z","renewalEligibility":"INELIGIBLE"`),
		certificate("pending", `,"status":"PENDING_VALIDATION","type":"AMAZON_ISSUED","inUse":false`+never+`,"renewalEligibility":"INELIGIBLE"`),
		certificate("timed-out", `,"status":"VALIDATION_TIMED_OUT","type":"AMAZON_ISSUED"`+never),
		certificate("failed", `,"status":"FAILED","type":"AMAZON_ISSUED"`+never),
		certificate("endless", `,"status":"ISSUED","type":"AMAZON_ISSUED","keyAlgorithm":"RSA_2048","inUse":true,"renewalEligibility":"ELIGIBLE"`),
		certificate("revoked", `,"status":"REVOKED"`),
		certificate("nothing", ``),
	)
	if want := []string{"eu-central-1 ListCertificates", "eu-central-1 ListCertificates"}; !slices.Equal(requests, want) {
		t.Errorf("nobody reads what more than %q tell: %q", want, requests)
	}
}

// What a list does not tell is a hole; what it told before is kept.
func TestListGaps(t *testing.T) {
	const denied = `{"unlisted":"AWS::CertificateManager::Certificate","account":"111122223333","region":"eu-central-1","gap":{"reason":"access-denied","call":"acm:ListCertificates","detail":"AccessDeniedException: no"}}`
	first := `{"CertificateSummaryList":[` + summary("a", ``) + `],"NextToken":"2"}`
	for _, test := range []struct {
		name, first, second string
		want                []string
	}{
		{"no member", `{}`, ``, nil},
		{"empty", `{"CertificateSummaryList":[]}`, ``, nil},
		{"an empty page is not the last", `{"CertificateSummaryList":[],"NextToken":"2"}`, `{"CertificateSummaryList":[` + summary("a", ``) + `]}`, []string{certificate("a", ``)}},
		{"denied", `!AccessDeniedException no`, ``, []string{denied}},
		{"second page denied", first, `!AccessDeniedException no`, []string{certificate("a", ``), denied}},
		{"no ARN", first, `{"CertificateSummaryList":[{"DomainName":"b.example.com"` + candidate + `}]}`, []string{certificate("a", ``),
			`{"unlisted":"AWS::CertificateManager::Certificate","account":"111122223333","region":"eu-central-1","gap":{"reason":"call-failed","call":"acm:ListCertificates","detail":"the answer lists a AWS::CertificateManager::Certificate without an ID"}}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _ := collecttest.Run(t, Calls, []string{"acm.Certificate"}, []string{"eu-central-1"}, func(_, _, params string) string {
				if !strings.Contains(params, "NextToken") {
					return test.first
				}
				return test.second
			})
			collecttest.Want(t, got, test.want...)
		})
	}
}

// Only what expires within 90 days, and is in use or may be renewed by ACM, is described, each certificate once. Of one that is
// answered for, no renewal is known to have begun; of an answer that says nothing, nothing is known.
func TestDescribe(t *testing.T) {
	const listed = `"status":"ISSUED","type":"AMAZON_ISSUED","keyAlgorithm":"RSA_2048","inUse":true`
	const due = `,` + listed + `,"notAfter":"2026-01-31T00:00:00Z","renewalEligibility":"ELIGIBLE"`
	answer := func(id, rest string) string {
		return `{"Certificate":{"CertificateArn":"` + prefix + id + `"` + rest + `}}`
	}
	const methods = `,"DomainValidationOptions":[{"DomainName":"a","ValidationMethod":"DNS"},{"DomainName":"b","ValidationMethod":"EMAIL"}]`
	gap := func(text string) string { return `,"gaps":[{` + text + `}],` }
	tests := []struct {
		id, listed, answer, want string // without an answer it must not be described
	}{
		{"due", candidate + in30days, answer("due", `,"InUseBy":["arn:lb"]`+methods+`,"RenewalSummary":{"RenewalStatus":"PENDING_VALIDATION"}`),
			due + `,"users":["arn:lb"],"validationMethods":["DNS","EMAIL"],"renewalStatus":"PENDING_VALIDATION"`},
		{"not-begun", candidate + in30days, answer("not-begun", `,"InUseBy":[]`+methods), due + `,"users":[],"validationMethods":["DNS","EMAIL"],"renewalStatus":""`},
		{"edge", candidate + in90days, answer("edge", `,"InUseBy":[]`+methods),
			`,` + listed + `,"notAfter":"2026-04-01T00:00:00Z","renewalEligibility":"ELIGIBLE","users":[],"validationMethods":["DNS","EMAIL"],"renewalStatus":""`},
		{"far", candidate + in90daysAndOne, "", `,` + listed + `,"notAfter":"2026-04-01T00:00:01Z","renewalEligibility":"ELIGIBLE"`},
		{"imported", issued + in30days + `,"Type":"IMPORTED","RenewalEligibility":"INELIGIBLE"`, answer("imported", `,"InUseBy":["arn:lb"]`),
			`,"status":"ISSUED","type":"IMPORTED","keyAlgorithm":"RSA_2048","inUse":true,"notAfter":"2026-01-31T00:00:00Z","renewalEligibility":"INELIGIBLE","users":["arn:lb"],"renewalStatus":""`},
		{"unused", unused + in30days + `,"Type":"IMPORTED","RenewalEligibility":"INELIGIBLE"`, "",
			`,"status":"ISSUED","type":"IMPORTED","keyAlgorithm":"RSA_2048","inUse":false,"notAfter":"2026-01-31T00:00:00Z","renewalEligibility":"INELIGIBLE"`},
		{"private", unused + in30days + `,"Type":"PRIVATE","RenewalEligibility":"ELIGIBLE"`, "",
			`,"status":"ISSUED","type":"PRIVATE","keyAlgorithm":"RSA_2048","inUse":false,"notAfter":"2026-01-31T00:00:00Z","renewalEligibility":"ELIGIBLE"`},
		{"exported", unused + in30days + `,"Type":"AMAZON_ISSUED","RenewalEligibility":"ELIGIBLE"`, answer("exported", `,"InUseBy":[]`+methods),
			`,"status":"ISSUED","type":"AMAZON_ISSUED","keyAlgorithm":"RSA_2048","inUse":false,"notAfter":"2026-01-31T00:00:00Z","renewalEligibility":"ELIGIBLE","users":[],"validationMethods":["DNS","EMAIL"],"renewalStatus":""`},
		// What decides whether to describe is missing: then it is unknown why the rest is.
		{"endless", candidate, "", gap(`"reason":"not-collected","call":"acm:DescribeCertificate","detail":"needs what an earlier answer left out"`) + listed + `,"renewalEligibility":"ELIGIBLE"`},
		{"denied", candidate + in30days, `!AccessDeniedException no`,
			gap(`"reason":"access-denied","call":"acm:DescribeCertificate","detail":"AccessDeniedException: no"`) + due[1:]},
		{"gone", candidate + in30days, `!ResourceNotFoundException gone`,
			gap(`"reason":"call-failed","call":"acm:DescribeCertificate","detail":"ResourceNotFoundException: gone"`) + due[1:]},
		{"no-answer", candidate + in30days, `{}`, due},
		{"empty-answer", candidate + in30days, `{"Certificate":{}}`, due},
		{"bare-answer", candidate + in30days, answer("bare-answer", ``), due + `,"renewalStatus":""`},
		{"no-domains", candidate + in30days, answer("no-domains", `,"InUseBy":[],"DomainValidationOptions":[]`), due + `,"users":[],"renewalStatus":""`},
		{"no-method", candidate + in30days, answer("no-method", `,"InUseBy":[],"DomainValidationOptions":[{"DomainName":"a","ValidationMethod":"DNS"},{"DomainName":"b"}]`), due + `,"users":[],"renewalStatus":""`},
		{"no-status", candidate + in30days, answer("no-status", `,"InUseBy":[]`+methods+`,"RenewalSummary":{}`), due + `,"users":[],"validationMethods":["DNS","EMAIL"]`},
	}
	var summaries, want, described []string
	for _, test := range tests {
		summaries = append(summaries, summary(test.id, test.listed))
		want = append(want, certificate(test.id, test.want))
		if test.answer != "" {
			described = append(described, "eu-central-1 DescribeCertificate")
		}
	}
	got, requests := collecttest.Run(t, Calls, []string{"acm.Certificate.RenewalStatus"}, []string{"eu-central-1"}, func(_, op, params string) string {
		if op == "ListCertificates" {
			return `{"CertificateSummaryList":[` + strings.Join(summaries, ",") + `]}`
		}
		for _, test := range tests {
			if params == `{"CertificateArn":"`+prefix+test.id+`"}` && test.answer != "" {
				return test.answer
			}
		}
		t.Errorf("unexpected %s with %s", op, params)
		return `!Unexpected`
	})
	collecttest.Want(t, got, want...)
	if want := append(described, "eu-central-1 ListCertificates"); !slices.Equal(requests, want) {
		t.Errorf("%d requests, want %d: %q", len(requests), len(want), requests)
	}
}
