package notify

import (
	"slices"

	"awsscanner/internal/engine"
	"awsscanner/internal/match"
)

// An Item is something that has happened to a finding.
type Item struct {
	Event  Event
	Result *engine.Result // as the scan that saw it told
	Owner  string         // who has to act; "unknown" if that depends on what is not known
	Stream string
}

// Route returns the names of the channels that are told of something, in the order of routes. Nothing may get lost because something is not known:
// a route of which that makes it uncertain whether it fits is taken, and those below are looked at as well.
func (c *Config) Route(x *Item) (channels []string) {
	s := match.Result(x.Result)
	for i := range c.Routes {
		r := &c.Routes[i]
		answer := r.takes(x, s)
		if answer == match.No {
			continue
		}
		for _, name := range r.Channels {
			if !slices.Contains(channels, name) {
				channels = append(channels, name)
			}
		}
		if answer == match.Yes && !r.Continue {
			break
		}
	}
	return channels
}

// unknownOwner stands for whoever owns what has tags that are not known.
const unknownOwner = "unknown"

func (r *Route) takes(x *Item, s *match.Subject) match.Answer {
	events := r.Events
	if len(events) == 0 {
		events = byDefault
	}
	answer := match.Yes
	switch {
	case !slices.Contains(events, x.Event), len(r.Streams) > 0 && !engine.MatchAny(r.Streams, x.Stream), s.Severity < r.MinSeverity,
		len(r.Pillars) > 0 && !slices.ContainsFunc(r.Pillars, func(p engine.Pillar) bool { return slices.Contains(s.Rule.Pillars, p) }):
		return match.No
	case len(r.Owner) > 0 && x.Owner == unknownOwner && !slices.Contains(r.Owner, unknownOwner):
		answer = match.Unknown
	case len(r.Owner) > 0 && !engine.MatchAny(r.Owner, x.Owner):
		return match.No
	}
	return min(answer, r.Condition.Ask(s))
}

// Channels returns where the digest of an owner goes.
func (d *Digest) Channels(owner string) []string {
	for _, to := range d.To {
		if len(to.Owner) == 0 || engine.MatchAny(to.Owner, owner) {
			return to.Channels
		}
	}
	return nil
}
