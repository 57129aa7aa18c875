// Package secretsmanager holds the rules about AWS Secrets Manager.
package secretsmanager

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
