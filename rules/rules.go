// Package rules lists every rule, service by service.
package rules

import (
	"slices"

	"awsscanner/rules/sqs"
)

// All is every rule of the scanner, in the order of services and IDs.
var All = slices.Concat(
	sqs.Rules,
)
