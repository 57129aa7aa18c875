package ssm

import (
	"testing"

	"awsscanner/internal/engine/enginetest"
)

func Test(t *testing.T) { enginetest.Run(t, Rules) }

func TestHints(t *testing.T) {
	p := Rules[0].Check.Params.(*secure)
	for name, want := range map[string]struct {
		strong, weak string
		never        bool
	}{
		"/app/db/password":            {"password", "", false},
		"dbPassword":                  {"password", "", false},
		"DBPassword1":                 {"password", "", false},
		"DB_PASSWORD":                 {"password", "", false},
		"app.passPhrase":              {"passphrase", "", false},
		"/stripe/APIKey":              {"apikey", "", false},
		"/stripe/api-key":             {"apikey", "", false},
		"/app/ConnectionString":       {"connectionstring", "", false},
		"/tls/private.key":            {"privatekey", "", false},
		"/app/auth-token-secret":      {"secret", "", false},
		"/app/auth":                   {"", "auth", false},
		"/github/accessToken":         {"", "token", false},
		"/network/private-zone":       {"", "private", false},
		"/network/private-subnet-ids": {"", "", true},
		"/network/private-subnet-a":   {"", "", true},
		"/network/privateSubnets":     {"", "", true},
		"/vpc/subnets/private/0":      {"", "", true},
		"/secret-subnet-1":            {"", "", true},
		"/subnet-1/db/password":       {"password", "", false},
		"/cdn/certificate-arn":        {"", "", true},
		"/db/passwordArn":             {"", "", true},
		"/db/PasswordARN":             {"", "", true},
		"/app/author-email":           {"", "", true},
		"/app/secret_name":            {"", "", true},
		"/app/token.url":              {"", "", true},
		"/app/secret-learn":           {"secret", "", false}, // ends in arn, but not in the word
		"/bypass/enabled":             {},
		"/shop/passenger-limit":       {},
		"/app/author":                 {},
		"/app/tokenizer":              {},
		"/app/secretary":              {},
		"":                            {},
	} {
		strong, weak, never := p.hints(name)
		if strong != want.strong || weak != want.weak || never != want.never {
			t.Errorf("hints(%q) = %q, %q, %v, want %v", name, strong, weak, never, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, bad := range []string{
		`{"mode":"some"}`, `{"words":["Password"]}`, `{"weak_words":["*token"]}`, `{"never_suffixes":["arn"]}`,
		`{"never_suffixes":["-subnet*"]}`, `{"exclude":[""]}`,
	} {
		if _, err := Rules[0].With([]byte(bad)); err == nil {
			t.Errorf("accepts %s", bad)
		}
	}
}
