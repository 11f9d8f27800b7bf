package controller

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"
)

// patient is how long all caches are waited for at the start. After that, work begins for
// the namespaces whose caches are full: one that is denied must not keep the others.
const patient = 5 * time.Second

// gate holds the keys back whose caches are not full. To decide without them would be to
// take what was not read yet for what does not exist.
type gate struct {
	subscriptions []subscription // complete before the workers start

	mu      sync.Mutex
	waiting sets.Set[types.NamespacedName]
}

// open reports whether all caches are full that an object of the namespace may need: in each
// informer the one of that namespace, or all if it has none.
func (g *gate) open(namespace string) bool {
	for _, s := range g.subscriptions {
		if !s.Full(namespace) {
			return false
		}
	}
	return true
}

// wait notes that a key is held back.
func (g *gate) wait(key types.NamespacedName) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting = sets.Set[types.NamespacedName]{}
	}
	g.waiting.Insert(key)
}

// free returns the keys to look at again, since a cache is full by now.
func (g *gate) free() []types.NamespacedName {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys := g.waiting.UnsortedList()
	g.waiting = nil
	return keys
}

// opened is called when a cache is full.
func (r *runState[T]) opened() {
	for _, key := range r.gate.free() {
		r.queue.Wake(key, Reason{Verb: VerbCaughtUp})
	}
}

// heldBack keeps a key if its caches are not full.
func (c *Controller[T, C]) heldBack(r *runState[T], it *item, reasons []Reason, more int) bool {
	if r.gate.open(it.Key.Namespace) {
		return false
	}
	r.gate.wait(it.Key)
	r.queue.Hold(it, reasons, more, time.Minute, false, string(ParkedFilling))
	if r.gate.open(it.Key.Namespace) {
		r.opened() // since we looked
	}
	return true
}

// begun waits until there is something to work on, and returns false if ctx ended before.
func (c *Controller[T, C]) begun(ctx context.Context, subscriptions []subscription) bool {
	short, cancel := context.WithTimeout(ctx, patient)
	defer cancel()
	cache.WaitFor(short, "", synced(subscriptions)...)
	return ctx.Err() == nil
}
