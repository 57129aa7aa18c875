package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuildOf(t *testing.T) {
	set := func(pairs ...string) *debug.BuildInfo {
		info := &debug.BuildInfo{}
		for i := 0; i < len(pairs); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return info
	}
	for _, c := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "of an unknown commit, "},
		{set("-trimpath", "true"), "of an unknown commit, "},
		{set("vcs.revision", "0123", "vcs.time", "2026-01-02T03:04:05Z", "vcs.modified", "false"), "commit 0123 of 2026-01-02, "},
		{set("vcs.revision", "0123", "vcs.modified", "true"), "commit 0123 of an unknown day and changes, "},
	} {
		if got := buildOf(c.info).String(); !strings.HasPrefix(got, "scanner "+version+"\n"+c.want+"go1.") {
			t.Errorf("it is %q, want %q", got, c.want)
		}
	}
}
