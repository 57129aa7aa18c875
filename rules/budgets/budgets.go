// Package budgets holds the rules about AWS Budgets.
package budgets

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
