package configservice

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model"
	"awsscanner/internal/model/configservice"
)

type recorderEnabled struct {
	AllowedExcludedTypes []string `json:"allowed_excluded_types"` // globs: AWS::EC2::NetworkInterface
	HomeRegion           string   `json:"home_region"`            // where it is reported that no region records the global types of IAM
	MaxAgeHours          int      `json:"max_age_hours"`          // of the last snapshot, if any are delivered
}

func (p *recorderEnabled) Validate() error {
	if p.MaxAgeHours < 24 {
		return errors.New("max_age_hours must be at least 24, as snapshots need not come more often")
	}
	return engine.CheckGlobs("allowed_excluded_types", p.AllowedExcludedTypes)
}

var _ = Rules.Add(engine.Rule{
	ID:       "configservice-recorder-enabled",
	Title:    "AWS Config records all supported resources in every region",
	Level:    engine.Recommended,
	Severity: engine.Medium,
	Worst:    engine.Medium,
	Least:    engine.Low,
	Pillars:  []engine.Pillar{engine.Security, engine.OperationalExcellence},
	Why: "CloudTrail tells who called what; AWS Config tells how a resource looked before and after. Without its history nobody can say since when a bucket was open, " +
		"and its rules, those of Security Hub among them, judge nothing.",
	Fix: engine.Fix{
		Text: "Create a recorder for all types and a delivery channel in each region, and start it; in one region let it include the global types of IAM. In an organization do it by a stack set or by the quick setup of Systems Manager. If there is a recorder that is stopped, start it; if it fails, repair its role, or the policy of the bucket.",
		CLI: `# for each region
aws configservice put-configuration-recorder --region <region> --configuration-recorder name=default,roleARN=<role-arn> --recording-group allSupported=true,includeGlobalResourceTypes=<true in one region>
aws configservice put-delivery-channel --region <region> --delivery-channel name=default,s3BucketName=<bucket>
aws configservice start-configuration-recorder --region <region> --configuration-recorder-name default
# if there is one that fails
aws configservice describe-configuration-recorder-status --region <region>
aws configservice describe-delivery-channel-status --region <region>`,
		IaC: `# Terraform
resource "aws_config_configuration_recorder" "default" {
  role_arn = aws_iam_role.config.arn
  recording_group {
    all_supported                 = true
    include_global_resource_types = true # in one region
  }
}
resource "aws_config_configuration_recorder_status" "default" {
  name       = aws_config_configuration_recorder.default.name
  is_enabled = true
}`,
		Breaks: "Nothing stops. Each recorded change is charged, so that resources that come and go all the time cost money: record those daily, or exclude them and name them in allowed_excluded_types. put-configuration-recorder replaces the recorder of the same name: get it first with describe-configuration-recorders.",
		Undo:   "aws configservice stop-configuration-recorder --region <region> --configuration-recorder-name default",
		Effect: engine.Replaces,
	},
	Reads: []string{"configservice.Region", "configservice.ConfigurationRecorder.Service", "configservice.ConfigurationRecorder.Strategy", "configservice.ConfigurationRecorder.IncludeIAM", "configservice.ConfigurationRecorder.Types",
		"configservice.ConfigurationRecorder.Excluded", "configservice.ConfigurationRecorder.Recording", "configservice.ConfigurationRecorder.LastStatus", "configservice.ConfigurationRecorder.LastError",
		"configservice.DeliveryChannel.Snapshots", "configservice.DeliveryChannel.History", "configservice.DeliveryChannel.Snapshot", "ec2.NetworkInterface", "cloudwatchlogs.LogGroup"},

	Check: engine.EachWith(recorderEnabled{AllowedExcludedTypes: []string{}, HomeRegion: "us-east-1", MaxAgeHours: 48}, func(v *engine.View, p *recorderEnabled, r *configservice.Region) engine.Verdict {
		used := func() engine.Severity {
			if facts.InUse(v) {
				return engine.Medium
			}
			return engine.Low
		}
		recorder, ok := engine.Join[*configservice.ConfigurationRecorder](v).First(own)
		if !ok {
			text := "there is no configuration recorder: nobody can tell later how resources were configured"
			severity := used()
			if severity == engine.Low {
				text += ". Nothing shows that the region is in use"
			}
			fail := engine.Fail(text + ". Create one").As(severity)
			fail.FixKey = "missing" // a script or a stack set does it in all regions
			return fail
		}
		flaws := []func() flaw{
			func() flaw { return stopped(recorder, used) },
			func() flaw { return failing(recorder, used) },
			func() flaw { return p.delivery(v, used) },
			func() flaw { return p.types(recorder, used) },
			func() flaw { return p.global(v, r) },
		}
		for _, level := range []engine.Severity{engine.Medium, engine.Low} {
			if !engine.Of(flaws).Any(func(f func() flaw) bool { return f().severity >= level }) {
				continue
			}
			var texts []string
			engine.Of(flaws).Count(func(f func() flaw) bool { // which visits all, known or not
				if found := f(); found.text != "" {
					texts = append(texts, found.text)
				}
				return false
			})
			return engine.Fail("recorder "+recorder.Name+" "+strings.Join(texts, "; ")+". Put that right").With("recording", recorder.Recording).With("lastStatus", recorder.LastStatus).
				With("lastError", recorder.LastError).With("recordingStrategy", recorder.Strategy).With("excludedTypes", recorder.Excluded).As(level)
		}
		return engine.Pass()
	}),
})

// own reports whether a recorder is the account's. Those that belong to services record only what these need.
func own(r *configservice.ConfigurationRecorder) bool { return r.Service.Get() == "" }

// A flaw is what is wrong with a recorder; the zero value is nothing.
type flaw struct {
	severity engine.Severity
	text     string
}

func stopped(r *configservice.ConfigurationRecorder, used func() engine.Severity) flaw {
	if r.Recording.Get() {
		return flaw{}
	}
	return flaw{used(), "is stopped"}
}

func failing(r *configservice.ConfigurationRecorder, used func() engine.Severity) flaw {
	if !strings.EqualFold(r.LastStatus.Get(), "Failure") { // the guides write FAILURE, the API Failure
		return flaw{}
	}
	why, _ := r.LastError.Lookup()
	return flaw{used(), "fails (" + why + ")"}
}

// delivery judges the delivery channel. The history is delivered only when something has changed, so that its age says nothing;
// snapshots come by the clock.
func (p *recorderEnabled) delivery(v *engine.View, used func() engine.Severity) flaw {
	channels := engine.Join[*configservice.DeliveryChannel](v)
	if !channels.Exist() {
		return flaw{used(), "has no delivery channel"}
	}
	text := ""
	if channels.All(func(c *configservice.DeliveryChannel) bool {
		failed := func(what string, d configservice.Delivery) bool {
			if strings.EqualFold(d.Status, "Failure") {
				text = what + " cannot be delivered (" + d.Error + ")"
			}
			return text != ""
		}
		if failed("its history", c.History.Get()) || c.Snapshots.Get() == "" {
			return text == ""
		}
		last := c.Snapshot.Get()
		if !failed("its snapshots", last) && !last.Success.IsZero() && v.Now().Sub(last.Success) > time.Duration(p.MaxAgeHours)*time.Hour {
			text = "its last snapshot was delivered " + last.Success.Format(time.DateTime)
		}
		return text == ""
	}) {
		return flaw{}
	}
	return flaw{used(), text}
}

// types judges what is recorded. In which regions the types of IAM are, is another matter.
func (p *recorderEnabled) types(r *configservice.ConfigurationRecorder, used func() engine.Severity) flaw {
	switch r.Strategy.Get() {
	case "INCLUSION_BY_RESOURCE_TYPES":
		return flaw{used(), fmt.Sprintf("records only %d types", len(r.Types.Get()))}
	case "EXCLUSION_BY_RESOURCE_TYPES":
		rest := slices.DeleteFunc(slices.Clone(r.Excluded.Get()), func(t string) bool {
			return strings.HasPrefix(t, "AWS::IAM::") || engine.MatchAny(p.AllowedExcludedTypes, t)
		})
		if len(rest) > 0 {
			return flaw{engine.Low, "leaves out " + strings.Join(rest, ", ")}
		}
	}
	return flaw{}
}

// global judges, in one region for all, whether any region records the global types of IAM.
func (p *recorderEnabled) global(v *engine.View, r *configservice.Region) flaw {
	regions := slices.Concat(v.Regions(), v.Unread())
	slices.Sort(regions)
	home := p.HomeRegion
	if !slices.Contains(regions, home) && !slices.Contains(regions, model.AnyRegion) {
		home = regions[0] // in another partition
	}
	if r.Region != home || engine.Join[*configservice.ConfigurationRecorder](v.InAccount()).Any(func(r *configservice.ConfigurationRecorder) bool {
		return own(r) && r.Recording.Get() && r.RecordsIAM()
	}) {
		return flaw{}
	}
	return flaw{engine.Low, "does not record users, groups, roles and policies of IAM, nor does any other region"}
}
