// Package dynamodb holds the rules about Amazon DynamoDB.
package dynamodb

import (
	"awsscanner/internal/engine"
	"awsscanner/internal/model/dynamodb"
)

// Rules lists every rule in this folder.
var Rules engine.Set

// passing says why a table is not to be judged: it is about to come or go, or has become a backup. Others that are not ACTIVE
// hold data and can be changed. Source: DynamoDB API Reference, TableDescription, TableStatus.
func passing(t *dynamodb.Table) string {
	switch s := t.Status.Get(); s {
	case "CREATING", "DELETING", "ARCHIVING", "ARCHIVED":
		return "TableStatus is " + s
	}
	return ""
}
