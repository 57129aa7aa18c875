// Package autoscaling holds the rules about Amazon EC2 Auto Scaling.
package autoscaling

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
