// Package acm holds the resources of AWS Certificate Manager.
package acm

import (
	"time"

	"awsscanner/internal/model"
)

// A Certificate is a certificate in ACM, requested or imported. Its ID is its ARN, its name the domain name.
type Certificate struct {
	model.Meta         `call:"acm:ListCertificates"`
	Status             model.Attr[string]            `json:"status,omitzero" call:"acm:ListCertificates"` // PENDING_VALIDATION, ISSUED, EXPIRED, ...
	Type               model.Attr[string]            `json:"type,omitzero" call:"acm:ListCertificates"`   // AMAZON_ISSUED, IMPORTED or PRIVATE
	KeyAlgorithm       model.Attr[string]            `json:"keyAlgorithm,omitzero"       call:"acm:ListCertificates"`
	InUse              model.Attr[bool]              `json:"inUse,omitzero" call:"acm:ListCertificates"`
	NotAfter           model.Attr[time.Time]         `json:"notAfter,omitzero" call:"acm:ListCertificates"`              // zero if never issued
	RenewalEligibility model.Attr[string]            `json:"renewalEligibility,omitzero" call:"acm:ListCertificates"`    // ELIGIBLE or INELIGIBLE
	Users              model.Attr[[]string]          `json:"users,omitzero"              call:"acm:DescribeCertificate"` // ARNs of what uses it
	ValidationMethods  model.Attr[[]string]          `json:"validationMethods,omitzero"  call:"acm:DescribeCertificate"` // of its domains: DNS, EMAIL, HTTP
	RenewalStatus      model.Attr[string]            `json:"renewalStatus,omitzero"      call:"acm:DescribeCertificate"` // "" if no renewal has begun
	Tags               model.Attr[map[string]string] `json:"tags,omitzero" call:"resourcegroupstaggingapi:GetResources"`
}

func (*Certificate) Kind() model.Kind { return "AWS::CertificateManager::Certificate" }

// NeverIssued reports whether a certificate in this status has not come into being, and so has no validity period.
func NeverIssued[S ~string](status S) bool {
	switch status {
	case "PENDING_VALIDATION", "VALIDATION_TIMED_OUT", "FAILED":
		return true
	}
	return false
}

// DescribedDays bounds the remaining days of the certificates that are described one by one.
const DescribedDays = 90
