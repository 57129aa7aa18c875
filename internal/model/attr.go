// Package model holds the normalised AWS resources that rules read, one sub-package per service.
// It imports nothing from the AWS SDK: collectors, snapshots and tests all fill the same types.
package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"time"
)

// An Attr is one attribute of a resource: a value, or the reason why there is none.
// The zero Attr is unknown, so forgetting to collect something can never look like "disabled".
// "None" is a known zero value: "", an empty list, an empty struct.
type Attr[T any] struct {
	value T
	gap   *Gap // nil: not collected; known: value is set
}

var known = new(Gap)

// Known returns an attribute with a value.
func Known[T any](v T) Attr[T] { return Attr[T]{v, known} }

// FromPtr returns what the SDK answered: nil, where AWS documents a value, is unknown and not zero.
func FromPtr[T any](p *T) (a Attr[T]) {
	if p != nil {
		a = Known(*p)
	}
	return a
}

// FromInt is FromPtr of a number: the SDK has them in 32 bits.
func FromInt(p *int32) (a Attr[int]) {
	if p != nil {
		a = Known(int(*p))
	}
	return a
}

// OrNone returns what the SDK answered where AWS documents that it leaves the member out if there is none.
func OrNone[T any](p *T) Attr[T] {
	if p == nil {
		return Known(*new(T))
	}
	return Known(*p)
}

// FromString returns what the SDK answered as a plain string or an enumeration: "", where AWS documents a value, is unknown.
func FromString[S ~string](s S) (a Attr[string]) {
	if s != "" {
		a = Known(string(s))
	}
	return a
}

// Unknown returns an attribute without a value, and why.
func Unknown[T any](g *Gap) Attr[T] { return Attr[T]{gap: g} }

// Get returns the value. If it is not known the rule stops here, and its
// verdict on this resource is not-assessed with the gap as the reason.
func (a Attr[T]) Get() T {
	if a.gap != known {
		panic(Missing{a.Gap()})
	}
	return a.value
}

// Lookup returns the value and whether it is known, for the rare rule that can decide without it.
func (a Attr[T]) Lookup() (T, bool) { return a.value, a.gap == known }

// Gap returns why the value is missing, or nil if it is known.
func (a Attr[T]) Gap() *Gap {
	switch a.gap {
	case known:
		return nil
	case nil:
		return &Gap{Reason: NotCollected}
	}
	return a.gap
}

// IsZero reports whether a snapshot leaves the attribute out: its gap stands in Meta, or goes without saying.
func (a Attr[T]) IsZero() bool { return a.gap == nil || a.gap.implied }

// Evidence returns the value, or "unknown" and why.
func (a Attr[T]) Evidence() any {
	if a.gap != known {
		return "unknown (" + string(a.Gap().Reason) + ")"
	}
	return a.value
}

func (a *Attr[T]) SetGap(g *Gap) { *a = Attr[T]{gap: g} }
func (a *Attr[T]) SetNone()      { *a = Attr[T]{gap: known} }

func (a Attr[T]) IsKnown() bool { return a.gap == known }

// references returns the value as a list of references to other resources.
func (a Attr[T]) references() []string {
	switch v := any(a.value).(type) {
	case string:
		if v != "" {
			return []string{v}
		}
	case []string:
		return v
	case interface{ References() []string }:
		return v.References()
	}
	return nil
}

func (a Attr[T]) MarshalJSON() ([]byte, error) {
	if a.gap != known {
		return json.Marshal(map[string]*Gap{"$gap": a.Gap()})
	}
	b, err := json.Marshal(a.value)
	if string(b) == "null" { // a nil slice or map is empty, and known
		if reflect.TypeFor[T]().Kind() == reflect.Map {
			return []byte("{}"), err
		}
		return []byte("[]"), err
	}
	return b, err
}

var gapPrefix = []byte(`{"$gap":`)

func (a *Attr[T]) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, gapPrefix) {
		var g struct {
			Gap Gap `json:"$gap"`
		}
		if err := DecodeStrict(b, &g); err != nil {
			return err
		}
		if err := g.Gap.Check(); err != nil {
			return err
		}
		a.SetGap(&g.Gap)
		return nil
	}
	*a = Attr[T]{gap: known}
	switch v := any(&a.value).(type) {
	case *string, *bool, *int, *int64, *time.Time: // most attributes by far, with no fields that could be unknown
		if string(b) == "null" {
			return errNull
		}
		return json.Unmarshal(b, v)
	}
	return DecodeStrict(b, &a.value)
}

var errNull = errors.New("null is neither a value nor a gap")

// DecodeStrict is json.Unmarshal, but refuses what it does not understand: unknown fields and null.
func DecodeStrict(b []byte, v any) error {
	if bytes.Contains(b, []byte("null")) { // rare: then look whether it is a value or part of a text
		for d := json.NewDecoder(bytes.NewReader(b)); ; {
			if t, err := d.Token(); err != nil {
				break // the end, or the decoder below will say
			} else if t == nil {
				return errNull
			}
		}
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("more after the end of the JSON value")
	}
	return nil
}
