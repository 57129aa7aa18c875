package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"awsscanner/internal/engine"
	"awsscanner/internal/model"
)

// Kinds for these tests alone.
type (
	Queue struct {
		model.Meta `call:"sqs:ListQueues"`
		KMSKey     model.Attr[string] `json:"kmsKey,omitzero" call:"sqs:GetQueueAttributes"        ref:"AWS::KMS::Key"`
		Either     model.Attr[string] `json:"either,omitzero" call:"sqs:ListQueues|sqs:GetEither"`
	}
	Snapshot struct {
		model.Meta `call:"ec2:DescribeSnapshots"`
		Public     model.Attr[bool] `json:"public,omitzero" call:"ec2:DescribeSnapshots#public"`
	}
	Region struct {
		model.Meta `scope:"region"`
		Default    model.Attr[bool] `json:"default,omitzero" call:"ec2:GetDefault"`
	}
	Key struct {
		model.Meta `call:"kms:DescribeKey" scope:"ref"`
		State      model.Attr[string] `json:"state,omitzero" call:"kms:DescribeKey"`
	}
	User struct {
		model.Meta `call:"iam:ListUsers" scope:"global"`
		Keys       model.Attr[[]string] `json:"keys,omitzero" call:"iam:ListAccessKeys"`
	}
	AccessKey struct {
		model.Meta `call:"iam:ListAccessKeys" scope:"global"`
		Used       model.Attr[string] `json:"used,omitzero" call:"iam:GetAccessKeyLastUsed"`
	}
	Team struct { // both listed and referred to
		model.Meta `call:"x:ListTeams" refs:"x:GetTeam"`
		Lead       model.Attr[string] `json:"lead,omitzero" call:"x:GetTeam"`
	}
	Task struct {
		model.Meta `call:"x:ListTasks"`
		Team       model.Attr[string] `json:"team,omitzero" call:"x:ListTasks" ref:"Team"`
	}
)

func (*Queue) Kind() model.Kind    { return "AWS::SQS::Queue" }
func (*Snapshot) Kind() model.Kind { return "AWS::EC2::Snapshot" }
func (*Region) Kind() model.Kind   { return "AWS::EC2::Region" }
func (*Key) Kind() model.Kind      { return "AWS::KMS::Key" }
func (*Team) Kind() model.Kind     { return "Team" }
func (*Task) Kind() model.Kind     { return "Task" }

func (*User) Kind() model.Kind      { return "AWS::IAM::User" }
func (*AccessKey) Kind() model.Kind { return "AWS::IAM::AccessKey" }

var table = model.NewTable(&Queue{}, &Snapshot{}, &Region{}, &Key{}, &Team{}, &Task{}, &User{}, &AccessKey{})

func denied() error { return &smithy.GenericAPIError{Code: "AccessDenied"} }

// scan runs a plan in two regions and describes what it put into the snapshot.
func scan(t *testing.T, ctx context.Context, service Service, reads ...string) string {
	t.Helper()
	p, err := NewPlan([]Service{service}, table, reads)
	if err != nil {
		t.Fatal(err)
	}
	return run(t, ctx, p)
}

func run(t *testing.T, ctx context.Context, p *Plan) string {
	t.Helper()
	places := []At{{Place: model.Place{Account: "1", Region: "eu"}}, {Place: model.Place{Account: "1", Region: "us"}}}
	s := engine.NewSnapshot(engine.Header{Start: time.Unix(0, 0), Read: []model.Place{places[0].Place, places[1].Place}})
	p.Run(ctx, places, s)
	var out bytes.Buffer
	if err := s.Save(&out); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Load(bytes.NewReader(out.Bytes()), table); err != nil {
		t.Error(err)
	}
	return out.String()
}

func wantLines(t *testing.T, got string, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains(got, l+"\n") {
			t.Errorf("missing %s in\n%s", l, got)
		}
	}
	if n := strings.Count(got, "\n") - 2; n != len(lines) {
		t.Errorf("%d lines, want %d:\n%s", n, len(lines), got)
	}
}

// queues lists queues in eu, and asks for them two at a time.
func queues(ids []string, fill func([]*Queue) error) Service {
	return func(at At) []Call {
		return []Call{{
			Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}},
			Do: Regional(func(_ context.Context, found Found) error {
				for _, id := range ids {
					if at.Region == "eu" {
						q := &Queue{Meta: model.Meta{ID: id}}
						if id == "0" {
							q.Either = model.Known("listed")
						}
						found(q)
					}
				}
				return nil
			}),
		}, {
			Op:   "sqs:GetQueueAttributes",
			When: If(func(q *Queue) bool { return q.ID != "4" }),
			Do:   PerBatch(2, func(_ context.Context, qs []*Queue) error { return fill(qs) }),
		}, {
			Op: "sqs:GetEither",
			Do: PerItem(func(_ context.Context, q *Queue) error {
				if q.ID == "2" {
					return denied()
				}
				q.Either = model.Known("asked")
				return nil
			}),
		}}
	}
}

func TestBatch(t *testing.T) {
	var mu sync.Mutex
	var made []string
	service := queues([]string{"0", "1", "2", "3", "4"}, func(qs []*Queue) error {
		mu.Lock()
		made = append(made, qs[0].ID)
		mu.Unlock()
		qs[0].KMSKey = model.Known("half an answer")
		if qs[0].ID == "2" {
			return denied()
		}
		qs[1].KMSKey = model.Known("k")
		return nil
	})
	gap := `"gaps":[{"reason":"access-denied","call":"sqs:GetQueueAttributes","detail":"AccessDenied"}]`
	wantLines(t, scan(t, t.Context(), service, "collect.Queue.KMSKey"),
		`{"kind":"AWS::SQS::Queue","id":"0","account":"1","region":"eu","kmsKey":"half an answer","either":"listed"}`,
		`{"kind":"AWS::SQS::Queue","id":"1","account":"1","region":"eu","kmsKey":"k"}`,
		`{"kind":"AWS::SQS::Queue","id":"2","account":"1","region":"eu",`+gap+`}`,
		`{"kind":"AWS::SQS::Queue","id":"3","account":"1","region":"eu",`+gap+`}`,
		`{"kind":"AWS::SQS::Queue","id":"4","account":"1","region":"eu"}`)
	if len(made) != 2 {
		t.Errorf("batches %q", made)
	}
	made = nil
	if scan(t, t.Context(), service, "collect.Queue"); made != nil {
		t.Errorf("nobody reads what the batches %q fill", made)
	}
}

// The second choice is asked only about what the first did not tell.
func TestEither(t *testing.T) {
	wantLines(t, scan(t, t.Context(), queues([]string{"0", "1", "2"}, nil), "collect.Queue.Either"),
		`{"kind":"AWS::SQS::Queue","id":"0","account":"1","region":"eu","either":"listed"}`,
		`{"kind":"AWS::SQS::Queue","id":"1","account":"1","region":"eu","either":"asked"}`,
		`{"kind":"AWS::SQS::Queue","id":"2","account":"1","region":"eu","gaps":[{"reason":"access-denied","call":"sqs:GetEither","detail":"AccessDenied"}]}`)
}

// A resource without an ID is a garbled answer, not a resource; a panic while copying is one too.
func TestGarbled(t *testing.T) {
	wantLines(t, scan(t, t.Context(), queues([]string{"0", ""}, nil), "collect.Queue"),
		`{"kind":"AWS::SQS::Queue","id":"0","account":"1","region":"eu","either":"listed"}`,
		`{"unlisted":"AWS::SQS::Queue","account":"1","region":"eu","gap":{"reason":"call-failed","call":"sqs:ListQueues","detail":"the answer lists a AWS::SQS::Queue without an ID"}}`)
	wantLines(t, scan(t, t.Context(), queues([]string{"0"}, func([]*Queue) error { panic("oops") }), "collect.Queue.KMSKey"),
		`{"kind":"AWS::SQS::Queue","id":"0","account":"1","region":"eu","gaps":[{"reason":"call-failed","call":"sqs:GetQueueAttributes","detail":"panic: oops"}],"either":"listed"}`)
}

// A scan that is stopped keeps what it has and says of the rest that it was stopped.
func TestStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	service := queues([]string{"0"}, func([]*Queue) error { stop(); return ctx.Err() })
	got := scan(t, ctx, service, "collect.Queue.KMSKey") // where the other region's list may be stopped too
	if !strings.Contains(got, `{"kind":"AWS::SQS::Queue","id":"0","account":"1","region":"eu","gaps":[{"reason":"stopped","call":"sqs:GetQueueAttributes"}],"either":"listed"}`) {
		t.Error(got)
	}
	wantLines(t, scan(t, ctx, service, "collect.Queue"),
		`{"unlisted":"AWS::SQS::Queue","account":"1","region":"eu","gap":{"reason":"stopped","call":"sqs:ListQueues"}}`,
		`{"unlisted":"AWS::SQS::Queue","account":"1","region":"us","gap":{"reason":"stopped","call":"sqs:ListQueues"}}`)
}

// One call for a whole region tells which of the listed snapshots are public.
func TestRegionWide(t *testing.T) {
	wantLines(t, scan(t, t.Context(), func(at At) []Call {
		return []Call{{
			Op: "ec2:DescribeSnapshots", Lists: []model.Resource{&Snapshot{}},
			Do: Regional(func(_ context.Context, found Found) error {
				found(&Snapshot{Meta: model.Meta{ID: "a"}})
				found(&Snapshot{Meta: model.Meta{ID: "b"}})
				return nil
			}),
		}, {
			Op: "ec2:DescribeSnapshots#public",
			Do: PerRegion(func(_ context.Context, all []*Snapshot) error {
				if at.Region == "us" {
					return denied()
				}
				for _, s := range all {
					s.Public = model.Known(s.ID == "a")
				}
				return nil
			}),
		}}
	}, "collect.Snapshot.Public"),
		`{"kind":"AWS::EC2::Snapshot","id":"a","account":"1","region":"eu","public":true}`,
		`{"kind":"AWS::EC2::Snapshot","id":"b","account":"1","region":"eu","public":false}`,
		`{"kind":"AWS::EC2::Snapshot","id":"a","account":"1","region":"us","gaps":[{"reason":"access-denied","call":"ec2:DescribeSnapshots#public","detail":"AccessDenied"}]}`,
		`{"kind":"AWS::EC2::Snapshot","id":"b","account":"1","region":"us","gaps":[{"reason":"access-denied","call":"ec2:DescribeSnapshots#public","detail":"AccessDenied"}]}`)
}

// What others refer to is asked for once; each reference has an answer of its own: a key, none, or a gap.
// A denied key of another account is nobody's fault here.
func TestByReference(t *testing.T) {
	keys := map[string]string{"0": "k", "1": "alias/k", "2": "k", "3": "gone", "5": "dark", "6": "alias/aws/x", "7": "arn:aws:kms:eu:2:key/far"}
	var mu sync.Mutex
	var asked []string
	service := func(at At) []Call {
		calls := queues([]string{"0", "1", "2", "3", "5", "6", "7"}, func(qs []*Queue) error {
			for _, q := range qs {
				q.KMSKey = model.Known(keys[q.ID])
			}
			return nil
		})(at)
		return append(calls, Call{Op: "kms:DescribeKey", Lists: []model.Resource{&Key{}}, Absent: []string{"NotFound"},
			Do: ByReference("AWS::KMS::Key", 1, func(ref string) bool { return !strings.HasPrefix(ref, "alias/aws/") },
				func(_ context.Context, refs []string, found Found) error {
					mu.Lock()
					asked = append(asked, refs...)
					mu.Unlock()
					switch ref := refs[0]; {
					case strings.HasSuffix(ref, "gone"):
						return &smithy.GenericAPIError{Code: "NotFound"}
					case strings.HasSuffix(ref, "dark"), strings.HasSuffix(ref, "far"):
						return denied()
					}
					found(&Key{Meta: model.Meta{ID: "k"}, State: model.Known("Enabled")})
					return nil
				})})
	}
	var lines []string
	for line := range strings.Lines(scan(t, t.Context(), service, "collect.Queue.KMSKey", "collect.Key.State")) {
		if strings.Contains(line, "KMS::Key") && !strings.Contains(line, `"schema"`) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	want := []string{
		`{"kind":"AWS::KMS::Key","id":"k","account":"1","region":"eu","refs":["alias/k"],"state":"Enabled"}`,
		`{"unlisted":"AWS::KMS::Key","account":"1","region":"eu","id":"arn:aws:kms:eu:2:key/far","gap":{"reason":"outside-scan","call":"kms:DescribeKey","detail":"account 2 owns it and does not let this one read it"}}`,
		`{"unlisted":"AWS::KMS::Key","account":"1","region":"eu","id":"dark","gap":{"reason":"access-denied","call":"kms:DescribeKey","detail":"AccessDenied"}}`,
		`{"absent":"AWS::KMS::Key","account":"1","region":"eu","id":"gone"}`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	slices.Sort(asked)
	if !slices.Equal(asked, []string{"alias/k", "arn:aws:kms:eu:2:key/far", "dark", "gone", "k"}) {
		t.Errorf("asked for %q", asked)
	}
	// A rule that reads keys alone, and another that reads the references alone, follow none.
	p, err := NewPlan([]Service{service}, table, []string{"collect.Queue.KMSKey"}, []string{"collect.Key.State"})
	if err != nil || len(p.follow) != 0 {
		t.Errorf("follows %v, %v", p.follow, err)
	}
}

// What belongs to items is listed item by item. Where one fails, its own attribute is a gap, and there may be more of the kind;
// where the items are not known, so is all that belongs to them.
func TestPerParent(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	service := func(users error) Service {
		return func(at At) []Call {
			return []Call{{
				Op: "iam:ListUsers", Lists: []model.Resource{&User{}},
				Do: Global(func(_ context.Context, found Found) error {
					for _, id := range []string{"none", "two", "dark"} {
						found(&User{Meta: model.Meta{ID: id}})
					}
					return users
				}),
			}, {
				Op: "iam:ListAccessKeys", Lists: []model.Resource{&AccessKey{}}, Absent: []string{"NoSuchEntity"},
				Do: PerParent(func(_ context.Context, u *User, found Found) error {
					mu.Lock()
					asked = append(asked, at.Region+" "+u.ID)
					mu.Unlock()
					switch u.ID {
					case "none":
						return &smithy.GenericAPIError{Code: "NoSuchEntity"}
					case "two":
						found(&AccessKey{Meta: model.Meta{ID: "a"}})
						found(&AccessKey{Meta: model.Meta{ID: "b"}})
						u.Keys = model.Known([]string{"a", "b"})
						return nil
					}
					found(&AccessKey{Meta: model.Meta{ID: "c"}})
					return denied()
				}),
			}, {
				Op: "iam:GetAccessKeyLastUsed",
				Do: PerItem(func(_ context.Context, k *AccessKey) error { k.Used = model.Known("yes"); return nil }),
			}}
		}
	}
	found := []string{
		`{"kind":"AWS::IAM::AccessKey","id":"a","account":"1","used":"yes"}`,
		`{"kind":"AWS::IAM::AccessKey","id":"b","account":"1","used":"yes"}`,
		`{"kind":"AWS::IAM::AccessKey","id":"c","account":"1","used":"yes"}`,
		`{"unlisted":"AWS::IAM::AccessKey","account":"1","gap":{"reason":"access-denied","call":"iam:ListAccessKeys","detail":"AccessDenied"}}`,
		`{"kind":"AWS::IAM::User","id":"dark","account":"1","gaps":[{"reason":"access-denied","call":"iam:ListAccessKeys","detail":"AccessDenied"}]}`,
		`{"kind":"AWS::IAM::User","id":"none","account":"1","keys":[]}`,
		`{"kind":"AWS::IAM::User","id":"two","account":"1","keys":["a","b"]}`,
	}
	wantLines(t, scan(t, t.Context(), service(nil), "collect.AccessKey.Used"), found...)
	if slices.Sort(asked); !slices.Equal(asked, []string{"eu dark", "eu none", "eu two"}) {
		t.Errorf("asked for %q", asked)
	}
	wantLines(t, scan(t, t.Context(), service(&smithy.GenericAPIError{Code: "Throttling"}), "collect.AccessKey.Used"), append(found,
		`{"unlisted":"AWS::IAM::User","account":"1","gap":{"reason":"throttled","call":"iam:ListUsers","detail":"Throttling"}}`,
		`{"unlisted":"AWS::IAM::AccessKey","account":"1","gap":{"reason":"throttled","call":"iam:ListAccessKeys","detail":"needs iam:ListUsers"}}`)...)
}

// What is listed and referred to as well is asked for once. Who only follows references makes no list; what a list
// shows without telling more of it is asked for only if somebody reads that.
func TestListedAndReferred(t *testing.T) {
	arn := func(region, id string) string { return "arn:aws:x:" + region + ":1:team/" + id }
	const gone, dark = `{"absent":"Team","account":"1","region":"eu","id":"gone"}`, `"gap":{"reason":"access-denied","call":"x:ListTeams","detail":"AccessDenied"}}`
	team := func(region, id, rest string) string {
		return `{"kind":"Team","id":"` + id + `","arn":"` + arn(region, id) + `","account":"1","region":"` + region + `"` + rest + `}`
	}
	for _, test := range []struct {
		name       string
		reads      [][]string
		dark       bool // teams cannot be listed
		want, asks []string
	}{
		{"all", [][]string{{"collect.Task.Team", "collect.Team.Lead"}, {"collect.Team.Lead"}}, false,
			[]string{team("eu", "a", `,"refs":["nick"],"lead":"x"`), team("eu", "b", `,"lead":"x"`), team("eu", "locked", `,"gaps":[{"reason":"access-denied","call":"x:GetTeam","detail":"AccessDenied"}]`), team("us", "c", `,"lead":"x"`), gone},
			[]string{"eu gone", "eu nick", "eu " + arn("eu", "b"), "eu " + arn("eu", "locked"), "us " + arn("us", "c")}},
		{"all, by one rule", [][]string{{"collect.Task.Team", "collect.Team.Lead", "collect.Team"}}, false,
			[]string{team("eu", "a", `,"refs":["nick"],"lead":"x"`), team("eu", "b", `,"lead":"x"`), team("eu", "locked", `,"gaps":[{"reason":"access-denied","call":"x:GetTeam","detail":"AccessDenied"}]`), team("us", "c", `,"lead":"x"`), gone},
			[]string{"eu gone", "eu nick", "eu " + arn("eu", "b"), "eu " + arn("eu", "locked"), "us " + arn("us", "c")}},
		{"no references", [][]string{{"collect.Team.Lead"}}, false,
			[]string{team("eu", "a", `,"lead":"x"`), team("eu", "b", `,"lead":"x"`), team("eu", "locked", `,"gaps":[{"reason":"access-denied","call":"x:GetTeam","detail":"AccessDenied"}]`), team("us", "c", `,"lead":"x"`)},
			[]string{"eu " + arn("eu", "a"), "eu " + arn("eu", "b"), "eu " + arn("eu", "locked"), "us " + arn("us", "c")}},
		{"names alone", [][]string{{"collect.Team"}}, false, []string{team("eu", "a", ""), team("eu", "b", ""), team("eu", "locked", ""), team("us", "c", "")}, nil},
		{"references alone", [][]string{{"collect.Task.Team", "collect.Team.Lead"}}, false,
			[]string{team("eu", "a", `,"refs":["nick"],"lead":"x"`), team("us", "c", `,"lead":"x"`), gone},
			[]string{"eu a", "eu gone", "eu nick", "eu " + arn("us", "c")}},
		{"no list", [][]string{{"collect.Task.Team", "collect.Team.Lead", "collect.Team"}}, true,
			[]string{team("eu", "a", `,"refs":["nick"],"lead":"x"`), team("us", "c", `,"lead":"x"`), `{"unlisted":"Team","account":"1","region":"eu",` + dark, `{"unlisted":"Team","account":"1","region":"us",` + dark, gone},
			[]string{"eu a", "eu gone", "eu nick", "eu " + arn("us", "c")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			var asks []string
			service := func(at At) []Call {
				return []Call{{
					Op: "x:ListTasks", Lists: []model.Resource{&Task{}},
					Do: Regional(func(_ context.Context, found Found) error {
						for _, team := range []string{"a", "nick", "gone", arn("us", "c")} {
							if at.Region == "eu" {
								found(&Task{Meta: model.Meta{ID: "of " + team}, Team: model.Known(team)})
							}
						}
						return nil
					}),
				}, {
					Op: "x:ListTeams", Lists: []model.Resource{&Team{}},
					Do: Regional(func(_ context.Context, found Found) error {
						if test.dark {
							return denied()
						}
						for _, id := range map[string][]string{"eu": {"a", "b", "locked"}, "us": {"c"}}[at.Region] {
							found(&Team{Meta: model.Meta{ID: id, ARN: arn(at.Region, id)}})
						}
						return nil
					}),
				}, {
					Op: "x:GetTeam", Lists: []model.Resource{&Team{}}, Abroad: true, Absent: []string{"NotFound"},
					Do: ByReference("Team", 1, nil, func(_ context.Context, refs []string, found Found) error {
						mu.Lock()
						asks = append(asks, at.Region+" "+refs[0])
						mu.Unlock()
						m := model.Meta{ID: refs[0], Region: at.Region}
						if x, ok := model.ParseARN(refs[0]); ok {
							m.ID, m.Region = strings.TrimPrefix(x.Resource, "team/"), x.Region
						}
						switch m.ID {
						case "gone":
							return &smithy.GenericAPIError{Code: "NotFound"}
						case "locked":
							return denied()
						case "nick":
							m.ID = "a"
						}
						m.ARN = arn(m.Region, m.ID)
						found(&Team{Meta: m, Lead: model.Known("x")})
						return nil
					}),
				}}
			}
			p, err := NewPlan([]Service{service}, table, test.reads...)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for line := range strings.Lines(run(t, t.Context(), p)) {
				if strings.HasPrefix(line, `{"kind":"Team"`) || strings.HasPrefix(line, `{"unlisted"`) || strings.HasPrefix(line, `{"absent"`) {
					got = append(got, strings.TrimSpace(line))
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			slices.Sort(asks)
			slices.Sort(test.asks)
			if !slices.Equal(asks, test.asks) {
				t.Errorf("asked for %q, want %q", asks, test.asks)
			}
			if lists := slices.Contains(p.Kinds, "Team"); lists != (test.name != "references alone") || lists != slices.Contains(p.Ops, "x:ListTeams") {
				t.Errorf("kinds %q by %q", p.Kinds, p.Ops)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	nothing := Regional(func(context.Context, Found) error { return nil })
	regions := Call{Op: "ec2:GetDefault", Do: PerItem(func(context.Context, *Region) error { return nil })}
	snapshots := Call{Op: "ec2:DescribeSnapshots", Lists: []model.Resource{&Snapshot{}}, Do: nothing}
	for _, test := range []struct {
		calls []Call
		read  string
		want  string
	}{
		{[]Call{regions}, "collect.Region.Default", ""},
		{[]Call{regions}, "collect.Region.Nonsense", "no attribute"},
		{[]Call{regions}, "collect.Snapshot.Public", "no service makes the call ec2:DescribeSnapshots"},
		{[]Call{snapshots, snapshots}, "collect.Snapshot", "declared twice"},
		{[]Call{snapshots, {Op: "ec2:Other", Lists: snapshots.Lists}}, "collect.Snapshot", "listed by ec2:DescribeSnapshots"},
		{[]Call{{Op: snapshots.Op, Lists: snapshots.Lists, Do: Global(nil)}}, "collect.Snapshot", "differ in scope"},
		{[]Call{{Op: snapshots.Op, Lists: snapshots.Lists, Needs: []string{"collect.Snapshot.Public"}, Do: nothing}}, "collect.Snapshot", "needs itself"},
	} {
		p, err := NewPlan([]Service{func(At) []Call { return test.calls }}, table, []string{test.read})
		if err == nil && test.want == "" {
			if perm := p.Permissions(); !slices.Equal(perm, []string{test.calls[0].Op}) {
				t.Errorf("permissions %q", perm)
			}
		} else if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.read, err, test.want)
		}
	}
}

func TestGap(t *testing.T) {
	for _, test := range []struct {
		err          error
		want, detail string
	}{
		{&smithy.GenericAPIError{Code: "AccessDenied", Message: "because no resource-based policy allows it"}, "access-denied-resource", "AccessDenied: because no resource-based policy allows it"},
		{&smithy.GenericAPIError{Code: "UnauthorizedOperation", Message: "You are not authorized. Encoded authorization failure message: abc-DEF_123=="}, "access-denied", "UnauthorizedOperation: You are not authorized."},
		{&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "explicit deny in a service control policy"}, "access-denied-scp", "AccessDeniedException: explicit deny in a service control policy"},
		{&smithy.GenericAPIError{Code: "OptInRequired"}, "not-subscribed", "OptInRequired"},
		{&smithy.GenericAPIError{Code: "RequestLimitExceeded", Message: "slow, RequestID: 0a-1b"}, "throttled", "RequestLimitExceeded: slow"},
		{&smithy.GenericAPIError{Code: "ExpiredToken", Message: "late"}, "call-failed", "ExpiredToken: late"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), "timed-out", "no answer in time"},
		{fmt.Errorf("x: %w", &net.DNSError{Err: "no such host", Name: "sqs.eu.amazonaws.com"}), "call-failed", "the endpoint's name cannot be resolved"},
		{errors.New("dial sqs.eu-west-1.amazonaws.com:443: no route"), "call-failed", "dial the endpoint: no route"},
		{model.Missing{Gap: &model.Gap{Reason: model.Throttled, Call: "a:B"}}, "throttled", "needs a:B"},
	} {
		if g := GapOf("x:Y", test.err); string(g.Reason) != test.want || g.Detail != test.detail {
			t.Errorf("%v: %+v, want %s: %s", test.err, g, test.want, test.detail)
		}
	}
}

// In a region that is closed as a whole a service that was refused need not be asked again, unless it is about what has no region.
func TestPlaceless(t *testing.T) {
	closed := &smithy.GenericAPIError{Code: "AccessDenied", Message: "with an explicit deny in a service control policy"}
	services := queues(nil, nil)(At{})
	users := Call{Op: "iam:ListUsers", Lists: []model.Resource{&User{}}, Do: Global(func(context.Context, Found) error { return nil })}
	keys := Call{Op: "iam:ListAccessKeys", Lists: []model.Resource{&AccessKey{}}, Do: PerParent(func(context.Context, *User, Found) error { return nil })}
	used := Call{Op: "iam:GetAccessKeyLastUsed", Do: PerItem(func(context.Context, *AccessKey) error { return nil })}
	p, err := NewPlan([]Service{func(At) []Call { return append(services, users, keys, used) }}, table, []string{"collect.Queue.KMSKey", "collect.AccessKey.Used"})
	if err != nil {
		t.Fatal(err)
	}
	eu := model.Place{Account: "1", Region: "eu"}
	d := newDriver(Reading{Plan: p}, []At{{Place: eu}})
	for _, op := range []string{"a:List", "b:List", "iam:ListServerCertificates", "c:List"} {
		d.learn(eu, op, GapOf(op, closed))
	}
	if g := d.givenUp(eu, "sqs:ListQueues"); g != nil {
		t.Errorf("given up before the service was asked: %v", g)
	}
	d.learn(eu, "sqs:GetQueueUrl", GapOf("sqs:GetQueueUrl", closed))
	for _, op := range p.Ops {
		if g, asked := d.givenUp(eu, op), strings.HasPrefix(op, "iam:"); (g == nil) != asked {
			t.Errorf("%s: given up for %v", op, g)
		}
	}
	d.learn(eu, "iam:GetAccessKeyLastUsed", nil)
	if d.givenUp(eu, "sqs:ListQueues") == nil {
		t.Error("what IAM answers opened the region")
	}
}

// What is denied again and again is not asked for hundreds of times, nor what never answers; each item has its gap all the same.
func TestGiveUp(t *testing.T) {
	var ids []string
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("%03d", i))
	}
	for reason, err := range map[string]error{"access-denied": denied(), "timed-out": context.DeadlineExceeded, "throttled": &smithy.GenericAPIError{Code: "Throttling"}} {
		var made atomic.Int32
		got := scan(t, t.Context(), queues(ids, func([]*Queue) error { made.Add(1); return err }), "collect.Queue.KMSKey")
		if n := strings.Count(got, `"gaps":[{"reason":"`+reason+`","call":"sqs:GetQueueAttributes"`); n != len(ids) {
			t.Errorf("%s: %d of %d items have a gap", reason, n, len(ids))
		}
		if n := int(made.Load()); n > enough+concurrency {
			t.Errorf("%s: asked %d times", reason, n)
		}
	}
	// A success in between shows that it is worth trying.
	var made atomic.Int32
	scan(t, t.Context(), queues(ids, func(qs []*Queue) error {
		if made.Add(1)%50 == 0 {
			return denied()
		}
		return nil
	}), "collect.Queue.KMSKey")
	if n := made.Load(); n != 250 {
		t.Errorf("asked %d times, though most requests succeed", n)
	}
}

// A slow region holds up no other: what is asked about one region's queues does not wait for another region's list.
func TestSlowRegion(t *testing.T) {
	asked := make(chan struct{})
	service := func(at At) []Call {
		return []Call{{
			Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}},
			Do: Regional(func(_ context.Context, found Found) error {
				if at.Region == "us" {
					<-asked // for ever, if the other region waited for this one
				}
				found(&Queue{Meta: model.Meta{ID: at.Region}})
				return nil
			}),
		}, {
			Op: "sqs:GetQueueAttributes",
			Do: PerItem(func(_ context.Context, q *Queue) error {
				if q.Region == "eu" {
					close(asked)
				}
				q.KMSKey = model.Known("k")
				return nil
			}),
		}}
	}
	wantLines(t, scan(t, t.Context(), service, "collect.Queue.KMSKey"),
		`{"kind":"AWS::SQS::Queue","id":"eu","account":"1","region":"eu","kmsKey":"k"}`,
		`{"kind":"AWS::SQS::Queue","id":"us","account":"1","region":"us","kmsKey":"k"}`)
}

// A list that shows what is at home elsewhere must say so, or what is asked about it could come too early.
func TestAbroad(t *testing.T) {
	list := func(abroad bool) Service {
		return func(at At) []Call {
			return []Call{{Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}}, Abroad: abroad, Do: Regional(func(_ context.Context, found Found) error {
				found(&Queue{Meta: model.Meta{ID: "q", Region: "eu"}})
				return nil
			})}}
		}
	}
	wantLines(t, scan(t, t.Context(), list(true), "collect.Queue"), `{"kind":"AWS::SQS::Queue","id":"q","account":"1","region":"eu"}`)
	if got := scan(t, t.Context(), list(false), "collect.Queue"); !strings.Contains(got, "is not declared to list what is abroad") {
		t.Error(got)
	}
}

// Denied in one region says nothing of another; denied in several, and allowed in none, says it of the whole account.
func TestGiveUpAccount(t *testing.T) {
	for allowed, want := range map[string]int{"": enough, "r9": 10} {
		var mu sync.Mutex
		made := 0
		list := func(at At) []Call {
			return []Call{{Op: "sqs:ListQueues", Lists: []model.Resource{&Queue{}}, Do: Regional(func(context.Context, Found) error {
				mu.Lock()
				defer mu.Unlock()
				made++
				if at.Region == allowed {
					return nil
				}
				return denied()
			})}}
		}
		p, err := NewPlan([]Service{list}, table, []string{"collect.Queue"})
		if err != nil {
			t.Fatal(err)
		}
		h := engine.Header{Start: time.Unix(0, 0)}
		var places []At
		for i := range 10 {
			places = append(places, At{Place: model.Place{Account: "1", Region: fmt.Sprintf("r%d", i)}})
			h.Read = append(h.Read, places[i].Place)
		}
		slices.Reverse(places) // so that the allowed one comes first
		d := newDriver(Reading{Plan: p}, places)
		for at := range places {
			d.call(t.Context(), at, list(places[at])[0], in{})
		}
		if made != want || len(d.holes) != 10-len(allowed)/2 {
			t.Errorf("allowed in %q: %d calls, want %d; %d holes", allowed, made, want, len(d.holes))
		}
	}
}

type Bucket struct {
	model.Meta `call:"s3:ListBuckets" scope:"global"`
	Policy     model.Attr[string] `json:"policy,omitzero" call:"s3:GetBucketPolicy"`
}

func (*Bucket) Kind() model.Kind { return "AWS::S3::Bucket" }

// What one call lists for the whole account has its home somewhere: from there it is asked about. If the scan does not read that
// region it is asked about all the same, and judged; what comes of that says nothing about the place from which it is asked.
func TestListedGlobally(t *testing.T) {
	table := model.NewTable(&Bucket{})
	homes := map[string]string{"a": "eu", "b": "us", "nowhere": ""}
	for i := range 200 {
		homes[fmt.Sprintf("ap%03d", i)] = "ap"
		homes[fmt.Sprintf("eu%03d", i)] = "eu"
	}
	var mu sync.Mutex
	asked, lists, far := map[string]string{}, 0, 0
	service := func(at At) []Call {
		return []Call{{
			Op: "s3:ListBuckets", Lists: []model.Resource{&Bucket{}},
			Do: Global(func(_ context.Context, found Found) error {
				lists++
				for name, region := range homes {
					found(&Bucket{Meta: model.Meta{ID: name, Region: region}})
				}
				return nil
			}),
		}, {
			Op: "s3:GetBucketPolicy",
			Do: PerItem(func(_ context.Context, b *Bucket) error {
				mu.Lock()
				defer mu.Unlock()
				if b.Region == "ap" {
					far++
					return denied()
				}
				asked[b.ID] = at.Region
				b.Policy = model.Known("p")
				return nil
			}),
		}}
	}
	p, err := NewPlan([]Service{service}, table, []string{"collect.Bucket.Policy"})
	if err != nil {
		t.Fatal(err)
	}
	places := []At{{Place: model.Place{Account: "1", Region: "eu"}}, {Place: model.Place{Account: "1", Region: "us"}}}
	s := engine.NewSnapshot(engine.Header{Start: time.Unix(0, 0), Read: []model.Place{places[0].Place, places[1].Place}})
	p.Run(t.Context(), places, s)
	if lists != 1 || len(asked) != 203 || asked["a"] != "eu" || asked["b"] != "us" || asked["nowhere"] != "eu" {
		t.Errorf("%d lists; asked about %d: a in %s, b in %s, nowhere in %s", lists, len(asked), asked["a"], asked["b"], asked["nowhere"])
	}
	if far > enough+concurrency {
		t.Errorf("asked %d times about what is denied again and again", far)
	}
	judged := map[engine.Status]int{}
	rule := engine.Rule{ID: "s3-policy", Reads: []string{"collect.Bucket.Policy"}, Check: engine.Each(func(_ *engine.View, b *Bucket) engine.Verdict { return engine.Fail(b.Policy.Get()) })}
	for r := range engine.Evaluate(s, []engine.Rule{rule}) {
		judged[r.Status]++
	}
	if judged[engine.Failed] != 203 || judged[engine.NotAssessed] != 200 {
		t.Errorf("judged %v", judged)
	}
}
