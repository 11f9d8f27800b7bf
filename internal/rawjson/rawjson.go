// Package rawjson cuts JSON into the parts that it is made of, and does not look into them.
//
// encoding/json refuses what is nested more than 10,000 deep. A list or an event is deeper than the
// object in it, so that one object as deep as an API server takes would make the whole list unreadable.
// Nothing here has a limit of depth, as it only counts brackets: a part that is broken, or too deep,
// is found to be so by whoever decodes it, and is nobody else's problem.
package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Fields calls f with the name and the value of each field of a JSON object, in their order, until f
// returns an error. They are parts of object. null has no fields.
func Fields(object []byte, f func(name, value []byte) error) error {
	return each(object, '{', '}', func(c *cursor) error {
		name, err := c.name()
		if err != nil {
			return err
		}
		value, err := c.value()
		if err != nil {
			return err
		}
		return f(name, value)
	})
}

// Elements is [Fields] for the elements of a JSON array.
func Elements(array []byte, f func(element []byte) error) error {
	return each(array, '[', ']', func(c *cursor) error {
		element, err := c.value()
		if err != nil {
			return err
		}
		return f(element)
	})
}

// cursor is a place in JSON.
type cursor struct {
	data []byte
	at   int
}

func each(data []byte, begin, end byte, f func(*cursor) error) error {
	c := &cursor{data: data}
	if string(bytes.TrimSpace(data)) == "null" {
		return nil
	}
	if !c.take(begin) {
		return c.broken()
	}
	if c.take(end) {
		return c.over()
	}
	for {
		if err := f(c); err != nil {
			return err
		}
		switch {
		case c.take(','):
		case c.take(end):
			return c.over()
		default:
			return c.broken()
		}
	}
}

// over returns an error if something follows.
func (c *cursor) over() error {
	if c.space(); c.at < len(c.data) {
		return c.broken()
	}
	return nil
}

func (c *cursor) space() {
	for c.at < len(c.data) && isSpace(c.data[c.at]) {
		c.at++
	}
}

// take passes the byte, if it is the next one.
func (c *cursor) take(b byte) bool {
	c.space()
	if c.at == len(c.data) || c.data[c.at] != b {
		return false
	}
	c.at++
	return true
}

// name passes the name of a field, and the colon.
func (c *cursor) name() ([]byte, error) {
	quoted, err := c.value()
	if err != nil {
		return nil, err
	}
	if quoted[0] != '"' || !c.take(':') {
		return nil, c.broken()
	}
	if !bytes.ContainsRune(quoted, '\\') {
		return quoted[1 : len(quoted)-1], nil
	}
	var name string
	err = json.Unmarshal(quoted, &name)
	return []byte(name), err
}

// value passes a value. What is appended to it does not reach what is behind it.
func (c *cursor) value() ([]byte, error) {
	c.space()
	rest := c.data[c.at:]
	n, over := 0, false
	if len(rest) > 0 && opens(rest[0]) {
		n, over = new(scan).end(rest)
	} else if n = bytes.IndexAny(rest, ",:]} \t\r\n"); n > 0 { // a number, true, false or null
		over = true
	}
	if !over {
		return nil, c.broken()
	}
	c.at += n
	return rest[:n:n], nil
}

func (c *cursor) broken() error {
	if c.at == len(c.data) {
		return errors.New("the JSON ends too early")
	}
	return fmt.Errorf("broken JSON at byte %d: %q", c.at, c.data[c.at])
}

// opens reports whether what begins with b ends with a byte of its own, and not before the next one.
func opens(b byte) bool { return b == '{' || b == '[' || b == '"' }

func isSpace(b byte) bool { return b == ' ' || b == '\n' || b == '\r' || b == '\t' }

// scan knows what decides where a value ends: strings and brackets. The value may be given to it in
// pieces.
type scan struct {
	depth           int
	quoted, escaped bool
}

var marks = [256]bool{'"': true, '\\': true, '{': true, '[': true, '}': true, ']': true}

// end returns how much of data belongs to the value, and whether that is over then.
func (s *scan) end(data []byte) (n int, over bool) {
	for i, b := range data {
		switch {
		case s.escaped:
			s.escaped = false
		case !marks[b], s.quoted && b != '"' && b != '\\':
		case b == '\\':
			s.escaped = s.quoted
		case b == '"':
			s.quoted = !s.quoted
		case b == '{', b == '[':
			s.depth++
		default:
			s.depth--
		}
		if s.depth == 0 && !s.quoted {
			return i + 1, true
		}
	}
	return len(data), false
}
