package attempt

import (
	"maps"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Wrote notes a write that the server acknowledged, to the state w.
func (a *Attempt) Wrote(w Write) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.doing()
	d.count++
	d.own = append(d.own, w)
	a.keep(w)
}

// Unsure notes a write whose outcome nobody knows. Only a live read can tell.
func (a *Attempt) Unsure(ref Ref) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keep(Write{Ref: ref, Outcome: Unknown})
}

// Follows tells whether live reads of an object are worth noting, by Learned: it is
// the one being reconciled, or was written.
func (a *Attempt) Follows(ref Ref) bool {
	if a == nil {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, written := a.write(ref)
	return written || ref == a.ref()
}

// Learned notes what a live read found, which caches must not fall behind.
func (a *Attempt) Learned(w Write) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if before, known := a.write(w.Ref); known {
		w.Since = before.Since
		if w.Outcome == Gone {
			w.UID, w.ResourceVersion = before.UID, before.ResourceVersion
		}
	}
	a.set(w)
}

// keep notes a write, unless a newer one is known of the same object. It must be
// called with a.mu held.
func (a *Attempt) keep(w Write) {
	before, known := a.write(w.Ref)
	if known && before.UID == w.UID && Older(w.ResourceVersion, before.ResourceVersion) {
		if w.Outcome == Stored {
			return
		}
		w.ResourceVersion = before.ResourceVersion
	}
	a.set(w)
}

// set must be called with a.mu held.
func (a *Attempt) set(w Write) {
	w.At = time.Now()
	if w.Since.IsZero() {
		w.Since = w.At
	}
	d := a.doing()
	if d.writes == nil {
		d.writes = map[Ref]Write{}
	}
	d.writes[w.Ref] = w
}

// write must be called with a.mu held.
func (a *Attempt) write(ref Ref) (Write, bool) {
	if w, ok := a.done().writes[ref]; ok {
		return w, true
	}
	w, ok := a.Earlier[ref]
	return w, ok
}

// Last returns the newest write to an object, by this attempt, or by an earlier one
// if caches did not show that when this one began.
func (a *Attempt) Last(ref Ref) (Write, bool) {
	if a == nil {
		return Write{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.write(ref)
}

// Newest returns the state of an object that may be decided on without asking the server:
// what a cache of the kind shows, or what was written since; nil if there is no object. known
// is false if only a live read can tell.
func (a *Attempt) Newest(ref Ref) (obj Object, known bool) {
	if a == nil || a.Memory == nil {
		return nil, false
	}
	cached, has := a.Memory.Look(ref)
	if !has {
		return nil, false
	}
	w, written := a.Last(ref)
	switch {
	case !written, cached != nil && w.ShownBy(cached, ""):
		return cached, true
	case w.Outcome == Stored && w.Object != nil && time.Since(w.At) < a.Fresh:
		return w.Object, true
	default:
		return nil, false
	}
}

// LastOf returns the newest writes to the objects of a kind.
func (a *Attempt) LastOf(kind schema.GroupKind) []Write {
	var found []Write
	for ref, w := range a.All() {
		if ref.Kind == kind {
			found = append(found, w)
		}
	}
	return found
}

// All returns the newest write to each object, in a map that is the caller's.
func (a *Attempt) All() map[Ref]Write {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	writes := a.done().writes
	if len(a.Earlier) == 0 {
		return maps.Clone(writes)
	}
	all := maps.Clone(a.Earlier)
	maps.Copy(all, writes)
	return all
}

// Own returns what this attempt wrote, in order.
func (a *Attempt) Own() []Write {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done().own
}

// Count returns the number of writes of this attempt, to any object.
func (a *Attempt) Count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.done().count
}

func (a *Attempt) ref() Ref { return Ref{Kind: a.Kind.GroupKind(), Key: a.Key} }
