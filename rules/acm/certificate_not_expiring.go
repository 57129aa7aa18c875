package acm

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/acm"
)

type notExpiring struct {
	SeverityByDays             map[string]engine.Severity `json:"severity_by_days"` // by the days that are left, or "expired"
	UnusedSeverity             engine.Severity            `json:"unused_severity"`
	SkipAutoRenewingBeyondDays int                        `json:"skip_auto_renewing_beyond_days"`
}

func (p *notExpiring) Validate() error {
	for _, step := range slices.Sorted(maps.Keys(p.SeverityByDays)) {
		if n, _ := strconv.Atoi(step); step != "expired" && (n < 1 || n > acm.DescribedDays || strconv.Itoa(n) != step) {
			return fmt.Errorf("severity_by_days has the step %q, but a step is expired or a number from 1 to %d", step, acm.DescribedDays)
		}
		if s := p.SeverityByDays[step]; s > engine.High {
			return fmt.Errorf("severity_by_days says %s at %s, but no more than high is allowed", s, step)
		}
	}
	if p.UnusedSeverity > engine.High {
		return fmt.Errorf("unused_severity is %s, but no more than high is allowed", p.UnusedSeverity)
	}
	if p.SkipAutoRenewingBeyondDays < 0 {
		return fmt.Errorf("skip_auto_renewing_beyond_days is %d, but may not be negative", p.SkipAutoRenewingBeyondDays)
	}
	return nil
}

var _ = Rules.Add(engine.Rule{
	ID:       "acm-certificate-not-expiring",
	Title:    "ACM certificates are neither expired nor close to expiry",
	Level:    engine.Recommended,
	Severity: engine.High,
	Worst:    engine.High,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security, engine.Reliability, engine.OperationalExcellence},
	Why: "From the second a certificate expires browsers and programs refuse the connection, so that a site or an interface is down at once, " +
		"and people learn to click warnings away. A replacement can take days if names have to be proved again.",
	Fix: engine.Fix{
		Text: "Import the successor of an imported certificate under the same ARN: what uses it goes on without a change. For one that ACM " +
			"issued, put back the DNS records that prove the names, or answer the mail, and ACM renews it while it is in use; once it has " +
			"expired request a new one and put it in its place.",
		CLI: `aws acm describe-certificate --certificate-arn <arn> --query 'Certificate.[Type,RenewalSummary,DomainValidationOptions[].ResourceRecord]'
# imported:
aws acm import-certificate --certificate-arn <arn> --certificate fileb://<cert.pem> --certificate-chain fileb://<chain.pem> --private-key fileb://<key.pem>
# issued by ACM and expired:
aws acm request-certificate --domain-name <domain> --subject-alternative-names <names> --validation-method DNS`,
		IaC: `# Terraform: ACM renews this one by itself for as long as the records stand. The successor of an imported one is put into
# certificate_body, certificate_chain and private_key of the resource there is, which keeps its ARN
resource "aws_acm_certificate" "<name>" {
  domain_name       = "<domain>"
  validation_method = "DNS"
  lifecycle {
    create_before_destroy = true
  }
}
resource "aws_route53_record" "<name>" {
  for_each = { for o in aws_acm_certificate.<name>.domain_validation_options : o.domain_name => o }
  zone_id  = "<zone-id>"
  name     = each.value.resource_record_name
  type     = each.value.resource_record_type
  records  = [each.value.resource_record_value]
  ttl      = 300
}`,
		Breaks: "Clients that pin the old certificate, its key or its issuer. The successor must name all domains that are in use, and an " +
			"import must keep the type and size of the key: compare both with describe-certificate first.",
		Undo: `aws acm import-certificate --certificate-arn <arn> --certificate fileb://<old-cert.pem> --certificate-chain fileb://<old-chain.pem> --private-key fileb://<old-key.pem>
ACM keeps no former version: keep the files.`,
		Effect: engine.Replaces,
	},
	Reads: []string{"acm.Certificate.Status", "acm.Certificate.Type", "acm.Certificate.InUse", "acm.Certificate.NotAfter",
		"acm.Certificate.RenewalEligibility", "acm.Certificate.ValidationMethods", "acm.Certificate.RenewalStatus", "acm.Certificate.Users"},

	Check: engine.EachWith(notExpiring{
		SeverityByDays:             map[string]engine.Severity{"expired": engine.High, "7": engine.High, "30": engine.Medium, "45": engine.Low},
		UnusedSeverity:             engine.Low,
		SkipAutoRenewingBeyondDays: 30,
	}, func(v *engine.View, p *notExpiring, c *acm.Certificate) engine.Verdict {
		status := c.Status.Get()
		switch {
		case acm.NeverIssued(status): // asked first, as emulators give one that waits for validation an expiry date
			return engine.NotApplicable("was never issued: its status is " + status)
		case status == "REVOKED" && !c.InUse.Get():
			return engine.NotApplicable("is revoked and not in use")
		case status == "REVOKED":
			return failure(c, "is revoked, but in use: clients that check refuse it, so put another certificate in its place")
		}
		end, _ := c.NotAfter.Lookup()
		expired := status == "EXPIRED" // which tells enough without a date
		if !expired {
			if end = c.NotAfter.Get(); end.IsZero() {
				return engine.Unsure(model.TooLittleData, "the status is "+status+", but there is no expiry date")
			}
			expired = v.Now().After(end)
		}
		severity, text := p.SeverityByDays["expired"], "has expired"
		if !end.IsZero() {
			text = "expired on " + end.UTC().Format(time.DateOnly) + " (UTC)"
		}
		left := end.Sub(v.Now())
		if !expired {
			if severity = p.nearest(left); severity == 0 {
				return engine.Pass()
			}
			text = fmt.Sprintf("expires on %s (UTC), days left: %d", end.UTC().Format(time.DateOnly), left/day)
			if left > time.Duration(p.SkipAutoRenewingBeyondDays)*day && renewsItself(c) {
				return engine.Pass().Note(c.Name + " " + text + ", but ACM is going to renew it")
			}
		}
		used := c.InUse.Get()
		if !used {
			severity = p.UnusedSeverity
		}
		fail := failure(c, text+advice(c, used, expired)).As(severity)
		if !expired {
			fail = fail.With("daysLeft", int(left/day))
		}
		return fail
	}),
})

const day = 24 * time.Hour

// nearest returns the severity of the smallest step that is reached, 0 if none is.
func (p *notExpiring) nearest(left time.Duration) (s engine.Severity) {
	least := acm.DescribedDays + 1
	for step, severity := range p.SeverityByDays {
		if n, err := strconv.Atoi(step); err == nil && n < least && left <= time.Duration(n)*day {
			least, s = n, severity
		}
	}
	return s
}

// renewsItself reports whether ACM renews a public certificate without anybody's help: it is in use or was exported,
// hence eligible, and no mail has to be answered. Those of a private CA are renewed 60 days before they expire, so
// that one inside of the steps is in trouble. Source: ACM User Guide, "Managed certificate renewal".
// One part that is known to be false decides, whatever else is unknown.
func renewsItself(c *acm.Certificate) bool {
	return engine.List(model.Known([]func() bool{
		func() bool { return c.Type.Get() == "AMAZON_ISSUED" },
		func() bool { return c.RenewalEligibility.Get() == "ELIGIBLE" },
		func() bool { return c.RenewalStatus.Get() != "PENDING_VALIDATION" && c.RenewalStatus.Get() != "FAILED" },
		func() bool {
			return engine.List(c.ValidationMethods).All(func(method string) bool {
				return method == "DNS" || method == "HTTP" || method == "EMAIL" && c.RenewalStatus.Get() == "SUCCESS"
			})
		},
	})).All(func(part func() bool) bool { return part() })
}

// advice says whether a certificate is in use, and what to do. It decides nothing.
func advice(c *acm.Certificate, used, expired bool) string {
	kind, _ := c.Type.Lookup()
	switch {
	case !used:
		return "; no AWS resource uses it: renew it before one does, or remove it"
	case kind == "IMPORTED":
		return "; it is in use, and ACM never renews what was imported: import its successor under the same ARN"
	case expired:
		return "; it is in use, and ACM no longer renews it: request another one and put it in its place"
	}
	return "; it is in use: see in its renewal status and validation records why ACM has not renewed it"
}

func failure(c *acm.Certificate, text string) engine.Verdict {
	fail := engine.Fail(c.Name+" "+text).With("notAfter", c.NotAfter).With("type", c.Type).With("inUse", c.InUse)
	if used, known := c.InUse.Lookup(); known && !used { // nobody asks further
		return fail
	}
	return fail.With("usedBy", c.Users).With("renewalStatus", c.RenewalStatus)
}
