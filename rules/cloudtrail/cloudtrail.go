// Package cloudtrail holds the rules about AWS CloudTrail.
package cloudtrail

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
