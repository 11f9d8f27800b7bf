// Package unseen knows what was written and is not yet in a cache: which keys wait for that, until
// when, and what became of a write that there was no answer to.
package unseen

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
)

// Interval is how often a key that waits for a cache looks again by itself: the
// cache may have caught up without an event about the object.
const Interval = time.Second

// Caches are asked what they show.
type Caches interface {
	// Show reports whether no cache of the kind is behind the write.
	Show(w journal.Write) bool
	// Skipped reports whether a cache never showed what was written, and never will.
	Skipped(w journal.Write) bool
	// Overtaken reports whether a cache shows a later state, and never showed what was written.
	Overtaken(w journal.Write) bool
}

// Writes are those of the attempts for one key that the controller's caches do not
// show yet. Its next attempt waits until they do: it would decide on a world without what
// it did itself. It belongs to the record of the key; its fields are guarded by Tracker.mu.
type Writes struct {
	key    types.NamespacedName
	writes map[journal.Ref]journal.Write
	timer  *time.Timer // look again, see look
}

func (u *Writes) stop() {
	if u.timer != nil { // of an attempt that was abandoned there is none
		u.timer.Stop()
	}
}

// Tracker finds the keys that wait for a write to be shown.
type Tracker struct {
	caches Caches
	wait   time.Duration // Options.StaleWait
	missed func(key types.NamespacedName, w journal.Write)
	// Live reads an object from the server. nil is never. It must be set before the first Replace.
	Live func(ref journal.Ref) (journal.Object, error)

	open    atomic.Int64 // the keys that have some, so that events are cheap if none has
	mu      sync.Mutex
	waiting map[journal.Ref]sets.Set[*Writes]
	ended   bool
	looks   sync.WaitGroup
}

// New returns a Tracker. missed is called with a write for a key that the caches went over: they
// caught up, and have the object in a later state, or do not have it.
func New(c Caches, wait time.Duration, missed func(types.NamespacedName, journal.Write)) *Tracker {
	return &Tracker{caches: c, wait: wait, missed: missed, waiting: map[journal.Ref]sets.Set[*Writes]{}}
}

// Open returns the number of keys that wait.
func (t *Tracker) Open() int64 { return t.open.Load() }

// Replace replaces the writes of a key by those that caches do not show, and returns them. Kinds
// without a cache have nothing that could be behind. The map is its own from now on.
func (t *Tracker) Replace(u *Writes, key types.NamespacedName, writes map[journal.Ref]journal.Write) *Writes {
	if len(writes) == 0 && u == nil {
		return nil
	}
	for ref, w := range writes {
		if t.caches.Show(w) {
			t.caughtUp(key, w, true)
			delete(writes, ref)
		}
	}
	t.Forget(u)
	if len(writes) == 0 {
		return nil
	}
	u = &Writes{key: key, writes: writes}
	t.mu.Lock()
	defer t.mu.Unlock()
	for ref := range writes {
		if t.waiting[ref] == nil {
			t.waiting[ref] = sets.New[*Writes]()
		}
		t.waiting[ref].Insert(u)
	}
	t.open.Add(1)
	t.later(u)
	return u
}

// later must be called with t.mu held.
func (t *Tracker) later(u *Writes) {
	if !t.ended {
		u.timer = time.AfterFunc(max(t.wait, Interval), func() { t.look(u) })
	}
}

// look looks at the writes of a key for which there was no event. An object that was created and
// deleted again while no watch was open never makes one: the key would not be reconciled because
// what it made is gone.
func (t *Tracker) look(u *Writes) {
	t.mu.Lock()
	ended := t.ended
	if !ended {
		t.looks.Add(1)
		defer t.looks.Done()
	}
	t.mu.Unlock()
	if ended {
		return
	}
	t.resolve(u)
	t.Pending(u)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(u.writes) > 0 {
		t.later(u)
	}
}

// resolve reads what became of writes that there was no answer to. No cache can tell, and it
// may be that no attempt ever reads that object again: a name that was made up for one attempt.
func (t *Tracker) resolve(u *Writes) {
	if t.Live == nil {
		return
	}
	for _, w := range t.of(u) {
		if w.Outcome != journal.Unknown && (w.Outcome != journal.Gone || w.UID != "") {
			continue
		}
		found := journal.Write{Ref: w.Ref, Outcome: journal.Gone}
		obj, err := t.Live(w.Ref)
		switch {
		case err == nil:
			found = journal.Found(w.Ref, obj.DeepCopyObject().(journal.Object)) //nolint:forcetypeassert // a copy of one
		case kerr.ClassOf(err) != kerr.ClassNotFound:
			continue // the next look tries again
		}
		found.At, found.Since = time.Now(), w.Since
		t.mu.Lock()
		if now, ok := u.writes[w.Ref]; ok && now.At.Equal(w.At) {
			u.writes[w.Ref] = found
		}
		t.mu.Unlock()
	}
}

// of returns the writes of a key.
func (t *Tracker) of(u *Writes) []journal.Write {
	if u == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Collect(maps.Values(u.writes))
}

// caughtUp is called for a write that the caches do not lag behind any more. The key that made it
// has seen its state; if that is not what the caches show, and there was no event about it, nothing
// else would wake the key: an event about a later state is compared with what the caches had before.
func (t *Tracker) caughtUp(key types.NamespacedName, w journal.Write, noEvent bool) {
	if noEvent && t.caches.Skipped(w) || t.caches.Overtaken(w) {
		t.missed(key, w)
	}
}

// Stop ends the timers, and waits for the looks that go on. The reads of t.Live must have ended,
// or end.
func (t *Tracker) Stop() {
	t.mu.Lock()
	t.ended = true
	for _, all := range t.waiting {
		for u := range all {
			u.stop()
		}
	}
	t.mu.Unlock()
	t.looks.Wait()
}

// drop must be called with t.mu held.
func (t *Tracker) drop(u *Writes, ref journal.Ref) {
	if t.waiting[ref].Delete(u); len(t.waiting[ref]) == 0 {
		delete(t.waiting, ref)
	}
	if delete(u.writes, ref); len(u.writes) == 0 {
		u.stop()
		t.open.Add(-1)
	}
}

// Arrived looks again at the writes to an object after an event about it. It returns
// the keys that have nothing to wait for any more.
func (t *Tracker) Arrived(ref journal.Ref) (ready []types.NamespacedName) {
	if t.Open() == 0 {
		return nil
	}
	t.mu.Lock()
	all := t.waiting[ref].UnsortedList()
	t.mu.Unlock()
	for _, u := range all {
		if t.pending(u, ref, func(journal.Write) {}) <= 0 {
			ready = append(ready, u.key)
		}
	}
	return ready
}

// Pending returns how long the next attempt of a key should wait for the caches, at most, and the
// writes that they do not show. There is no waiting for what cannot be compared, nor for longer
// than a while since the write: then the attempt reads live.
func (t *Tracker) Pending(u *Writes) (wait time.Duration, writes map[journal.Ref]journal.Write) {
	wait = t.pending(u, journal.Ref{}, func(w journal.Write) {
		if writes == nil {
			writes = map[journal.Ref]journal.Write{}
		}
		writes[w.Ref] = w
	})
	return wait, writes
}

// pending is Pending after an event about an object.
func (t *Tracker) pending(u *Writes, event journal.Ref, each func(journal.Write)) (wait time.Duration) {
	for _, w := range t.of(u) {
		if t.caches.Show(w) {
			t.caughtUp(u.key, w, w.Ref != event)
			t.shown(u, w)
			continue
		}
		if each(w); w.Waitable() {
			wait = max(wait, t.wait-time.Since(w.Since))
		}
	}
	return wait
}

// shown forgets a write, unless it was resolved since.
func (t *Tracker) shown(u *Writes, w journal.Write) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, ok := u.writes[w.Ref]; ok && now.At.Equal(w.At) {
		t.drop(u, w.Ref)
	}
}

// Forget drops the writes of a key.
func (t *Tracker) Forget(u *Writes) {
	if u == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for ref := range u.writes {
		t.drop(u, ref)
	}
}
