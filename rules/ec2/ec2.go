// Package ec2 holds the rules about Amazon EC2, EBS and VPC.
package ec2

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
