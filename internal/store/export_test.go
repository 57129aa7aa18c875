package store

// FindQuery is how Find asks, for a test of how databases go about it.
var FindQuery = find
