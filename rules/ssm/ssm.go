// Package ssm holds the rules about AWS Systems Manager.
package ssm

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
