package iam

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"awsscanner/internal/model"
	my "awsscanner/internal/model/iam"
)

// A report is ready within seconds, or a minute where there are thousands of users.
const (
	patience    = 90 * time.Second
	longestWait = 15 * time.Second
)

// A lateError says that the report did not come. It is a timeout, so that the scan says so, and a resumed one asks again.
type lateError struct{ code string }

func (e lateError) Error() string {
	return fmt.Sprintf("the credential report was not ready after %v (%s): scan again in some minutes", patience, e.code)
}
func (lateError) Timeout() bool   { return true }
func (lateError) Temporary() bool { return true }

// awaitReport gets the report as soon as it is there: it asks at most ten times, less and less often. If the order for it was
// refused there may be one all the same, as others, such as AWS Config, order it too; if there is none, the refusal is why.
func awaitReport(ctx context.Context, c *iam.Client, refusal error) (*iam.GetCredentialReportOutput, error) {
	waited := time.Duration(0)
	for wait := time.Second; ; wait = min(2*wait, longestWait) {
		out, err := c.GetCredentialReport(ctx, &iam.GetCredentialReportInput{})
		var api smithy.APIError
		if !errors.As(err, &api) {
			return out, err
		}
		switch api.ErrorCode() {
		case "ReportInProgress":
		case "ReportNotPresent", "ReportExpired": // an order just given need not be known everywhere
			if refusal != nil {
				return nil, refusal
			}
		default:
			return nil, err
		}
		if waited += wait; waited > patience {
			return nil, lateError{api.ErrorCode()}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// readReport copies what the report tells of users. It also has a row of the root user, of whom GetAccountSummary tells more
// and does so at once. Source: IAM User Guide, "Generate credential reports for your AWS account", report format.
func readReport(out *iam.GetCredentialReportOutput, users []*my.User) error {
	rows, err := csv.NewReader(bytes.NewReader(out.Content)).ReadAll()
	if err != nil {
		return fmt.Errorf("the credential report cannot be read: %w", err)
	}
	if len(rows) == 0 || out.GeneratedTime == nil {
		return errors.New("the credential report is empty")
	}
	column := map[string]int{}
	for _, name := range []string{"arn", "password_enabled", "password_last_changed", "password_last_used", "mfa_active"} {
		if column[name] = slices.Index(rows[0], name); column[name] < 0 {
			return fmt.Errorf("the credential report has no column %s", name)
		}
	}
	byARN := map[string][]string{}
	for _, row := range rows[1:] {
		byARN[row[column["arn"]]] = row
	}
	for _, u := range users {
		row := byARN[u.ARN]
		if row == nil {
			missing := &model.Gap{Reason: model.TooLittleData, Call: "iam:GetCredentialReport", Detail: "the user was created after the credential report, of which there is a new one every four hours"}
			u.PasswordEnabled, u.MFA = model.Unknown[bool](missing), model.Unknown[bool](missing)
			u.PasswordChanged, u.PasswordLastUsed = model.Unknown[time.Time](missing), model.Unknown[time.Time](missing)
			u.ReportTime = model.Unknown[time.Time](missing)
			continue
		}
		u.ReportTime = model.Known(aws.ToTime(out.GeneratedTime))
		u.PasswordEnabled = truth(row[column["password_enabled"]])
		u.PasswordChanged = date(row[column["password_last_changed"]])
		u.PasswordLastUsed = date(row[column["password_last_used"]])
		u.MFA = truth(row[column["mfa_active"]])
	}
	return nil
}

// truth reads TRUE and FALSE, which stand there in lower case too. Whatever else there may be is unknown.
func truth(text string) (unknown model.Attr[bool]) {
	switch strings.ToLower(text) {
	case "true":
		return model.Known(true)
	case "false":
		return model.Known(false)
	}
	return unknown
}

// date reads a time. N/A means that there is no password, no_information that it was never used, or not since that is recorded.
func date(text string) (unknown model.Attr[time.Time]) {
	if text == "N/A" || text == "no_information" {
		return model.Known(time.Time{})
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return unknown
	}
	return model.Known(t.UTC())
}
