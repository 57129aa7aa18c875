package store

import (
	"context"
	"database/sql"
	"time"

	"awsscanner/internal/engine"
)

// A Digest is how things stand with an owner. What several streams see counts once.
type Digest struct {
	Owner                       string
	Opened, Fixed, Regressed    map[engine.Severity]int // what was announced in the time asked for
	Open                        map[engine.Severity]int // now, without waived ones
	Unseen                      int                     // of these, those that nobody could look at last
	Oldest                      *Finding                // critical one, open and not waived
	Waived                      []Finding               // whose waivers end by the day asked for, the first to end first
	Waste                       float64                 // USD a month, as findings estimate
	lastKind, lastPlace, lastID string
	lastWaste                   float64
}

// Digests returns how things stand with each owner of whom there is something to tell.
func (s *Store) Digests(ctx context.Context, since, until time.Time, lastDay string) (map[string]*Digest, error) {
	all := map[string]*Digest{}
	of := func(owner string) *Digest {
		d := all[owner]
		if d == nil {
			d = &Digest{Owner: owner, Opened: map[engine.Severity]int{}, Fixed: map[engine.Severity]int{}, Regressed: map[engine.Severity]int{}, Open: map[engine.Severity]int{}}
			all[owner] = d
		}
		return d
	}
	err := s.each(ctx, `SELECT f.owner, e.type, e.severity, COUNT(DISTINCT e.identity) FROM events e JOIN scans s ON s.id = e.scan JOIN findings f ON f.stream = e.stream AND f.identity = e.identity
		WHERE s.announced >= $1 AND s.announced < $2 AND e.type IN ('new', 'fixed', 'regressed') GROUP BY f.owner, e.type, e.severity`, func(rows *sql.Rows) error {
		var owner string
		var event EventType
		var severity engine.Severity
		var n int
		if err := rows.Scan(&owner, &event, &severity, &n); err != nil {
			return err
		}
		switch d := of(owner); event {
		case New:
			d.Opened[severity] += n
		case Fixed:
			d.Fixed[severity] += n
		default:
			d.Regressed[severity] += n
		}
		return nil
	}, ms(since), ms(until))
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, `SELECT owner, severity, COUNT(DISTINCT identity), COUNT(DISTINCT CASE WHEN unassessed <> 0 THEN identity END) FROM findings WHERE state = 'open' AND waived = '' GROUP BY owner, severity`, func(rows *sql.Rows) error {
		var owner string
		var severity engine.Severity
		var n, unseen int
		err := rows.Scan(&owner, &severity, &n, &unseen)
		d := of(owner)
		d.Open[severity] = n
		d.Unseen += unseen
		return err
	})
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, columns+`state = 'open' AND waived = '' AND severity = $1 ORDER BY owner, first_seen, identity`, func(rows *sql.Rows) error {
		x, err := scanFinding(rows)
		if d := of(x.Finding.Resource.Owner); d.Oldest == nil {
			d.Oldest = &x
		}
		return err
	}, int(engine.Critical))
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	err = s.each(ctx, columns+`state = 'open' AND waived <> '' AND waived <= $1 ORDER BY owner, waived, severity DESC, identity`, func(rows *sql.Rows) error {
		x, err := scanFinding(rows)
		if id := x.Finding.Identity; !seen[id] {
			seen[id] = true
			d := of(x.Finding.Resource.Owner)
			d.Waived = append(d.Waived, x)
		}
		return err
	}, lastDay)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, columns+`state = 'open' AND waived = '' AND (finding LIKE '%"monthlyCostUSD"%' OR finding LIKE '%"monthlySavingUSD"%') ORDER BY owner, kind, account, region, resource`, func(rows *sql.Rows) error {
		x, err := scanFinding(rows)
		of(x.Finding.Resource.Owner).spend(&x)
		return err
	})
	return all, err
}

// spend adds what a finding estimates. Of a resource that is not needed no rule can save more than all of it.
func (d *Digest) spend(x *Finding) {
	cost, _ := x.Finding.Evidence["monthlyCostUSD"].(float64)
	saving, _ := x.Finding.Evidence["monthlySavingUSD"].(float64)
	r := &x.Finding.Resource
	if kind, place := string(r.Kind), r.Account+" "+r.Region; d.lastKind != kind || d.lastPlace != place || d.lastID != r.ID {
		d.lastKind, d.lastPlace, d.lastID, d.lastWaste = kind, place, r.ID, 0
	}
	if usd := max(cost, saving); usd > d.lastWaste {
		d.Waste += usd - d.lastWaste
		d.lastWaste = usd
	}
}
