package controller

import (
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/attempt"
)

// bookmark is how often a key that waits for a cache looks again by itself: the
// cache may have caught up without an event about the object.
const bookmark = time.Second

// ownWrites are the writes of attempts that the controller's caches do not show
// yet, by the key that was reconciled. Its next attempt waits until they do: it
// would decide on a world without what it did itself.
type ownWrites struct {
	caches caches
	wait   time.Duration // Options.StaleWait
	// gone is told of an object that was written for a key, and of which the caches
	// skipped all that happened: they caught up, and do not have it.
	gone func(key types.NamespacedName, w attempt.Write)

	open    atomic.Int64 // the keys that have some, so that events are cheap if none has
	mu      sync.Mutex
	of      map[types.NamespacedName]map[attempt.Ref]attempt.Write
	waiting map[attempt.Ref]sets.Set[types.NamespacedName]
	timers  map[types.NamespacedName]*time.Timer // look again, see look
}

func newOwnWrites(c caches, wait time.Duration, gone func(types.NamespacedName, attempt.Write)) *ownWrites {
	return &ownWrites{
		caches: c, wait: wait, gone: gone,
		timers:  map[types.NamespacedName]*time.Timer{},
		of:      map[types.NamespacedName]map[attempt.Ref]attempt.Write{},
		waiting: map[attempt.Ref]sets.Set[types.NamespacedName]{},
	}
}

// set replaces the writes of a key by those that caches do not show. Kinds without a
// cache have nothing that could be behind.
func (o *ownWrites) set(key types.NamespacedName, writes map[attempt.Ref]attempt.Write) {
	if len(writes) == 0 && o.open.Load() == 0 {
		return
	}
	var behind map[attempt.Ref]attempt.Write
	for ref, w := range writes {
		if o.caches.show(w) {
			o.skipped(key, w)
			continue
		}
		if behind == nil {
			behind = map[attempt.Ref]attempt.Write{}
		}
		behind[ref] = w
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear(key)
	if len(behind) == 0 {
		return
	}
	o.of[key] = behind
	for ref := range behind {
		if o.waiting[ref] == nil {
			o.waiting[ref] = sets.New[types.NamespacedName]()
		}
		o.waiting[ref].Insert(key)
	}
	o.open.Store(int64(len(o.of)))
	o.later(key)
}

// later must be called with o.mu held.
func (o *ownWrites) later(key types.NamespacedName) {
	if o.timers[key] == nil {
		o.timers[key] = time.AfterFunc(max(o.wait, bookmark), func() { o.look(key) })
	}
}

// look looks at the writes of a key for which there was no event. An object that was
// created and deleted again while no watch was open makes none, ever: nobody would
// tell the key that what it made is gone.
func (o *ownWrites) look(key types.NamespacedName) {
	_, behind := o.behind(key, func(w attempt.Write) { o.skipped(key, w) })
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.timers, key)
	if len(behind) > 0 && len(o.of[key]) > 0 {
		o.later(key)
	}
}

// skipped tells of a write if the caches caught up with it and do not have the object.
func (o *ownWrites) skipped(key types.NamespacedName, w attempt.Write) {
	if o.caches.skipped(w) {
		o.gone(key, w)
	}
}

// stop ends the timers.
func (o *ownWrites) stop() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, timer := range o.timers {
		timer.Stop()
	}
}

// clear must be called with o.mu held.
func (o *ownWrites) clear(key types.NamespacedName) {
	for ref := range o.of[key] {
		o.drop(key, ref)
	}
}

// drop must be called with o.mu held.
func (o *ownWrites) drop(key types.NamespacedName, ref attempt.Ref) {
	if o.waiting[ref].Delete(key); len(o.waiting[ref]) == 0 {
		delete(o.waiting, ref)
	}
	if delete(o.of[key], ref); len(o.of[key]) == 0 {
		delete(o.of, key)
		if timer := o.timers[key]; timer != nil {
			timer.Stop()
			delete(o.timers, key)
		}
	}
	o.open.Store(int64(len(o.of)))
}

// arrived looks again at the writes to an object after an event about it. It returns
// the keys that have nothing to wait for any more.
func (o *ownWrites) arrived(ref attempt.Ref) (ready []types.NamespacedName) {
	if o.open.Load() == 0 {
		return nil
	}
	o.mu.Lock()
	keys := o.waiting[ref].UnsortedList()
	o.mu.Unlock()
	for _, key := range keys {
		wait, _ := o.behind(key, func(w attempt.Write) {
			if w.Ref != ref { // of which there was an event
				o.skipped(key, w)
			}
		})
		if wait <= 0 {
			ready = append(ready, key)
		}
	}
	return ready
}

// behind returns how long the next attempt of a key should wait for the caches, at
// most, and the writes that they do not show. There is no waiting for what cannot be
// compared, nor for longer than a while since the write: then the attempt reads live.
// caughtUp, if not nil, is told of the others, which are forgotten.
func (o *ownWrites) behind(key types.NamespacedName, caughtUp func(attempt.Write)) (wait time.Duration, writes map[attempt.Ref]attempt.Write) {
	if o.open.Load() == 0 {
		return 0, nil
	}
	o.mu.Lock()
	all := make([]attempt.Write, 0, len(o.of[key]))
	for _, w := range o.of[key] {
		all = append(all, w)
	}
	o.mu.Unlock()
	for _, w := range all {
		if o.caches.show(w) {
			if caughtUp != nil {
				caughtUp(w)
			}
			o.shown(key, w)
			continue
		}
		if writes == nil {
			writes = map[attempt.Ref]attempt.Write{}
		}
		writes[w.Ref] = w
		if w.Waitable() {
			wait = max(wait, o.wait-time.Since(w.Since))
		}
	}
	return wait, writes
}

// shown forgets a write, unless there was another one since.
func (o *ownWrites) shown(key types.NamespacedName, w attempt.Write) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if now, ok := o.of[key][w.Ref]; ok && now.At.Equal(w.At) {
		o.drop(key, w.Ref)
	}
}

func (o *ownWrites) forget(key types.NamespacedName) {
	if o.open.Load() == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clear(key)
}
