package attempt

import (
	"maps"
	"slices"
)

// Applied returns what was last applied to a child, by this attempt or an earlier one.
func (a *Attempt) Applied(ref Ref) (last Applied) {
	if a != nil && a.Memory != nil {
		a.mu.Lock()
		a.doing().applies = append(a.doing().applies, ref)
		a.mu.Unlock()
		a.Memory.Record(func(r *Record) { last = r.Applied[ref] })
	}
	return last
}

// SetApplied notes what was applied to a child. Without a cache of the kind it is of no use.
func (a *Attempt) SetApplied(ref Ref, applied Applied) {
	if a == nil || a.Memory == nil {
		return
	}
	if _, has := a.Memory.Cached(ref); !has {
		return
	}
	a.Memory.Record(func(r *Record) {
		if r.Applied == nil {
			r.Applied = map[Ref]Applied{}
		}
		r.Applied[ref] = applied
	})
}

// Prune forgets the children that this attempt did not apply.
func (a *Attempt) Prune(r *Record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if applies := a.done().applies; len(applies) < len(r.Applied) {
		maps.DeleteFunc(r.Applied, func(ref Ref, _ Applied) bool { return !slices.Contains(applies, ref) })
	}
}
