package lens

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Fallback is the condition that holds if no other does.
const Fallback = "default"

// A Condition says which ticked choices lead to a risk.
type Condition struct {
	Choices []string // that it names, in order, each once; none for Fallback

	holds func(ticked func(choice string) bool) bool
}

// Holds reports whether the condition holds for what is ticked.
func (c *Condition) Holds(ticked func(choice string) bool) bool { return c.holds(ticked) }

// longest and deepest keep a condition to what people write.
const (
	longest = 20000
	deepest = 100
)

// ParseCondition reads a condition: choices joined by && and ||, negated by !, grouped by parentheses; or default.
func ParseCondition(text string) (*Condition, error) {
	if strings.TrimSpace(text) == Fallback {
		return &Condition{holds: func(func(string) bool) bool { return true }}, nil
	}
	if len(text) > longest {
		return nil, fmt.Errorf("it has more than %d characters", longest)
	}
	p := &parser{rest: text, c: new(Condition)}
	holds, err := p.or(0)
	if err == nil && p.next() != "" {
		err = fmt.Errorf("%q does not belong there", p.next())
	}
	if err != nil {
		return nil, err
	}
	p.c.holds = holds
	return p.c, nil
}

type parser struct {
	rest string
	c    *Condition
}

type test = func(ticked func(string) bool) bool

// next returns the next word or sign without taking it; "" at the end.
func (p *parser) next() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	n := 0
	for n < len(p.rest) && isWord(p.rest[n]) {
		n++
	}
	switch {
	case n > 0:
		return p.rest[:n]
	case strings.HasPrefix(p.rest, "&&"), strings.HasPrefix(p.rest, "||"):
		return p.rest[:2]
	case p.rest != "":
		return string([]rune(p.rest)[:1])
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (p *parser) take() { p.rest = p.rest[len(p.next()):] }

func (p *parser) or(depth int) (test, error) {
	left, err := p.and(depth)
	for err == nil && p.next() == "||" {
		p.take()
		var right test
		l := left
		right, err = p.and(depth)
		left = func(t func(string) bool) bool { return l(t) || right(t) }
	}
	return left, err
}

func (p *parser) and(depth int) (test, error) {
	left, err := p.not(depth)
	for err == nil && p.next() == "&&" {
		p.take()
		var right test
		l := left
		right, err = p.not(depth)
		left = func(t func(string) bool) bool { return l(t) && right(t) }
	}
	return left, err
}

func (p *parser) not(depth int) (test, error) {
	if depth > deepest {
		return nil, fmt.Errorf("it is nested deeper than %d levels", deepest)
	}
	switch word := p.next(); {
	case word == "":
		return nil, errors.New("it ends where a choice is expected")
	case word == "!":
		p.take()
		inner, err := p.not(depth + 1)
		return func(t func(string) bool) bool { return !inner(t) }, err
	case word == "(":
		p.take()
		inner, err := p.or(depth + 1)
		if err == nil && p.next() != ")" {
			err = errors.New("a parenthesis is not closed")
		}
		if err == nil {
			p.take()
		}
		return inner, err
	case !isWord(word[0]):
		return nil, fmt.Errorf("%q stands where a choice is expected", word)
	case word == Fallback:
		return nil, errors.New("default stands alone, or not at all")
	default:
		p.take()
		if !slices.Contains(p.c.Choices, word) {
			p.c.Choices = append(p.c.Choices, word)
		}
		return func(t func(string) bool) bool { return t(word) }, nil
	}
}
