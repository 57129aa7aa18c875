// Package sqs holds the rules about Amazon SQS.
package sqs

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
