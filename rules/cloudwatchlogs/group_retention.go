package cloudwatchlogs

import (
	"errors"
	"fmt"
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/model/cloudwatchlogs"
)

type retention struct {
	MinDays           int      `json:"min_days"`            // for groups that do not keep events for ever; 0 for no bound
	MaxDays           int      `json:"max_days"`            // for all groups; 0 for no bound
	FlagNeverExpire   bool     `json:"flag_never_expire"`   // groups that keep events for ever fail
	AuditNamePatterns []string `json:"audit_name_patterns"` // globs of groups that hold evidence: it is worse if they forget it
}

func (p *retention) Validate() error {
	if p.MinDays < 0 || p.MaxDays < 0 || p.MaxDays > 0 && p.MaxDays < p.MinDays {
		return errors.New("min_days and max_days must not be negative, nor max_days less than min_days")
	}
	return engine.CheckGlobs("audit_name_patterns", p.AuditNamePatterns)
}

const gib = 1 << 30

var _ = Rules.Add(engine.Rule{
	ID:       "cloudwatchlogs-group-retention",
	Title:    "Log groups keep data for the required time and not for ever by accident",
	Level:    engine.Recommended,
	Severity: engine.Low,
	Worst:    engine.Medium,
	Least:    engine.Informational,
	Pillars:  []engine.Pillar{engine.OperationalExcellence, engine.Security, engine.CostOptimization},
	Why: "A log group that nobody configured keeps its events for ever: they are paid for each month, and what they tell of people may have to be erased after some time. " +
		"A group that holds evidence must not forget too soon, as intruders are often noticed only months later.",
	Fix: engine.Fix{
		Text: "Decide for how long the events are needed, and set that. Groups that a function or a service makes by itself when it writes first have none: create them beforehand, in the template of the function.",
		CLI:  `aws logs put-retention-policy --log-group-name <group> --retention-in-days <days>`,
		IaC: `# Terraform
resource "aws_cloudwatch_log_group" "<name>" {
  name              = "/aws/lambda/<function>"
  retention_in_days = 90
}`,
		Breaks: "Events older than that are deleted within a few days, for good. Look first at whether anybody needs them, and export them to S3 with create-export-task if so.",
		Undo: `aws logs delete-retention-policy --log-group-name <group>
What has been deleted by then does not come back.`,
		Effect: engine.Destroys,
	},
	Reads: []string{"cloudwatchlogs.LogGroup.Class", "cloudwatchlogs.LogGroup.RetentionDays", "cloudwatchlogs.LogGroup.StoredBytes"},

	Check: engine.EachWith(retention{
		MinDays: 365, FlagNeverExpire: true,
		AuditNamePatterns: []string{"*audit*", "*cloudtrail*", "*CloudTrail*", "*flow-log*", "*flowlog*", "*FlowLog*", "aws-waf-logs-*", "/aws/eks/*/cluster"},
	}, func(_ *engine.View, p *retention, g *cloudwatchlogs.LogGroup) engine.Verdict {
		if g.Class.Get() == "DELIVERY" {
			return engine.NotApplicable("its class is DELIVERY: it hands events on and keeps them for one day")
		}
		days := g.RetentionDays.Get()
		fail := func(text string) engine.Verdict {
			fail := engine.Fail(text).With("retentionInDays", g.RetentionDays).With("storedBytes", g.StoredBytes)
			if function, ok := strings.CutPrefix(g.ID, "/aws/lambda/"); ok {
				fail = fail.With("function", function)
			}
			return fail
		}
		switch {
		case days == 0 && p.FlagNeverExpire:
			text := "retentionInDays is not set: events are kept and paid for for ever. Set a retention"
			if bytes := g.StoredBytes.Get(); bytes >= gib {
				return fail(fmt.Sprintf("%s; %.1f GiB are stored", text, float64(bytes)/gib))
			}
			return fail(text).As(engine.Informational)
		case days == 0:
			return engine.Pass()
		case days < p.MinDays && engine.MatchAny(p.AuditNamePatterns, g.ID):
			return fail(fmt.Sprintf("retentionInDays is %d, less than %d: the name says that the group holds evidence, which is gone before somebody looks for it. Raise it", days, p.MinDays)).As(engine.Medium)
		case days < p.MinDays:
			return fail(fmt.Sprintf("retentionInDays is %d, less than %d: what happened before cannot be looked into. Raise it, or lower min_days", days, p.MinDays))
		case p.MaxDays > 0 && days > p.MaxDays:
			return fail(fmt.Sprintf("retentionInDays is %d, more than %d. Lower it", days, p.MaxDays))
		}
		return engine.Pass()
	}),
})
