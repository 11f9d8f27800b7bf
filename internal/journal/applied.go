package journal

import (
	"maps"
	"slices"
)

// Applied returns what was last applied to a child, by this attempt or an earlier one.
func (j *Journal) Applied(ref Ref) (last Applied) {
	if j != nil && j.Recorder != nil {
		j.mu.Lock()
		j.doing().applies = append(j.doing().applies, ref)
		j.mu.Unlock()
		j.Recorder.Record(func(r *Sent) { last = r.Applied[ref] })
	}
	return last
}

// SetApplied notes what was applied to a child. Without a cache of the kind it is of no use.
func (j *Journal) SetApplied(ref Ref, applied Applied) {
	if j == nil || j.Recorder == nil {
		return
	}
	if _, has := j.Recorder.Cached(ref); !has {
		return
	}
	j.Recorder.Record(func(r *Sent) {
		if r.Applied == nil {
			r.Applied = map[Ref]Applied{}
		}
		r.Applied[ref] = applied
	})
}

// Prune forgets the children that this attempt did not apply.
func (j *Journal) Prune(r *Sent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if applies := j.done().applies; len(applies) < len(r.Applied) {
		maps.DeleteFunc(r.Applied, func(ref Ref, _ Applied) bool { return !slices.Contains(applies, ref) })
	}
}
