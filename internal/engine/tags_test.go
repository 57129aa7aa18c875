package engine

import (
	"testing"

	"awsscanner/internal/model"
)

func TestTagGlobs(t *testing.T) {
	globs := TagGlobs{"environment": {"dev", "test*"}, "Purpose": {"scratch"}}
	for want, tags := range map[string]map[string]string{
		"":                  {"environment": "production", "team": "dev"},
		"environment=dev":   {"environment": "dev"},
		"Environment=Test2": {"Environment": "Test2", "z": "dev"},
		"purpose=Scratch":   {"purpose": "Scratch", "zone": "a"},
	} {
		if got := globs.Find(model.Known(tags)); got != want {
			t.Errorf("%v: %q, want %q", tags, got, want)
		}
	}
	var unknown model.Attr[map[string]string]
	if got := (TagGlobs{}).Find(unknown); got != "" {
		t.Errorf("without globs %q", got)
	}
	if gap := try(func() { globs.Find(unknown) }); gap == nil {
		t.Error("unknown tags pick something or nothing")
	}
	for _, bad := range []TagGlobs{{"": {"x"}}, {"a": {}}, {"a": {"x", ""}}} {
		if bad.Check("exempt_tags") == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
	if err := globs.Check("exempt_tags"); err != nil {
		t.Error(err)
	}
}
