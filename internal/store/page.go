package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/report"
)

// searchable is what the text of a filter is looked for in.
func searchable(f *report.Finding) string {
	parts := []string{f.Rule, f.Title, f.Message, f.Resource.ID, f.Resource.Name, f.Resource.ARN, f.Resource.Account, f.Resource.Region, f.Resource.Owner}
	for _, key := range slices.Sorted(maps.Keys(f.Resource.Tags)) {
		parts = append(parts, key+"="+f.Resource.Tags[key])
	}
	return strings.ReplaceAll(strings.ToLower(strings.Join(parts, "\n")), "\x00", "") // PostgreSQL takes no zero byte
}

// A spot is where a finding stands among all: they are in the order of severity, the worst first, then of stream and identity.
type spot struct {
	severity         engine.Severity
	stream, identity string
}

// Findings returns a page of findings, the most severe first, and the cursor of the next page; "" if it is the last.
func (s *Store) Findings(ctx context.Context, f Filter) (page []Finding, next string, err error) {
	var after spot
	if f.After != "" {
		severity, stream, identity, err := cursor(f.After)
		if err != nil {
			return nil, "", err
		}
		after = spot{engine.Severity(severity), stream, identity}
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 100
	}
	spots, err := s.spots(ctx, f, after, limit+1)
	if err != nil {
		return nil, "", err
	}
	if len(spots) > limit {
		spots = spots[:limit]
		last := spots[limit-1]
		next = fmt.Sprintf("%d.%s.%s", last.severity, last.identity, last.stream)
	}
	page, err = s.at(ctx, spots)
	return page, next, err
}

// spots lists where the findings of a page are. An index tells: each of its ranges is asked for by itself, as no database goes through
// several in this order.
func (s *Store) spots(ctx context.Context, f Filter, after spot, limit int) (spots []spot, err error) {
	streams := []string{f.Stream}
	if f.Stream == "" {
		if streams, err = s.Streams(ctx); err != nil {
			return nil, err
		}
		slices.Sort(streams) // as cursors compare them, whatever the database thinks of letters
	}
	severities := slices.Clone(f.Severities)
	if len(severities) == 0 {
		severities = []engine.Severity{engine.Critical, engine.High, engine.Medium, engine.Low, engine.Informational}
	}
	slices.Sort(severities)
	states := []string{f.State}
	if f.State == "" {
		states = []string{"open", "fixed"}
	}
	for _, severity := range slices.Backward(slices.Compact(severities)) {
		for _, stream := range streams {
			from := ""
			switch {
			case after.severity == 0 || severity < after.severity:
			case severity > after.severity || stream < after.stream:
				continue
			case stream == after.stream:
				from = after.identity
			}
			var found []string
			for _, state := range states {
				some := f
				some.Stream, some.State, some.Severities = stream, state, []engine.Severity{severity}
				where, args := some.where()
				args = append(args, from)
				err := s.each(ctx, fmt.Sprintf(`SELECT identity FROM findings WHERE %s AND identity > $%d ORDER BY identity LIMIT %d`, where, len(args), limit-len(spots)), func(rows *sql.Rows) error {
					var identity string
					err := rows.Scan(&identity)
					found = append(found, identity)
					return err
				}, args...)
				if err != nil {
					return nil, err
				}
			}
			slices.Sort(found)
			for _, identity := range found {
				if spots = append(spots, spot{severity, stream, identity}); len(spots) == limit {
					return spots, nil
				}
			}
		}
	}
	return spots, nil
}

// at returns the findings that stand in some places, but for those that have gone since.
func (s *Store) at(ctx context.Context, spots []spot) (page []Finding, err error) {
	const most = 500
	found := map[[2]string]Finding{}
	for stream, in := range byStream(spots) {
		var done sql.NullInt64
		if err := s.DB.QueryRowContext(ctx, `SELECT MAX(started) FROM scans WHERE stream = $1 AND state = 'done'`, stream).Scan(&done); err != nil {
			return nil, err
		}
		for some := range slices.Chunk(in, most) {
			args := []any{stream}
			var list []string
			for _, identity := range some {
				args = append(args, identity)
				list = append(list, "$"+strconv.Itoa(len(args)))
			}
			err := s.each(ctx, columnsOf+strconv.FormatInt(done.Int64, 10)+` FROM findings WHERE stream = $1 AND identity IN (`+strings.Join(list, ", ")+`)`, func(rows *sql.Rows) error {
				x, err := scanFinding(rows)
				found[x.order] = x
				return err
			}, args...)
			if err != nil {
				return nil, err
			}
		}
	}
	for _, p := range spots {
		if x, ok := found[[2]string{p.stream, p.identity}]; ok {
			page = append(page, x)
		}
	}
	return page, nil
}

func byStream(spots []spot) map[string][]string {
	m := map[string][]string{}
	for _, p := range spots {
		m[p.stream] = append(m[p.stream], p.identity)
	}
	return m
}
