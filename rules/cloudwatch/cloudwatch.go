// Package cloudwatch holds the rules about Amazon CloudWatch.
package cloudwatch

import (
	"strings"

	"awsscanner/internal/engine"
	"awsscanner/internal/facts"
	"awsscanner/internal/model/cloudwatch"
	"awsscanner/internal/model/sns"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// mute says why an alarm does nothing when it goes off: "has no action for ALARM". It is "" if it does something.
func mute(v *engine.View, a *cloudwatch.Alarm) string {
	if !a.ActionsEnabled.Get() {
		return "its actions are switched off"
	}
	actions := a.AlarmActions.Get()
	if len(actions) == 0 {
		return "it has no action for ALARM"
	}
	if engine.Of(actions).Any(func(ref string) bool { return !sns.IsTopic(ref) || facts.Unheard(v, ref) == "" }) {
		return ""
	}
	var texts []string
	for _, topic := range actions {
		texts = append(texts, topic+" "+facts.Unheard(v, topic))
	}
	return "nobody receives what it sends: " + strings.Join(texts, "; ")
}
