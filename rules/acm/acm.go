// Package acm holds the rules about AWS Certificate Manager.
package acm

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
