// Package elasticloadbalancingv2 holds the rules about Application, Network and Gateway Load Balancers.
package elasticloadbalancingv2

import "awsscanner/internal/engine"

// Rules lists every rule in this folder.
var Rules engine.Set
