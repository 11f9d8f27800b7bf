package controller

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

// bookmark is how often a key that waits for a cache looks again by itself: the
// cache may have caught up without an event about the object.
const bookmark = time.Second

// unseen are the writes of the attempts for one key that the controller's caches do not
// show yet. Its next attempt waits until they do: it would decide on a world without what
// it did itself. It belongs to the state of the key; its fields are guarded by ownWrites.mu.
type unseen struct {
	key    types.NamespacedName
	writes map[journal.Ref]journal.Write
	timer  *time.Timer // look again, see look
}

func (u *unseen) stop() {
	if u.timer != nil { // of an attempt that was abandoned there is none
		u.timer.Stop()
	}
}

// ownWrites finds the keys that wait for a write to be shown.
type ownWrites struct {
	caches caches
	wait   time.Duration // Options.StaleWait
	// gone is told of an object that was written for a key, and of which the caches
	// skipped all that happened: they caught up, and do not have it.
	gone func(key types.NamespacedName, w journal.Write)
	// live reads an object from the server. nil is never.
	live func(ref journal.Ref) (journal.Object, error)

	open    atomic.Int64 // the keys that have some, so that events are cheap if none has
	mu      sync.Mutex
	waiting map[journal.Ref]sets.Set[*unseen]
	ended   bool
	looks   sync.WaitGroup
}

func newOwnWrites(c caches, wait time.Duration, gone func(types.NamespacedName, journal.Write)) *ownWrites {
	return &ownWrites{caches: c, wait: wait, gone: gone, waiting: map[journal.Ref]sets.Set[*unseen]{}}
}

// set replaces the writes of a key by those that caches do not show, and returns them. Kinds
// without a cache have nothing that could be behind. The map is its own from now on.
func (o *ownWrites) set(u *unseen, key types.NamespacedName, writes map[journal.Ref]journal.Write) *unseen {
	if len(writes) == 0 && u == nil {
		return nil
	}
	for ref, w := range writes {
		if o.caches.show(w) {
			o.skipped(key, w)
			delete(writes, ref)
		}
	}
	o.forget(u)
	if len(writes) == 0 {
		return nil
	}
	u = &unseen{key: key, writes: writes}
	o.mu.Lock()
	defer o.mu.Unlock()
	for ref := range writes {
		if o.waiting[ref] == nil {
			o.waiting[ref] = sets.New[*unseen]()
		}
		o.waiting[ref].Insert(u)
	}
	o.open.Add(1)
	o.later(u)
	return u
}

// later must be called with o.mu held.
func (o *ownWrites) later(u *unseen) {
	if !o.ended {
		u.timer = time.AfterFunc(max(o.wait, bookmark), func() { o.look(u) })
	}
}

// look looks at the writes of a key for which there was no event. An object that was
// created and deleted again while no watch was open makes none, ever: nobody would
// tell the key that what it made is gone.
func (o *ownWrites) look(u *unseen) {
	o.mu.Lock()
	ended := o.ended
	if !ended {
		o.looks.Add(1)
		defer o.looks.Done()
	}
	o.mu.Unlock()
	if ended {
		return
	}
	o.resolve(u)
	o.behind(u, func(w journal.Write) { o.skipped(u.key, w) })
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(u.writes) > 0 {
		o.later(u)
	}
}

// resolve reads what became of writes that there was no answer to. No cache can tell, and it
// may be that no attempt ever reads that object again: a name that was made up for one attempt.
func (o *ownWrites) resolve(u *unseen) {
	if o.live == nil {
		return
	}
	for _, w := range o.of(u) {
		if w.Outcome != journal.Unknown && (w.Outcome != journal.Gone || w.UID != "") {
			continue
		}
		found := journal.Write{Ref: w.Ref, Outcome: journal.Gone}
		obj, err := o.live(w.Ref)
		switch {
		case err == nil:
			found = journal.Found(w.Ref, obj.DeepCopyObject().(journal.Object)) //nolint:forcetypeassert // a copy of one
		case kerr.ClassOf(err) != kerr.ClassNotFound:
			continue // the next look tries again
		}
		found.At, found.Since = time.Now(), w.Since
		o.mu.Lock()
		if now, ok := u.writes[w.Ref]; ok && now.At.Equal(w.At) {
			u.writes[w.Ref] = found
		}
		o.mu.Unlock()
	}
}

// of returns the writes of a key.
func (o *ownWrites) of(u *unseen) []journal.Write {
	if u == nil {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Collect(maps.Values(u.writes))
}

// skipped tells of a write if the caches caught up with it and do not have the object.
func (o *ownWrites) skipped(key types.NamespacedName, w journal.Write) {
	if o.caches.skipped(w) {
		o.gone(key, w)
	}
}

// stop ends the timers, and waits for who looks. The reads of o.live must have ended, or end.
func (o *ownWrites) stop() {
	o.mu.Lock()
	o.ended = true
	for _, all := range o.waiting {
		for u := range all {
			u.stop()
		}
	}
	o.mu.Unlock()
	o.looks.Wait()
}

// drop must be called with o.mu held.
func (o *ownWrites) drop(u *unseen, ref journal.Ref) {
	if o.waiting[ref].Delete(u); len(o.waiting[ref]) == 0 {
		delete(o.waiting, ref)
	}
	if delete(u.writes, ref); len(u.writes) == 0 {
		u.stop()
		o.open.Add(-1)
	}
}

// arrived looks again at the writes to an object after an event about it. It returns
// the keys that have nothing to wait for any more.
func (o *ownWrites) arrived(ref journal.Ref) (ready []types.NamespacedName) {
	if o.open.Load() == 0 {
		return nil
	}
	o.mu.Lock()
	all := o.waiting[ref].UnsortedList()
	o.mu.Unlock()
	for _, u := range all {
		wait, _ := o.behind(u, func(w journal.Write) {
			if w.Ref != ref { // of which there was an event
				o.skipped(u.key, w)
			}
		})
		if wait <= 0 {
			ready = append(ready, u.key)
		}
	}
	return ready
}

// behind returns how long the next attempt of a key should wait for the caches, at
// most, and the writes that they do not show. There is no waiting for what cannot be
// compared, nor for longer than a while since the write: then the attempt reads live.
// caughtUp, if not nil, is told of the others, which are forgotten.
func (o *ownWrites) behind(u *unseen, caughtUp func(journal.Write)) (wait time.Duration, writes map[journal.Ref]journal.Write) {
	for _, w := range o.of(u) {
		if o.caches.show(w) {
			if caughtUp != nil {
				caughtUp(w)
			}
			o.shown(u, w)
			continue
		}
		if writes == nil {
			writes = map[journal.Ref]journal.Write{}
		}
		writes[w.Ref] = w
		if w.Waitable() {
			wait = max(wait, o.wait-time.Since(w.Since))
		}
	}
	return wait, writes
}

// shown forgets a write, unless it was resolved since.
func (o *ownWrites) shown(u *unseen, w journal.Write) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now, ok := u.writes[w.Ref]; ok && now.At.Equal(w.At) {
		o.drop(u, w.Ref)
	}
}

// forget drops the writes of a key.
func (o *ownWrites) forget(u *unseen) {
	if u == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for ref := range u.writes {
		o.drop(u, ref)
	}
}
