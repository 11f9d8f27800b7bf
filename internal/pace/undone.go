package pace

import (
	"encoding/json"
	"hash/maphash"
	"slices"
	"time"

	"github.com/kuberator/kuberator/internal/journal"
)

// Undone finds out that another client undoes what the attempts for an object write: another
// controller, in this process or another one, that wants the same field to be something else.
// What shows is that the same content is written again to the same object, although it was
// written before. That may happen as often as a loop of own writes, see SelfTrigger; it does not
// matter what the reasons are.
type Undone struct {
	refs, contents []uint64 // of the last writes
	at             time.Time
	again          bool // the last attempt wrote what had been written before
	Brake
}

const (
	// undoneWithin is how close writes must be to count: at most so far apart they would be
	// slowed.
	undoneWithin = 2 * time.Minute
	// mostUndone bounds what is kept of an object.
	mostUndone = 64
)

// Learn notes what an attempt wrote.
func (u *Undone) Learn(seed maphash.Seed, own []journal.Write, now time.Time) {
	if now.Sub(u.at) > undoneWithin {
		*u = Undone{}
	}
	u.again = false
	if len(own) == 0 {
		return
	}
	u.at = now
	last := map[journal.Ref]journal.Write{}
	for _, w := range own {
		last[w.Ref] = w
	}
	for ref, w := range last {
		name := maphash.Comparable(seed, ref)
		if !slices.Contains(u.refs, name) {
			u.refs = keep(u.refs, name) // the first time costs no more than this
			continue
		}
		what := name ^ contentOf(seed, w)
		if slices.Contains(u.contents, what) {
			u.again = true
			continue
		}
		u.contents = keep(u.contents, what)
	}
}

// TooFast is [Brake.TooFast] for one more attempt, if the last one wrote what had been written
// before.
func (u *Undone) TooFast() bool { return u.again && u.Brake.TooFast() }

// keep adds one, in the place of the oldest if there are many.
func keep(all []uint64, one uint64) []uint64 {
	if len(all) == mostUndone {
		all = slices.Delete(all, 0, 1)
	}
	return append(all, one)
}

// contentOf returns a hash of what was written, but for the numbers that the server counts.
func contentOf(seed maphash.Seed, w journal.Write) uint64 {
	if w.Object == nil || w.Outcome != journal.Stored {
		return uint64(w.Outcome)
	}
	obj := w.Object.DeepCopyObject().(journal.Object) //nolint:forcetypeassert // a copy of one
	obj.SetResourceVersion("")
	obj.SetGeneration(0)
	obj.SetUID("")
	data, err := json.Marshal(obj)
	if err != nil {
		return 0
	}
	return maphash.Bytes(seed, data)
}
