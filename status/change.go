package status

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kuberator/kuberator/internal/pinned"
	"github.com/kuberator/kuberator/kerr"
)

// change is what a status is to become, field by field: worked out once, from the state
// that it was decided on. Where another client was faster, the other fields are its own.
type change struct {
	before, after map[string]json.RawMessage
	names         []string // of the fields that differ
	encoded       []byte   // after, if that is all of it
}

func changeOf(have, want document) change {
	c := change{before: have.fields, after: want.fields}
	if !want.nulls {
		c.encoded = want.json
	}
	for name, value := range have.fields {
		if wanted, keep := want.fields[name]; !keep || !equal(value, wanted) {
			c.names = append(c.names, name)
		}
	}
	for name := range want.fields {
		if _, had := have.fields[name]; !had {
			c.names = append(c.names, name)
		}
	}
	slices.Sort(c.names)
	return c
}

// ops returns the operations that make the change on the status now, and on no later
// one; none if there is nothing left to do. It is a conflict if another client wrote one
// of the fields that differ.
func (c change) ops(now document) ([]pinned.Op, error) {
	var differ []string
	for _, name := range c.names {
		value, has := now.fields[name]
		wanted, keep := c.after[name]
		if has == keep && equal(value, wanted) {
			continue
		}
		if !same(value, c.before[name]) {
			return nil, kerr.Mark(kerr.ClassConflict, fmt.Errorf("another client changed the status field %q", name))
		}
		differ = append(differ, name)
	}
	if len(differ) == 0 {
		return nil, nil
	}
	ops := make([]pinned.Op, 0, 1+len(differ))
	if now.resourceVersion != "" { // only fakes have none
		ops = append(ops, pinned.Op{Op: "test", Path: "/metadata/resourceVersion", Value: now.resourceVersion})
	}
	if !now.exists { // there is nothing to add a field to
		return append(ops, pinned.Op{Op: "add", Path: "/status", Value: c.whole(differ)}), nil
	}
	for _, name := range differ {
		if wanted, keep := c.after[name]; keep {
			ops = append(ops, pinned.Op{Op: "add", Path: pointer(name), Value: wanted})
		} else {
			ops = append(ops, pinned.Op{Op: "remove", Path: pointer(name)})
		}
	}
	return ops, nil
}

// whole returns the fields that differ and are wanted, as a whole status.
func (c change) whole(differ []string) any {
	all := make(map[string]json.RawMessage, len(differ))
	for _, name := range differ {
		if wanted, keep := c.after[name]; keep {
			all[name] = wanted
		}
	}
	if c.encoded != nil && len(all) == len(c.after) {
		return json.RawMessage(c.encoded)
	}
	return all
}

// same reports whether a field is as it was. One that is zero may have been none.
func same(a, b json.RawMessage) bool { return equal(a, b) || isZero(a) && isZero(b) }

// pointer returns the JSON pointer (RFC 6901) of a field of the status.
func pointer(field string) string {
	return "/status/" + strings.ReplaceAll(strings.ReplaceAll(field, "~", "~0"), "/", "~1")
}

// answered completes what an object shows that the server returned after the change,
// without saying which fields it has.
func (c change) answered(d document) document {
	if d.guess {
		d.certain()
		all := map[string]json.RawMessage{}
		maps.Copy(all, d.fields)
		maps.Copy(all, c.after)
		d.fields, d.exists = all, len(all) > 0
	}
	return d
}
