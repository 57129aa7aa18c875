// Package configservice holds the rules about AWS Config.
package configservice

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
