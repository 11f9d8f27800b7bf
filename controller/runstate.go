package controller

import (
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/internal/unseen"
	"github.com/kuberator/kuberator/repository"
)

// runState is one call of Run.
type runState[T repository.Object] struct {
	queue    *queue.Queue[types.NamespacedName, Reason, record]
	own      *unseen.Tracker
	vanished vanished
	gate     gate
	refusals refusals
	// subscribed are the caches, once they are started.
	subscribed atomic.Pointer[[]subscription]
	troubles   *troubles
	deps       map[any]*dependents.Table // by informer
	problem    func(error)
	warm       bool           // the cache was running before
	ready      atomic.Bool    // the caches are full
	stopping   atomic.Bool    // no attempt begins any more
	wg         sync.WaitGroup // the workers
	outside    sync.WaitGroup // the external sources
	busy       []busy
	progress   progress
}

// busy is what a worker is at, or nil, in a cache line of its own. Only what is set before an attempt begins may be
// read of it.
type busy struct {
	atomic.Pointer[outcome]
	_ [56]byte
}

func newRunState[T repository.Object, C Context[T]](c *Controller[T, C]) *runState[T] {
	r := &runState[T]{
		queue: queue.New[types.NamespacedName, Reason, record](queue.Options[types.NamespacedName]{
			Base: c.opts.MinBackoff, Max: c.opts.MaxBackoff,
			Tenant: func(key types.NamespacedName) string { return key.Namespace },
			Timed:  len(c.observers) > 0,
		}),
		deps:     map[any]*dependents.Table{},
		troubles: newTroubles(),
		problem:  c.trouble,
		busy:     make([]busy, c.opts.Workers),
		progress: progress{taken: make([]count, c.opts.Workers)},
	}
	r.refusals.wake = r.again
	r.own = unseen.New(c.caches, c.opts.StaleWait, func(key types.NamespacedName, w journal.Write) {
		verb := VerbDeleted
		if c.caches.view(w.Ref) != nil {
			verb = VerbUpdated
		}
		r.queue.Add(key, Reason{Verb: verb, Kind: w.Kind, Key: w.Key}, queue.Change)
	})
	for _, s := range c.sources {
		if in, referenced := s.informer(); referenced {
			r.deps[in] = dependents.New()
		}
	}
	return r
}

// enqueue adds a key that is asked for without an event.
func (r *runState[T]) enqueue(key types.NamespacedName, weight queue.Weight) {
	r.queue.Add(key, Reason{Verb: VerbEnqueued}, weight)
}

// The functions of a hub.

func (r *runState[T]) add(key types.NamespacedName, reason Reason, weight queue.Weight) {
	r.queue.Add(key, reason, weight)
}

func (r *runState[T]) arrived(ref journal.Ref) {
	for _, key := range r.own.Arrived(ref) {
		r.queue.Wake(key, Reason{Verb: VerbCaughtUp})
	}
}

func (r *runState[T]) dependencies(informer any) *dependents.Table { return r.deps[informer] }

func (r *runState[T]) trouble(err error) { r.problem(err) }

// keys returns the objects that have been worked on for that long.
func (r *runState[T]) keys(atLeast time.Duration) []types.NamespacedName {
	var keys []types.NamespacedName
	for n := range r.busy {
		if at := r.busy[n].Load(); at != nil && time.Since(at.Start) >= atLeast {
			keys = append(keys, at.Key)
		}
	}
	return keys
}
