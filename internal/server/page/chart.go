package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/store"
)

// A Line is how a number has changed over time, in a box of Width by Height.
type Line struct {
	Path   string // of SVG
	Dot    [2]string
	Label  string // what people hear who cannot see it
	First  int
	Last   int
	Points int
}

// Size of the box of a line, in its own units.
const (
	lineWidth  = 240
	lineHeight = 34
)

// line draws the failures of a severity. A scan holds until the next one: the line goes in steps.
func line(points []store.Point, severity engine.Severity, now time.Time) Line {
	l := Line{Points: len(points)}
	if len(points) == 0 {
		return l
	}
	most, least := 1, points[0].Failures[severity]
	for _, p := range points {
		most, least = max(most, p.Failures[severity]), min(least, p.Failures[severity])
	}
	floor := min(float64(least), .8*float64(most)) // a fifth at least, lest nothing looks like much
	begin := points[0].Started
	end := now
	if !end.After(begin) {
		end = begin.Add(time.Second)
	}
	x := func(t time.Time) string {
		return coordinate(2 + (lineWidth-6)*float64(t.Sub(begin))/float64(end.Sub(begin)))
	}
	y := func(n int) string {
		return coordinate(lineHeight - 3 - (lineHeight-8)*(float64(n)-floor)/(float64(most)-floor))
	}
	var b strings.Builder
	for i, p := range points {
		n := p.Failures[severity]
		if i == 0 {
			fmt.Fprintf(&b, "M%s %s", x(p.Started), y(n))
			continue
		}
		fmt.Fprintf(&b, "H%sV%s", x(p.Started), y(n))
	}
	l.First, l.Last = points[0].Failures[severity], points[len(points)-1].Failures[severity]
	fmt.Fprintf(&b, "H%s", x(end))
	l.Path, l.Dot = b.String(), [2]string{x(end), y(l.Last)}
	l.Label = fmt.Sprintf("%s: %s on %s, %s on %s, from %s to %s between", severity, number(l.First), day(begin), number(l.Last), day(points[len(points)-1].Started), number(least), number(most))
	return l
}

func coordinate(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// A Bar is what was new and what was fixed in a week.
type Bar struct {
	X, Width          string
	NewY, NewHeight   string
	BackHeight, BackY string
	FixedHeight       string
	New, Back, Fixed  int
	Week              time.Time
}

// Bars are weeks side by side: what came above a line, what went below.
type Bars struct {
	All              []Bar
	Middle           string
	Height           string
	New, Back, Fixed int
	Most             int
}

const (
	barsWidth  = 520
	barsHeight = 92
)

// bars gathers the scans of weeks.
func bars(points []store.Point, now time.Time, weeks int) Bars {
	b := Bars{}
	start := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -7*weeks+1)
	all := make([]Bar, weeks)
	up, down := 1, 1
	for _, p := range points {
		i := int(p.Started.Sub(start).Hours() / 24 / 7)
		if i < 0 || i >= weeks || p.Started.Before(start) {
			continue
		}
		all[i].New += p.New
		all[i].Back += p.Regressed
		all[i].Fixed += p.Fixed
		up, down = max(up, all[i].New), max(down, all[i].Fixed)
		b.New += p.New
		b.Back += p.Regressed
		b.Fixed += p.Fixed
	}
	unit := (barsHeight - 2.) / float64(up+down)
	middle := 1 + unit*float64(up)
	step := float64(barsWidth) / float64(weeks)
	for i := range all {
		x := &all[i]
		x.Week = start.AddDate(0, 0, 7*i)
		x.X, x.Width = coordinate(step*float64(i)+1.5), coordinate(step-3)
		x.NewHeight, x.NewY = coordinate(unit*float64(x.New)), coordinate(middle-unit*float64(x.New))
		x.BackHeight, x.BackY = coordinate(unit*float64(x.Back)), coordinate(middle-unit*float64(x.Back))
		x.FixedHeight = coordinate(unit * float64(x.Fixed))
	}
	b.All, b.Middle, b.Most = all, coordinate(middle), max(up, down)
	b.Height = coordinate(barsHeight)
	return b
}

func (b Bars) sentence() string {
	return fmt.Sprintf("In %d weeks %s findings appeared, %s of which came back, and %s were fixed", len(b.All), number(b.New), number(b.Back), number(b.Fixed))
}

func (x Bar) label() string {
	return fmt.Sprintf("Week of %s: %d appeared, %d of them came back, %d fixed", day(x.Week), x.New, x.Back, x.Fixed)
}

// change says by how much a number has changed.
func change(l Line) string {
	switch d := l.Last - l.First; {
	case l.Points < 2:
		return "–"
	case d == 0:
		return "±0"
	case d > 0:
		return "+" + number(d)
	default:
		return "−" + number(-d)
	}
}

func everFailed(points []store.Point, s engine.Severity) bool {
	for _, p := range points {
		if p.Failures[s] > 0 {
			return true
		}
	}
	return false
}

// spanDays is how many days a trend is about.
func spanDays(points []store.Point, now time.Time) int {
	if len(points) == 0 {
		return 0
	}
	return max(1, int(now.Sub(points[0].Started).Hours()/24))
}

// only names a stream for a link that is not of the frame's own.
func only(f *Frame, stream string) string {
	if stream == f.Stream || len(f.Streams) < 2 {
		return ""
	}
	return stream
}
