// Package acm collects from AWS Certificate Manager.
package acm

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"awsscanner/internal/collect"
	"awsscanner/internal/model"
	my "awsscanner/internal/model/acm"
)

func Calls(at collect.At) []collect.Call {
	c := acm.NewFromConfig(at.Config)
	return []collect.Call{{
		Op:    "acm:ListCertificates",
		Lists: []model.Resource{&my.Certificate{}},
		Do: collect.Regional(func(ctx context.Context, found collect.Found) error {
			pages := acm.NewListCertificatesPaginator(c, &acm.ListCertificatesInput{
				MaxItems: aws.Int32(1000),
				// Without them the list has only RSA_1024 and RSA_2048.
				Includes: &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()},
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return err
				}
				for _, s := range page.CertificateSummaryList {
					arn := aws.ToString(s.CertificateArn)
					cert := &my.Certificate{
						Meta:         model.Meta{ID: arn, ARN: arn, Name: aws.ToString(s.DomainName)},
						Status:       model.FromString(s.Status),
						Type:         model.FromString(s.Type),
						KeyAlgorithm: model.FromString(s.KeyAlgorithm),
						InUse:        model.FromPtr(s.InUse),
						NotAfter:     model.FromPtr(s.NotAfter),
					}
					if my.NeverIssued(s.Status) {
						cert.NotAfter = model.OrNone(s.NotAfter)
					}
					cert.RenewalEligibility = model.FromString(s.RenewalEligibility)
					found(cert)
				}
			}
			return nil
		}),
	}, {
		Op:    "acm:DescribeCertificate",
		Needs: []string{"acm.Certificate.Status", "acm.Certificate.Type", "acm.Certificate.InUse", "acm.Certificate.RenewalEligibility", "acm.Certificate.NotAfter"},
		When: collect.If(func(cert *my.Certificate) bool { // suspects: who uses them, and why they are not renewed
			return !cert.NotAfter.Get().After(at.Start.Add(my.DescribedDays*24*time.Hour)) && !my.NeverIssued(cert.Status.Get()) &&
				(cert.InUse.Get() || cert.Type.Get() == string(types.CertificateTypeAmazonIssued) && cert.RenewalEligibility.Get() == string(types.RenewalEligibilityEligible))
		}),
		Do: collect.PerItem(func(ctx context.Context, cert *my.Certificate) error {
			out, err := c.DescribeCertificate(ctx, &acm.DescribeCertificateInput{CertificateArn: &cert.ID})
			if err != nil {
				return err
			}
			if out.Certificate == nil || out.Certificate.CertificateArn == nil { // always there
				return nil
			}
			if users := out.Certificate.InUseBy; users != nil { // empty if there are none
				cert.Users = model.Known(users)
			}
			var methods []string
			for _, d := range out.Certificate.DomainValidationOptions {
				methods = append(methods, string(d.ValidationMethod))
			}
			if len(methods) > 0 && !slices.Contains(methods, "") { // ACM issues nothing without
				cert.ValidationMethods = model.Known(methods)
			}
			if r := out.Certificate.RenewalSummary; r != nil {
				cert.RenewalStatus = model.FromString(r.RenewalStatus)
			} else {
				cert.RenewalStatus = model.Known("")
			}
			return nil
		}),
	}}
}
