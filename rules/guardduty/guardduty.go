// Package guardduty holds the rules about Amazon GuardDuty.
package guardduty

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
