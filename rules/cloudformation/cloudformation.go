// Package cloudformation holds the rules about AWS CloudFormation.
package cloudformation

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
