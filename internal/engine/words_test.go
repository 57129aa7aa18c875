package engine_test

import (
	"strings"
	"testing"

	"awsscanner/internal/engine"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"/":                        "",
		"password":                 "password",
		"/app/db_pass.word-x":      "app db pass word x",
		"dbPassword":               "db password",
		"DBPassword":               "db password",
		"APIKey":                   "api key",
		"apiKEY":                   "api key",
		"TOKEN":                    "token",
		"A":                        "a",
		"aB":                       "a b",
		"-lead--trail-":            "lead trail",
		"/app/password2":           "app password 2",
		"oauth2Token":              "oauth 2 token",
		"S3Key":                    "s 3 key",
		"/aws/lambda/Fn-Log#1":     "aws lambda fn log 1",
		"Größe des Schlüssels: ÄÖ": "größe des schlüssels äö",
		"鍵 key":                    "鍵 key",
	} {
		if got := strings.Join(engine.Words(text), " "); got != want {
			t.Errorf("Words(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestFindWord(t *testing.T) {
	entries := []string{"auth", "apikey", "private-key", "oauth2"}
	for text, want := range map[string]string{
		"/auth/url":        "auth",
		"/app/author":      "",
		"/app/oauth":       "",
		"/app/OAuth2":      "auth", // o, auth, 2
		"/app/oauth2":      "oauth2",
		"stripeApiKey":     "apikey",
		"/stripe/api/key":  "apikey",
		"apikeys":          "",
		"APIKEY":           "apikey",
		"/private-keys":    "",
		"/private-sub-key": "",
		"PrivateKeyPem":    "private-key",
		"privatekey":       "private-key",
		"":                 "",
	} {
		if got, ok := engine.FindWord(engine.Words(text), entries); got != want || ok != (want != "") {
			t.Errorf("FindWord in %q = %q, %v, want %q", text, got, ok, want)
		}
	}
	if err := engine.CheckWords("words", entries); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "-", "-key", "Key", "api_key", "key*", "a key"} {
		if engine.CheckWords("words", []string{bad}) == nil {
			t.Errorf("CheckWords accepts %q", bad)
		}
	}
}
