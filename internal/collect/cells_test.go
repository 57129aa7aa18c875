package collect

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
	"awsscanner/internal/model/ssm"
)

// In a region that a service control policy closes each service is asked once: policies may close some and leave others open. Once
// that is clear, a service that has refused a call is spared the rest. One other answer, and each call is made.
func TestClosedRegion(t *testing.T) {
	closed := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "with an explicit deny in a service control policy"}
	for _, test := range []struct {
		open string // the service that answers
		want int
	}{
		{"", 12}, // both of a and b, before anybody can know
		{"a", 20},
		{"e", 18}, // all but the second ones of c and d
	} {
		var made []string
		service := func(At) (calls []Call) {
			for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
				for _, op := range []string{name + ":List", name + ":Get"} {
					calls = append(calls, Call{Op: op, Do: PerRegion(func(context.Context, []*Region) error {
						made = append(made, op)
						if name == test.open {
							return nil
						}
						return closed
					})})
				}
			}
			return calls
		}
		p := &Plan{services: []Service{service}, of: map[string]int{}}
		at := At{Place: model.Place{Account: "1", Region: "eu"}}
		d := newDriver(Reading{Plan: p}, []At{at})
		region := &Region{Meta: model.Meta{ID: "eu"}}
		for _, c := range service(at) {
			d.call(t.Context(), 0, c, in{items: []model.Resource{region}})
		}
		if len(made) != test.want {
			t.Errorf("%q open: %d calls, want %d: %q", test.open, len(made), test.want, made)
		}
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
			if !slices.Contains(made, name+":List") {
				t.Errorf("%q open: %s is not asked at all", test.open, name)
			}
		}
		for _, g := range region.Gaps {
			if g.Reason != model.AccessDeniedSCP || (g.Detail == model.ClosedRegion) == slices.Contains(made, g.Call) {
				t.Errorf("%s: %s", g, g.Detail)
			}
		}
	}
}

// Of an account that could not be entered everything is unknown: no rule may lose it. What AWS does not offer in its partition is known
// not to be there.
func TestLost(t *testing.T) {
	service := func(At) []Call {
		return []Call{
			{Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}}, Do: Regional(nil)},
			{Op: "ec2:GetDefault", Do: PerRegion(func(context.Context, []*Region) error { return nil })},
			{Op: "iam:Get", Do: PerItem(func(context.Context, *Facts) error { return nil })},
			{Op: "iam:ListRoles", Lists: []model.Resource{&Role{}}, Do: Global(nil)},
		}
	}
	kinds := model.NewTable(&Queue{}, &Region{}, &Facts{}, &Role{})
	p, err := NewPlan([]Service{service}, kinds, []string{"collect.Queue", "collect.Region.Default", "collect.Facts.Alias", "collect.Role"})
	if err != nil {
		t.Fatal(err)
	}
	why := &model.Gap{Reason: model.AccessDenied, Call: "sts:AssumeRole"}
	judge := func(v *engine.View, a model.Attr[string]) engine.Verdict { return engine.Fail(a.Get()) }
	rules := []engine.Rule{
		{ID: "queues", Reads: []string{"collect.Queue"}, Check: engine.Each(func(v *engine.View, q *Queue) engine.Verdict { return engine.Pass() })},
		{ID: "regions", Reads: []string{"collect.Region.Default"}, Check: engine.Each(func(v *engine.View, r *Region) engine.Verdict { return engine.Pass() })},
		{ID: "facts", Reads: []string{"collect.Facts.Alias"}, Check: engine.Each(func(v *engine.View, f *Facts) engine.Verdict { return judge(v, f.Alias) })},
		{ID: "roles", Reads: []string{"collect.Role"}, Check: engine.Each(func(v *engine.View, r *Role) engine.Verdict { return engine.Pass() })},
	}
	queues, regions := `queues * "*" not-assessed access-denied: sts:AssumeRole`, `regions * "*" not-assessed access-denied: sts:AssumeRole`
	facts, roles := `facts 9 "" not-assessed access-denied: sts:AssumeRole`, `roles * "" not-assessed access-denied: sts:AssumeRole`
	for lacking, want := range map[string][]string{
		"":    {queues, regions, facts, roles},
		"sqs": {regions, facts, roles},
		"iam": {queues, regions, facts},
	} {
		lacks := func(service, region string) bool { return service == lacking }
		s := engine.NewSnapshot(engine.Header{Read: []model.Place{{Account: "9"}}, Listed: p.Kinds, Skipped: p.Skips("moon", nil, lacks)})
		s.PutCell(p.Lost("9", why, lacks))
		var got []string
		for r := range engine.Evaluate(s, rules) {
			got = append(got, fmt.Sprintf("%s %s %q %s %s", r.Rule.ID, r.Resource.ID, r.Resource.Region, r.Status, r.Gap))
		}
		if !slices.Equal(got, want) {
			t.Errorf("without %q got\n%s", lacking, strings.Join(got, "\n"))
		}
	}
	// Each service of the plan that is not offered is named once, be it for a region or for the partition.
	lacks := func(service, region string) bool {
		return service == "sqs" || service == "sts" || service == "iam" && region == "us"
	}
	want := []engine.Skip{{Place: model.Place{Region: "us"}, Service: "iam", Reason: model.NotEnabled, Why: "AWS does not offer iam in us"},
		{Service: "sqs", Reason: model.NotEnabled, Why: "AWS does not offer sqs in moon"}}
	if got := p.Skips("moon", []string{"eu", "us"}, lacks); !slices.Equal(got, want) {
		t.Errorf("skips %v", got)
	}
}

// What another account owns, which the scan reads as well, is asked for there.
func TestOthers(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	service := func(At) []Call {
		return []Call{{
			Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}}, Abroad: true,
			Do: Regional(func(_ context.Context, found Found) error {
				for _, account := range []string{"", "2", "3"} {
					found(&Queue{Meta: model.Meta{ID: "q" + account, Account: account, Region: "eu"}})
				}
				return nil
			}),
		}, {
			Op: "sqs:GetQueueAttributes",
			Do: PerItem(func(_ context.Context, q *Queue) error {
				mu.Lock()
				asked = append(asked, q.ID)
				mu.Unlock()
				return nil
			}),
		}}
	}
	p, err := NewPlan([]Service{service}, table, []string{"collect.Queue.KMSKey"})
	if err != nil {
		t.Fatal(err)
	}
	places := []At{{Place: model.Place{Account: "1", Region: "eu"}}}
	s := engine.NewSnapshot(engine.Header{Read: []model.Place{places[0].Place}})
	(&Reading{Plan: p, Others: func(id string) bool { return id == "1" || id == "2" }}).Run(t.Context(), places, s)
	if slices.Sort(asked); !slices.Equal(asked, []string{"q", "q3"}) {
		t.Errorf("asked about %q", asked)
	}
}

// A Tagged resource, whose tags another service tells.
type Tagged struct {
	model.Meta `call:"x:ListTagged"`
	Tags       model.Attr[map[string]string] `json:"tags,omitzero" call:"tag:GetResources"`
}

func (*Tagged) Kind() model.Kind { return "Tagged" }

// read carries out a plan in regions of account 1, beside what is known of it, and returns what it came to, the cells, and what it asked.
func read(t *testing.T, service func(ask func(string)) Service, table model.Table, known []engine.Cell, lacks func(service, region string) bool, regions []string, reads ...string) (snapshot string, cells []engine.Cell, asked []string) {
	t.Helper()
	var mu sync.Mutex
	p, err := NewPlan([]Service{service(func(what string) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, what)
	})}, table, reads)
	if err != nil {
		t.Fatal(err)
	}
	h := engine.Header{Start: time.Unix(0, 0), Listed: p.Kinds}
	var places []At
	for _, region := range regions {
		places = append(places, At{Place: model.Place{Account: "1", Region: region}, Lacks: lacks})
		h.Read = append(h.Read, places[len(places)-1].Place)
	}
	s := engine.NewSnapshot(h)
	(&Reading{Plan: p, Known: known, Finished: func(c engine.Cell) {
		mu.Lock()
		defer mu.Unlock()
		cells = append(cells, c)
	}}).Run(t.Context(), places, s)
	var out bytes.Buffer
	if err := s.Save(&out); err != nil {
		t.Fatal(err)
	}
	_, lines, _ := strings.Cut(out.String(), "\n")
	lines, _, _ = strings.Cut(lines, `{"end"`)
	slices.Sort(asked)
	return lines, cells, asked
}

// What a cell of several regions tells holds for these regions: if others are asked, all are, or what is at home there would be missing.
// A cell of one region holds, whichever others are asked.
func TestOtherRegions(t *testing.T) {
	service := func(ask func(string)) Service {
		return func(at At) []Call {
			return []Call{{
				Op: "x:ListTeams", Lists: []model.Resource{&Team{}}, Abroad: true,
				Do: Regional(func(_ context.Context, found Found) error {
					ask(at.Region)
					found(&Team{Meta: model.Meta{ID: "of " + at.Region}})
					return nil
				}),
			}, {
				Op: "ec2:DescribeSnapshots", Lists: []model.Resource{&Snapshot{}},
				Do: Regional(func(context.Context, Found) error { ask("snapshots in " + at.Region); return nil }),
			}}
		}
	}
	both, few := []string{"eu", "us"}, []string{"eu"}
	for _, test := range []struct {
		reads       string
		first, then []string
		asked       []string
	}{
		{"collect.Team", both, both, nil},
		{"collect.Team", both, []string{"us", "eu"}, nil},
		{"collect.Team", both, few, few},
		{"collect.Team", few, both, both},
		{"collect.Snapshot", both, few, nil},
		{"collect.Snapshot", few, both, []string{"snapshots in us"}},
	} {
		_, known, _ := read(t, service, table, nil, nil, test.first, test.reads)
		want, _, _ := read(t, service, table, nil, nil, test.then, test.reads)
		got, cells, asked := read(t, service, table, known, nil, test.then, test.reads)
		if got != want || !slices.Equal(asked, test.asked) {
			t.Errorf("%s in %q, then in %q: asked %q, want %q; got\n%swant\n%s", test.reads, test.first, test.then, asked, test.asked, got, want)
		}
		if n := map[string]int{"collect.Team": 1, "collect.Snapshot": len(test.then)}[test.reads]; len(cells) != n {
			t.Errorf("%s in %q, then in %q: %d cells, want %d", test.reads, test.first, test.then, len(cells), n)
		}
	}
}

// Whoever belongs to an item may be missing although all is known of the item, if it is of another service.
func TestKnownParents(t *testing.T) {
	service := func(ask func(string)) Service {
		return func(at At) []Call {
			return []Call{{
				Op: "ssm:DescribeParameters", Lists: []model.Resource{&ssm.Parameter{}},
				Do: Regional(func(_ context.Context, found Found) error {
					ask("parameters")
					found(&ssm.Parameter{Meta: model.Meta{ID: "p"}})
					found(&ssm.Parameter{Meta: model.Meta{ID: "q"}})
					return nil
				}),
			}, {
				Op: "x:ListTasks", Lists: []model.Resource{&Task{}},
				Do: PerParent(func(_ context.Context, p *ssm.Parameter, found Found) error {
					ask(p.ID)
					found(&Task{Meta: model.Meta{ID: "of " + p.ID}})
					return nil
				}),
			}}
		}
	}
	table := model.NewTable(&ssm.Parameter{}, &Task{}, &Team{})
	want, cells, _ := read(t, service, table, nil, nil, []string{"eu"}, "collect.Task", "ssm.Parameter")
	for name, asks := range map[string][]string{"": nil, "ssm": {"p", "parameters", "q"}, "collect": {"p", "q"}} {
		known := slices.DeleteFunc(slices.Clone(cells), func(c engine.Cell) bool { return c.Service == name })
		got, _, asked := read(t, service, table, known, nil, []string{"eu"}, "collect.Task", "ssm.Parameter")
		if got != want {
			t.Errorf("without the cell %q got\n%swant\n%s", name, got, want)
		}
		if !slices.Equal(asked, asks) {
			t.Errorf("without the cell %q it asks about %q, want %q", name, asked, asks)
		}
	}
}

// What one region tells of all that is there says nothing of what is at home elsewhere, though it was seen from there.
func TestTagsAbroad(t *testing.T) {
	service := func(ask func(string)) Service {
		return func(at At) []Call {
			return []Call{{
				Op: "x:ListTagged", Lists: []model.Resource{&Tagged{}}, Abroad: true,
				Do: Regional(func(_ context.Context, found Found) error {
					found(&Tagged{Meta: model.Meta{ID: "here"}})
					found(&Tagged{Meta: model.Meta{ID: "there", Region: "ap"}})
					found(&Tagged{Meta: model.Meta{ID: "theirs", Account: "2"}})
					return nil
				}),
			}, {
				Op: "tag:GetResources",
				Do: PerRegionOfAll(func(_ context.Context, _ []*model.Type, all []model.Resource) error {
					for _, r := range all {
						ask(r.About().ID)
						model.SetTags(r, nil)
					}
					return nil
				}),
			}}
		}
	}
	got, _, asked := read(t, service, model.NewTable(&Tagged{}), nil, nil, []string{"eu"}, "collect.Tagged.Tags")
	gap := func(why string) string {
		return `"gaps":[{"reason":"outside-scan","call":"tag:GetResources","detail":"` + why + `"}]}` + "\n"
	}
	want := `{"kind":"Tagged","id":"there","account":"1","region":"ap",` + gap("ap was not read") +
		`{"kind":"Tagged","id":"here","account":"1","region":"eu","tags":{}}` + "\n" +
		`{"kind":"Tagged","id":"theirs","account":"2","region":"eu","shared":["1"],` + gap("account 2 owns it")
	if got != want || !slices.Equal(asked, []string{"here"}) {
		t.Errorf("asked about %q, got\n%swant\n%s", asked, got, want)
	}
}

// What AWS does not offer in a region is not called there, and lists nothing: no hole says that there might be something. What only
// that service could tell of other things is not known, nor what a reference into it means.
func TestNotOffered(t *testing.T) {
	table := model.NewTable(&Queue{}, &Key{}, &Snapshot{}, &ssm.Parameter{}, &Task{}, &Team{}, &Region{}, &Facts{})
	service := func(ask func(string)) Service {
		return func(at At) []Call {
			calls := []Call{{
				Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}},
				Do: Regional(func(_ context.Context, found Found) error {
					found(&Queue{Meta: model.Meta{ID: "q"}})
					return nil
				}),
			}, {
				Op: "sqs:GetQueueAttributes",
				Do: PerItem(func(_ context.Context, q *Queue) error {
					q.KMSKey = model.Known("arn:aws:kms:us:1:key/k") // in the other region, too
					return nil
				}),
			}, {
				Op: "kms:DescribeKey", Lists: []model.Resource{&Key{}},
				Do: ByReference("AWS::KMS::Key", 1, nil, func(_ context.Context, refs []string, found Found) error {
					ask("kms " + at.Region)
					found(&Key{Meta: model.Meta{ID: refs[0], Region: "us"}})
					return nil
				}), Abroad: true,
			}, {
				Op: "ec2:DescribeSnapshots", Lists: []model.Resource{&Snapshot{}},
				Do: Regional(func(context.Context, Found) error { ask("snapshots " + at.Region); return nil }),
			}, {
				Op: "ec2:DescribeSnapshots#public",
				Do: PerRegion(func(context.Context, []*Snapshot) error { return nil }),
			}, {
				Op: "ec2:GetDefault",
				Do: PerItem(func(_ context.Context, r *Region) error {
					ask("default " + at.Region)
					r.Default = model.Known(true)
					return nil
				}),
			}, {
				Op: "ssm:DescribeParameters", Lists: []model.Resource{&ssm.Parameter{}},
				Do: Regional(func(_ context.Context, found Found) error {
					found(&ssm.Parameter{Meta: model.Meta{ID: "p"}})
					if at.Region == "us" { // there may be more, and tasks of them
						return denied()
					}
					return nil
				}),
			}, {
				Op: "x:ListTasks", Lists: []model.Resource{&Task{}},
				Do: PerParent(func(context.Context, *ssm.Parameter, Found) error { ask("tasks " + at.Region); return nil }),
			}, {
				Op: "iam:Get",
				Do: PerItem(func(_ context.Context, f *Facts) error { ask("facts"); f.Alias = model.Known("a"); return nil }),
			}}
			return calls
		}
	}
	reads := []string{"collect.Queue.KMSKey", "collect.Key", "collect.Snapshot.Public", "collect.Region.Default", "collect.Facts.Alias", "collect.Task"}
	region := func(name string) string {
		return fmt.Sprintf(`{"kind":"AWS::EC2::Region","id":"%[1]s","account":"1","region":"%[1]s","gaps":[{"reason":"not-enabled","call":"ec2:GetDefault","detail":"AWS does not offer ec2 in %[1]s"}]}`, name)
	}
	key := func(from string) string {
		return `{"unlisted":"AWS::KMS::Key","account":"1","region":"` + from + `","id":"arn:aws:kms:us:1:key/k","gap":{"reason":"not-enabled","call":"kms:DescribeKey","detail":"AWS does not offer kms in us"}}`
	}
	const parameters = `{"unlisted":"AWS::SSM::Parameter","account":"1","region":"us","gap":{"reason":"access-denied","call":"ssm:DescribeParameters","detail":"AccessDenied"}}`
	const tasks = `{"unlisted":"Task","account":"1","region":"us","gap":{"reason":"access-denied","call":"x:ListTasks","detail":"needs ssm:DescribeParameters"}}`
	for _, test := range []struct {
		lacks, asked string
		gaps         []string
	}{
		{"", "default eu, default us, facts, kms eu, kms us, snapshots eu, snapshots us, tasks eu, tasks us", []string{parameters, tasks}},
		{"ec2 eu", "default us, facts, kms eu, kms us, snapshots us, tasks eu, tasks us", []string{region("eu"), parameters, tasks}},
		{"ec2", "facts, kms eu, kms us, tasks eu, tasks us", []string{region("eu"), region("us"), parameters, tasks}},
		{"kms us", "default eu, default us, facts, snapshots eu, snapshots us, tasks eu, tasks us", []string{key("eu"), key("us"), parameters, tasks}},
		{"sqs", "default eu, default us, facts, snapshots eu, snapshots us, tasks eu, tasks us", []string{parameters, tasks}},
		{"x", "default eu, default us, facts, kms eu, kms us, snapshots eu, snapshots us", []string{parameters}},
		{"iam", "default eu, default us, kms eu, kms us, snapshots eu, snapshots us, tasks eu, tasks us", []string{
			`{"kind":"AWS::IAM::Account","id":"1","account":"1","gaps":[{"reason":"not-enabled","call":"iam:Get","detail":"AWS does not offer iam in eu"}]}`, parameters, tasks}},
	} {
		lacks := func(service, region string) bool { return test.lacks == service || test.lacks == service+" "+region }
		got, _, asked := read(t, service, table, nil, lacks, []string{"eu", "us"}, reads...)
		if asked := strings.Join(asked, ", "); asked != test.asked {
			t.Errorf("without %q it asks %q, want %q", test.lacks, asked, test.asked)
		}
		var gaps []string
		for line := range strings.Lines(got) {
			if strings.Contains(line, `"gap`) {
				gaps = append(gaps, strings.TrimSpace(line))
			}
		}
		if !slices.Equal(gaps, test.gaps) {
			t.Errorf("without %q there is\n%s\nwant\n%s", test.lacks, strings.Join(gaps, "\n"), strings.Join(test.gaps, "\n"))
		}
	}
}

// Requests on which most depends go first, those of earlier accounts before all others; who gives up frees nothing twice.
func TestGate(t *testing.T) {
	g := &Gate{free: 1}
	if err := g.enter(t.Context(), rank{}); err != nil {
		t.Fatal(err)
	}
	order := make(chan string)
	wait := func(name string, r rank) {
		before := g.length()
		go func() {
			if err := g.enter(t.Context(), r); err == nil {
				order <- name
			}
		}()
		for g.length() == before {
		}
	}
	wait("leaf", rank{0, 1})
	wait("later account", rank{1, 9})
	wait("list", rank{0, 3})
	wait("second leaf", rank{0, 1})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	before := g.length()
	go func() { gone <- g.enter(ctx, rank{0, 8}) }()
	for g.length() == before {
	}
	cancel()
	if err := <-gone; err == nil {
		t.Error("let through although it was cancelled")
	}
	for _, want := range []string{"list", "leaf", "second leaf", "later account"} {
		g.leave()
		if got := <-order; got != want {
			t.Errorf("%s goes before %s", got, want)
		}
	}
	if g.leave(); g.free != 1 || g.length() != 0 {
		t.Errorf("%d free, %d waiting", g.free, g.length())
	}
}

func (g *Gate) length() int { g.mu.Lock(); defer g.mu.Unlock(); return len(g.waiting) }

type (
	Facts struct {
		model.Meta `scope:"account"`
		Alias      model.Attr[string] `json:"alias,omitzero" call:"iam:Get"`
	}
	Role struct {
		model.Meta `call:"iam:ListRoles" scope:"global"`
	}
)

func (*Facts) Kind() model.Kind { return "AWS::IAM::Account" }
func (*Role) Kind() model.Kind  { return "AWS::IAM::Role" }
