package store

// FindQuery is how Find asks, for a test of how databases go about it; Searchable is what the text of a filter is looked for in.
var (
	FindQuery  = find
	Searchable = searchable
)
