// Package cloudwatchlogs holds the rules about Amazon CloudWatch Logs.
package cloudwatchlogs

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
