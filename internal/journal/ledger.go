package journal

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Wrote notes a write that the server acknowledged, to the state w, by the step op.
func (j *Journal) Wrote(op string, w Write) {
	if j == nil {
		return
	}
	w.By = op
	j.mu.Lock()
	defer j.mu.Unlock()
	d := j.doing()
	d.own = append(d.own, w)
	j.keep(w)
}

// Unsure notes a write whose outcome is unknown. Only a live read can show it.
func (j *Journal) Unsure(ref Ref) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.keep(Write{Ref: ref, Outcome: Unknown})
}

// Follows reports whether live reads of an object are worth noting, by Learned: it is the one
// being reconciled, or was written.
func (j *Journal) Follows(ref Ref) bool {
	if j == nil {
		return false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, written := j.write(ref)
	return written || ref == j.ref()
}

// Learned notes what a live read found, which caches must not fall behind.
func (j *Journal) Learned(w Write) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if before, known := j.write(w.Ref); known {
		w.Since = before.Since
		if w.Outcome == Gone {
			w.UID, w.ResourceVersion = before.UID, before.ResourceVersion
		}
	}
	j.set(w)
}

// keep notes a write, unless a newer one is known of the same object. It must be
// called with j.mu held.
func (j *Journal) keep(w Write) {
	before, known := j.write(w.Ref)
	if known && before.UID == w.UID && Older(w.ResourceVersion, before.ResourceVersion) {
		if w.Outcome == Stored {
			return
		}
		w.ResourceVersion = before.ResourceVersion
	}
	j.set(w)
}

// set must be called with j.mu held.
func (j *Journal) set(w Write) {
	w.At = time.Now()
	if w.Since.IsZero() {
		w.Since = w.At
	}
	if before, known := j.write(w.Ref); known && before.Object != nil && w.Was == nil {
		w.Was = append(slices.Clip(before.Was), before.Object)
	}
	d := j.doing()
	if d.writes == nil {
		d.writes = map[Ref]Write{}
	}
	d.writes[w.Ref] = w
}

// write must be called with j.mu held.
func (j *Journal) write(ref Ref) (Write, bool) {
	if w, ok := j.done().writes[ref]; ok {
		return w, true
	}
	w, ok := j.Earlier[ref]
	return w, ok
}

// Last returns the newest write to an object, by this attempt, or by an earlier one
// if caches did not show that when this one began.
func (j *Journal) Last(ref Ref) (Write, bool) {
	if j == nil {
		return Write{}, false
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.write(ref)
}

// Newest returns the state of an object that may be decided on without asking the server:
// what a cache of the kind shows, or what was written since; nil if there is no object. known
// is false if only a live read can tell.
func (j *Journal) Newest(ref Ref) (obj Object, known bool) {
	if j == nil || j.Recorder == nil {
		return nil, false
	}
	cached, has := j.Recorder.Look(ref)
	if !has {
		return nil, false
	}
	w, written := j.Last(ref)
	switch {
	case !written, cached != nil && w.ShownBy(cached, ""):
		return cached, true
	case w.Outcome == Stored && w.Object != nil && time.Since(w.At) < j.Fresh:
		return w.Object, true
	default:
		return nil, false
	}
}

// LastOf returns the newest writes to the objects of a kind.
func (j *Journal) LastOf(kind schema.GroupKind) []Write {
	var found []Write
	for ref, w := range j.All() {
		if ref.Kind == kind {
			found = append(found, w)
		}
	}
	return found
}

// All returns the newest write to each object, in a map that is the caller's.
func (j *Journal) All() map[Ref]Write {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	writes := j.done().writes
	if len(j.Earlier) == 0 {
		return maps.Clone(writes)
	}
	all := maps.Clone(j.Earlier)
	maps.Copy(all, writes)
	return all
}

// Take is All at the end of the attempt: the map is not copied, and the journal has it no more.
func (j *Journal) Take() map[Ref]Write {
	if len(j.Earlier) > 0 {
		return j.All()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.effects == nil {
		return nil
	}
	writes := j.effects.writes
	j.effects.writes = nil
	return writes
}

// Own returns what this attempt wrote, in order.
func (j *Journal) Own() []Write {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.done().own
}

// Count returns the number of writes of this attempt, to any object.
func (j *Journal) Count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.done().own)
}

func (j *Journal) ref() Ref { return Ref{Kind: j.Kind.GroupKind(), Key: j.Key} }
