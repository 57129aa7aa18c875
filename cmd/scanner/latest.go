package main

import (
	"log/slog"
	"os"
	"slices"
	"sync"

	"awsscanner/internal/config"
	"awsscanner/internal/jobs"
)

// A latest is what the files of a service say now. While they cannot be read, what they said before holds.
type latest struct {
	files []string
	log   *slog.Logger

	mu    sync.Mutex
	texts []string // of the files, when somebody looked last
	said  *config.Config
}

// textsOf reads files. One that cannot be read is as if it were empty: whoever loads it says why.
func textsOf(files []string) (texts []string) {
	for _, name := range files {
		text, _ := os.ReadFile(name)
		texts = append(texts, string(text))
	}
	return texts
}

// now returns what the files say. A mistake is told once, not each time that somebody asks.
func (l *latest) now() *config.Config {
	l.mu.Lock()
	defer l.mu.Unlock()
	texts := textsOf(l.files)
	if slices.Equal(texts, l.texts) {
		return l.said
	}
	l.texts = texts
	cfg, err := config.Load(l.files, nil, settings(nil))
	if err != nil {
		l.log.Error("the settings cannot be read: what they said before holds", "error", mistakes(err))
		return l.said
	}
	l.log.Info("the settings have changed", "schedules", len(cfg.Schedules), "channels", len(cfg.Notifications.Channels))
	l.said = cfg
	return cfg
}

// schedules returns those that can be followed: who loads settings refuses the others.
func (l *latest) schedules() (all []jobs.Schedule) {
	for _, s := range l.now().Schedules {
		j, err := scheduleOf(s.Schedule)
		if err != nil {
			l.log.Error("a schedule is not understood", "schedule", s.Name, "error", err)
			continue
		}
		all = append(all, j)
	}
	return all
}
