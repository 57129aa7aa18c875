// Package sns holds the rules about Amazon SNS.
package sns

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
