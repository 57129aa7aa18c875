package session

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"awsscanner/internal/collect"
)

// configure writes the shared configuration of the SDK, and takes everything else away from it.
func configure(t *testing.T, endpoint, text string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"HOME": dir, "AWS_CONFIG_FILE": filepath.Join(dir, "config"), "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_EC2_METADATA_DISABLED": "true",
		// What fetches credentials is made before the SDK looks at AWS_ENDPOINT_URL alone.
		"AWS_ENDPOINT_URL_STS": endpoint, "AWS_ENDPOINT_URL_SSO": endpoint, "AWS_ENDPOINT_URL_SSO_OIDC": endpoint} {
		t.Setenv(name, value)
	}
}

// A profile whose role demands an MFA device asks for its code, or says why it cannot.
func TestMFA(t *testing.T) {
	const device = "arn:aws:iam::111122223333:mfa/ana"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(op, inner string) {
			fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", op, inner)
		}
		switch {
		case r.FormValue("Action") == "AssumeRole" && r.FormValue("SerialNumber") == device && r.FormValue("TokenCode") == "123456":
			answer("AssumeRole", keys("ROLE", time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)))
		case r.FormValue("Action") == "AssumeRole":
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>MultiFactorAuthentication failed with invalid MFA one time pass code.</Message></Error></ErrorResponse>`)
		case strings.Contains(r.Header.Get("Authorization"), "Credential=ROLE/"):
			answer("GetCallerIdentity", caller("222222222222"))
		}
	}))
	defer server.Close()
	configure(t, server.URL, `
[profile base]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = s
[profile guarded]
role_arn = arn:aws:iam::222222222222:role/scan
source_profile = base
mfa_serial = `+device+`
`)
	say := func(code string, err error) func() (string, error) {
		return func() (string, error) { return code, err }
	}
	for _, test := range []struct {
		mfa  func() (string, error)
		want string // "" for success
	}{
		{say("123456", nil), ""},
		{say("654321", nil), "the role of the AWS profile cannot be assumed (AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.)"},
		{say("12345", nil), "the role of the AWS profile cannot be assumed: no code of the MFA device: it must have six digits"},
		{say("", io.EOF), "no code of the MFA device: EOF"},
		{nil, "there is no terminal to ask on"},
	} {
		cfg, err := Load(t.Context(), Options{Profile: "guarded", Region: "us-gov-west-1", MFA: test.mfa})
		var s *Session
		if err == nil {
			s, err = Open(t.Context(), cfg, collect.Agent{Version: "test"})
		}
		if err == nil && (test.want != "" || s.Account != "222222222222") || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	// Nobody is asked for ever for the code of a device that AWS refuses.
	asked := 0
	cfg, err := Load(t.Context(), Options{Profile: "guarded", Region: "us-gov-west-1", MFA: func() (string, error) { asked++; return "654321", nil }})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := cfg.Credentials.Retrieve(t.Context()); err == nil {
			t.Error("there are credentials")
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	if _, err := Load(t.Context(), Options{Profile: "none"}); err == nil || !strings.Contains(err.Error(), `there is no profile "none"`) {
		t.Errorf("an unknown profile: %v", err)
	}
}

// An SSO session that is over, or gives no credentials, is told in one sentence, whichever of the two ways the profile is written.
func TestSSO(t *testing.T) {
	const signedOut = "UnauthorizedException"
	code := signedOut
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"message":"Session token not found or invalid"}`)
	}))
	defer server.Close()
	configure(t, server.URL, `
[profile old]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
sso_account_id = 111122223333
sso_role_name = audit
[profile new]
sso_session = s
sso_account_id = 111122223333
sso_role_name = audit
[sso-session s]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
`)
	cache := filepath.Join(os.Getenv("HOME"), ".aws", "sso", "cache")
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	// The SDK looks for the token below the SHA-1 of the start URL or of the name of the session.
	names := map[string]string{"old": "e8be5486177c5b5392bd9aa76563515b29358e6e", "new": "a0f1490a20d0211c997b44bc357e1972deab8ae3"}
	over := "the AWS SSO session has expired: sign in again with `aws sso login`"
	for _, profile := range []string{"old", "new"} {
		for _, test := range []struct{ token, code, want string }{
			{"", signedOut, over},
			{`{"accessToken":"t","expiresAt":"2001-01-01T00:00:00Z"}`, signedOut, over},
			{`{"accessToken":"t","expiresAt":"2001-01-01T00:00:00Z","clientId":"c","clientSecret":"s","refreshToken":"r"}`, signedOut, over},
			{`{"accessToken":"t","expiresAt":"2099-01-01T00:00:00Z"}`, signedOut, over}, // as another one has signed out
			{`{"accessToken":"t","expiresAt":"2099-01-01T00:00:00Z"}`, "ForbiddenException", "AWS SSO gives no credentials for the account and the role of the profile (ForbiddenException: "},
		} {
			code = test.code
			name := filepath.Join(cache, names[profile]+".json")
			os.Remove(name)
			if test.token != "" {
				if err := os.WriteFile(name, []byte(test.token), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cfg, err := Load(t.Context(), Options{Profile: profile, Region: "eu-west-1"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), cfg, collect.Agent{Version: "test"}); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%s with the token %s: %v, want %s", profile, test.token, err, test.want)
			}
		}
	}
}

// Credentials that cannot be fetched because nobody answers are no wrong credentials.
func TestUnreachable(t *testing.T) {
	nobody := &net.DNSError{IsNotFound: true}
	identity := func(err error) error {
		return &smithy.OperationError{ServiceID: "STS", OperationName: "GetCallerIdentity", Err: fmt.Errorf("get credentials: %w", err)}
	}
	for want, err := range map[string]error{
		"the AWS endpoint of sts in region eu-west-1 cannot be reached": identity(&smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: nobody}),
		"the AWS endpoint of sso cannot be reached":                     identity(&smithy.OperationError{ServiceID: "SSO", OperationName: "GetRoleCredentials", Err: nobody}),
		"no AWS credentials found":                                      identity(&smithy.OperationError{ServiceID: "ec2imds", OperationName: "GetMetadata", Err: errors.New("no EC2 IMDS role found")}),
	} {
		if got := identityError(t.Context(), "eu-west-1", err); !strings.HasPrefix(got.Error(), want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
