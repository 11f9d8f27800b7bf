package status

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/kuberator/kuberator/internal/pinned"
	"github.com/kuberator/kuberator/kerr"
)

// change is what a status is to become, field by field: worked out once, from the state
// that it was decided on. Where another client was faster, the other fields are its own.
type change struct {
	before, after map[string]any
	names         []string // of the fields that differ
	encoded       []byte   // after, if that is all of it
}

func changeOf(have, want document) change {
	c := change{before: have.fields, after: want.fields}
	if !want.nulls {
		c.encoded = want.json
	}
	for name, value := range have.fields {
		if wanted, keep := want.fields[name]; !keep || !reflect.DeepEqual(value, wanted) {
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
	var ops []pinned.Op
	whole := map[string]any{}
	for _, name := range c.names {
		value, has := now.fields[name]
		wanted, keep := c.after[name]
		switch {
		case has == keep && reflect.DeepEqual(value, wanted):
		case !same(value, c.before[name]):
			return nil, kerr.Mark(kerr.ClassConflict, fmt.Errorf("another client changed the status field %q", name))
		case keep:
			whole[name] = wanted
			ops = append(ops, pinned.Op{Op: "add", Path: pointer(name), Value: wanted})
		default:
			ops = append(ops, pinned.Op{Op: "remove", Path: pointer(name)})
		}
	}
	if len(ops) == 0 {
		return nil, nil
	}
	if !now.exists { // there is nothing to add a field to
		ops = []pinned.Op{{Op: "add", Path: "/status", Value: whole}}
		if c.encoded != nil && len(whole) == len(c.after) {
			ops[0].Value = json.RawMessage(c.encoded)
		}
	}
	if now.resourceVersion != "" { // only fakes have none
		ops = slices.Insert(ops, 0, pinned.Op{Op: "test", Path: "/metadata/resourceVersion", Value: now.resourceVersion})
	}
	return ops, nil
}

// same reports whether a field is as it was. One that is zero may have been none.
func same(a, b any) bool { return reflect.DeepEqual(a, b) || isZero(a) && isZero(b) }

// pointer returns the JSON pointer (RFC 6901) of a field of the status.
func pointer(field string) string {
	return "/status/" + strings.ReplaceAll(strings.ReplaceAll(field, "~", "~0"), "/", "~1")
}

// answered completes what an object shows that the server returned after the change,
// without saying which fields it has.
func (c change) answered(d document) document {
	if d.guess {
		d.certain()
		all := map[string]any{}
		maps.Copy(all, d.fields)
		maps.Copy(all, c.after)
		d.fields, d.exists = all, len(all) > 0
	}
	return d
}
