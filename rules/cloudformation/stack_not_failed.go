package cloudformation

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudformation"
)

type stackNotFailed struct {
	MaxHours         int             `json:"max_hours"`
	StuckHours       int             `json:"stuck_hours"`
	Failed           []string        `json:"failed"`
	RollbackComplete engine.Severity `json:"rollback_complete"` // of a stack whose creation was undone
}

func (p *stackNotFailed) Validate() error {
	if p.MaxHours < 0 || p.StuckHours < 1 {
		return errors.New("max_hours must be at least 0, and stuck_hours at least 1")
	}
	if p.RollbackComplete < engine.Informational || p.RollbackComplete > engine.High {
		return errors.New("rollback_complete must be informational, low, medium or high")
	}
	for _, status := range p.Failed {
		if !cloudformation.Failed(status) {
			return fmt.Errorf("failed has %s, which is no failed status: nothing tells since when a stack is in it", status)
		}
	}
	return nil
}

// families finds a root stack and all that is nested in it.
var families = engine.NewIndex(func(s *cloudformation.Stack) []string { return []string{cmp.Or(s.Root.Get(), s.ID)} })

// stateful are the types that hold data, or the keys to it.
var stateful = []string{
	"AWS::Backup::BackupVault", "AWS::Cognito::UserPool", "AWS::DocDB::DBCluster", "AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table",
	"AWS::EC2::Volume", "AWS::ECR::Repository", "AWS::EFS::FileSystem", "AWS::ElastiCache::CacheCluster", "AWS::ElastiCache::ReplicationGroup",
	"AWS::ElastiCache::ServerlessCache", "AWS::Elasticsearch::Domain", "AWS::KMS::Key", "AWS::Kinesis::Stream", "AWS::Logs::LogGroup",
	"AWS::Neptune::DBCluster", "AWS::OpenSearchService::Domain", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::Redshift::Cluster", "AWS::S3::Bucket",
}

var _ = Rules.Add(engine.Rule{
	ID:       "cloudformation-stack-not-failed",
	Volatile: true,
	Title:    "CloudFormation stacks are not left in a failed or stuck state",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.High,
	Least:    engine.Informational,
	Pillars:  []engine.Pillar{engine.OperationalExcellence, engine.Reliability},
	Why: "What a failed stack describes is not what runs. Most failed states refuse updates, so that the next urgent change, " +
		"or the next security fix, cannot be rolled out until somebody has repaired the stack; and what a failed deletion left behind is paid for and forgotten.",
	Fix: engine.Fix{
		Text: "Read the oldest failed event of the last operation and repair its cause. Then continue the rollback (UPDATE_ROLLBACK_FAILED), roll back " +
			"or update again (CREATE_FAILED, UPDATE_FAILED), or delete the stack (ROLLBACK_COMPLETE, ROLLBACK_FAILED, DELETE_FAILED). Act on the root stack, never on a nested one.",
		CLI: `aws cloudformation describe-stack-events --stack-name <stack> --query "reverse(StackEvents[?ends_with(ResourceStatus,'_FAILED')])"
# UPDATE_ROLLBACK_FAILED
aws cloudformation continue-update-rollback --stack-name <stack>
# CREATE_FAILED, UPDATE_FAILED
aws cloudformation rollback-stack --stack-name <stack>
# ROLLBACK_COMPLETE, ROLLBACK_FAILED, DELETE_FAILED
aws cloudformation delete-stack --stack-name <stack>
# DELETE_FAILED alone: delete the stack, but keep some of what it could not delete
aws cloudformation delete-stack --stack-name <stack> --retain-resources <logical-ids>`,
		IaC: `# No template ends a failed state: use the commands. These two policies keep what holds data when the stack is deleted next time
Resources:
  <Bucket>:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain`,
		Breaks: "delete-stack destroys all that the stack holds, except for what has the deletion policy Retain or Snapshot; so does rollback-stack if the stack was never whole. " +
			"List it first with describe-stack-resources. A resource that a continued rollback skips no longer agrees with its template.",
		Undo: "A deletion has no way back: keep the template (aws cloudformation get-template) and back up the data first. " +
			"Resources that were retained can be imported into a new stack. After a rollback, update the stack again.",
		Effect: engine.Destroys,
	},
	Reads: []string{"cloudformation.Stack.Status", "cloudformation.Stack.StatusReason", "cloudformation.Stack.Root", "cloudformation.Stack.Began",
		"cloudformation.Stack.Since", "cloudformation.Stack.Failures"},

	// A nested stack fails and is repaired with its root, so that there is one finding per root. Source: API reference, ContinueUpdateRollback.
	Check: engine.EachWith(stackNotFailed{
		MaxHours: 6, StuckHours: 24, RollbackComplete: engine.Low,
		Failed: []string{"CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED"},
	}, func(v *engine.View, p *stackNotFailed, s *cloudformation.Stack) engine.Verdict {
		if s.Status.Get() == "DELETE_COMPLETE" {
			return engine.NotApplicable("is deleted")
		}
		family := families.At(v, s.ID)
		if id := s.Root.Get(); id != "" {
			if root, ok := engine.Find[*cloudformation.Stack](v, id); ok && root.Status.Get() != "DELETE_COMPLETE" {
				return engine.NotApplicable("reported with its root stack " + root.Name)
			}
			family = engine.Of([]*cloudformation.Stack{s})
		}
		for _, level := range []engine.Severity{engine.High, engine.Medium, engine.Low, engine.Informational} {
			if family.Any(func(x *cloudformation.Stack) bool { return p.judge(v, x).severity >= level }) {
				return p.fail(v, s, family).As(level)
			}
		}
		text, _, _ := p.gather(v, s, family, 0)
		return engine.Pass().Note(text)
	}),
})

// A state is how one stack is; severity 0 passes, perhaps with a remark.
type state struct {
	severity     engine.Severity
	text, advice string
}

func (p *stackNotFailed) judge(v *engine.View, s *cloudformation.Stack) state {
	hours := func(t time.Time) float64 { return v.Now().Sub(t).Hours() }
	status := s.Status.Get()
	switch {
	case status == "REVIEW_IN_PROGRESS": // was made for a change set, and is empty until that is executed
		if h := hours(s.Began.Get()); h > 30*24 {
			return state{engine.Informational, "is REVIEW_IN_PROGRESS for " + span(h), "Execute its change set, or delete the stack."}
		}
	case strings.HasSuffix(status, "_IN_PROGRESS"):
		h := hours(s.Began.Get())
		if h > float64(p.StuckHours) && cloudformation.EventsRead(status) { // a rollback, perhaps resumed since
			h = hours(s.Since.Get())
		}
		if h > float64(p.StuckHours) {
			return state{engine.Medium, fmt.Sprintf("is stuck in %s for %s, more than %d hours", status, span(h), p.StuckHours),
				"Its newest events tell which resource it waits for."}
		}
	case status == "ROLLBACK_COMPLETE" || slices.Contains(p.Failed, status):
		began, known := s.Began.Lookup() // not after the failure: if late enough, the events need not be known
		if p.MaxHours > 0 && (known && hours(began) < float64(p.MaxHours) || hours(s.Since.Get()) < float64(p.MaxHours)) {
			return state{text: fmt.Sprintf("is %s, but for less than %d hours", status, p.MaxHours)}
		}
		text := "is " + status
		if since, ok := s.Since.Lookup(); ok {
			text += " for " + span(hours(since))
		}
		if f, ok := cause(s); ok && f.Type != "AWS::CloudFormation::Stack" { // a nested stack tells its own cause
			text += fmt.Sprintf("; cause: %s (%s): %s", f.LogicalID, f.Type, f.Reason)
		}
		switch {
		case status == "ROLLBACK_COMPLETE":
			return state{p.RollbackComplete, text, advice(status)}
		case status == "UPDATE_ROLLBACK_FAILED", status == "DELETE_FAILED" && slices.ContainsFunc(s.Failures.Get(), holdsData):
			return state{engine.High, text, advice(status)}
		}
		return state{engine.Medium, text, advice(status)}
	case strings.HasSuffix(status, "_FAILED"):
		return state{text: "is " + status + ", which the parameter failed leaves out"}
	case strings.HasSuffix(status, "_ROLLBACK_COMPLETE"): // of an update or an import: works, and can be updated
		return state{text: "is " + status + ": its last change failed and was undone"}
	}
	return state{}
}

// gather says what can be seen of a stack and those nested in it, as far as it is at least so bad. Nested ones are listed
// once more by themselves. The verdict is certain by then: whatever cannot be seen is passed over.
func (p *stackNotFailed) gather(v *engine.View, s *cloudformation.Stack, family engine.Many[*cloudformation.Stack], least engine.Severity) (text, advice string, nested []string) {
	var texts []string
	family.Count(func(x *cloudformation.Stack) bool { // which, unlike the others, visits all and insists on none
		is := p.judge(v, x)
		switch {
		case is.text == "" || is.severity < least:
		case x == s:
			texts, advice = []string{is.text}, is.advice
		case x.Root.Get() == s.ID:
			nested = append(nested, x.Name+" "+is.text)
			advice = cmp.Or(advice, is.advice)
		}
		return false
	})
	for _, n := range nested {
		texts = append(texts, "nested stack "+n)
	}
	return strings.Join(texts, "; "), advice, nested
}

func (p *stackNotFailed) fail(v *engine.View, s *cloudformation.Stack, family engine.Many[*cloudformation.Stack]) engine.Verdict {
	text, advice, nested := p.gather(v, s, family, engine.Informational)
	fail := engine.Fail(text+". "+advice).With("status", s.Status).With("statusReason", s.StatusReason).With("began", s.Began)
	if cloudformation.Failed(s.Status.Get()) {
		fail = fail.With("since", s.Since)
		if since, ok := s.Since.Lookup(); ok && since.IsZero() {
			fail = fail.With("since", "longer ago than events tell")
		}
		if f, ok := cause(s); ok {
			fail = fail.With("cause", f)
		} else if !s.Failures.IsKnown() {
			fail = fail.With("cause", s.Failures)
		}
	}
	if len(nested) > 0 {
		fail = fail.With("nested", nested)
	}
	fail.FixKey = s.ID
	return fail
}

func holdsData(f cloudformation.Failure) bool { return slices.Contains(stateful, f.Type) }

// cancelled is what CloudFormation says of the resources that it gave up because another had failed.
var cancelled = regexp.MustCompile(`^Resource \w+ cancelled`)

// tokens are what tells one attempt from another, and nobody else.
var tokens = regexp.MustCompile(`,? *(Extended )?Request ID: [^,)"]*| *\(RequestToken: [^)]*\)`)

// cause returns the first failure that is none of these, if the failures are known.
func cause(s *cloudformation.Stack) (f cloudformation.Failure, ok bool) {
	all, _ := s.Failures.Lookup()
	i := slices.IndexFunc(all, func(f cloudformation.Failure) bool { return !cancelled.MatchString(f.Reason) })
	if i < 0 {
		return f, false
	}
	f = all[i]
	f.Reason = strings.TrimRight(tokens.ReplaceAllString(f.Reason, ""), " .")
	return f, true
}

func advice(status string) string {
	switch status {
	case "CREATE_FAILED", "UPDATE_FAILED":
		return "Repair the cause and update the stack again, or roll it back."
	case "UPDATE_ROLLBACK_FAILED":
		return "It refuses updates: repair the cause and continue the rollback."
	case "DELETE_FAILED":
		return "Repair the cause and delete the stack again, or retain what cannot be deleted."
	case "ROLLBACK_COMPLETE", "ROLLBACK_FAILED":
		return "Its creation failed, and it can only be deleted."
	}
	return "Repair the cause and try again."
}

func span(hours float64) string {
	if hours > 100*365*24 { // since the zero time
		return "longer than its events reach back"
	}
	if hours < 48 {
		return fmt.Sprintf("%d hours", int(hours))
	}
	return fmt.Sprintf("%d days", int(hours/24))
}
