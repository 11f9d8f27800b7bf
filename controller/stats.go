package controller

import (
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/informer"
)

// Stats is what a controller is at, at one moment, in numbers: for metrics, and for a page that a
// person looks at. See [Controller.Stats].
type Stats struct {
	// Controller is the name of the controller, and Kind the kind of its objects.
	Controller string
	Kind       schema.GroupVersionKind
	// Workers is Options.Workers.
	Workers int
	// Running and Ready report whether Run was called, and whether all caches are full.
	Running, Ready bool
	// Queued is how many objects wait for a worker. Background are those of them that nothing
	// happened to: they are from the first list, from a resync, or from EnqueueBackground, and come
	// after the others.
	Queued, Background int
	// Retrying is how many objects wait for the end of the backoff after a failure, and Requeued
	// how many wait for the end of a [Requeue].
	Retrying, Requeued int
	// Parked are the objects that are kept back, one entry for each reason that there is, in the
	// order of the reasons. Kept are their keys, at most ten, those that have waited longest; those
	// that are paused come last.
	Parked []Parked
	Kept   []types.NamespacedName
	// Attempts are those under way, at most one for each worker, the oldest first. The fields
	// Controller, Kind, Key, Reasons, MoreReasons and Start are set. Stuck is how many of them, and of
	// those that earlier runs abandoned, [Controller.Healthy] counts as stuck.
	Attempts []Attempt
	Stuck    int
	// Caches are those of the controller's own kind, which comes first, and of the informers
	// given to Owns, OwnsShared, Watches and References.
	Caches []informer.Stats
	// What follows is counted since the controller was made. Adds is how often an object began to
	// wait for a worker, Echoes how often an object was not reconciled since all that had
	// happened to it were events of its own writes, and Bypassed for how many objects the
	// finalizer was bypassed.
	Adds, Echoes, Bypassed uint64
}

// mostKept bounds Stats.Kept.
const mostKept = 10

// Parked are the objects that are kept back for one reason.
type Parked struct {
	// Why is the reason, and Objects how many there are.
	Why     ParkReason
	Objects int
	// Longest is how long the one has waited that has waited longest.
	Longest time.Duration
}

// ParkReason is why an object that there is a reason to reconcile is kept back. No worker is
// blocked meanwhile.
type ParkReason string

// The reasons.
const (
	ParkedStale     ParkReason = "stale"     // caches do not show its own writes yet, see Options.StaleWait
	ParkedFilling   ParkReason = "filling"   // caches that it needs are not full yet
	ParkedFailing   ParkReason = "failing"   // it fails, and events come faster than once a second
	ParkedLoop      ParkReason = "loop"      // it is in a reconcile loop, and slowed down
	ParkedAbandoned ParkReason = "abandoned" // an attempt that an earlier run abandoned still goes on
	ParkedPaused    ParkReason = "paused"    // it is paused, see PausedAnnotation
)

// Stats returns what the controller is at. It takes time for the workers, the caches and the
// objects that are parked, not for all objects: some microseconds, and a millisecond for 50,000
// parked objects. It sends nothing and starts nothing, also if the controller does not run, and is
// safe for concurrent use.
func (c *Controller[T, C]) Stats() Stats {
	s := Stats{
		Controller: c.opts.Name, Kind: c.repo.Kind(), Workers: c.opts.Workers,
		Stuck: len(c.stuck()), Echoes: c.counts.echoes.Load(), Bypassed: c.counts.bypassed.Load(),
	}
	c.mu.Lock()
	r := c.current
	s.Adds = c.counts.adds
	c.mu.Unlock()
	if r != nil {
		r.fill(&s)
		s.Attempts = c.attempts(r)
	}
	return s
}

// attempts are those under way, the first to begin first.
func (c *Controller[T, C]) attempts(r *runState[T]) (all []Attempt) {
	for n := range r.busy {
		if at := r.busy[n].Load(); at != nil {
			all = append(all, *c.underWay(at))
		}
	}
	slices.SortFunc(all, func(a, b Attempt) int { return a.Start.Compare(b.Start) })
	return all
}

// fill adds what only a controller that runs has.
func (r *runState[T]) fill(s *Stats) {
	q := r.queue.Stats()
	s.Running, s.Ready = true, r.ready.Load()
	s.Queued, s.Background, s.Retrying, s.Requeued = q.Ready, q.Background, q.Retrying, q.Timed
	s.Adds += q.Adds
	for _, why := range slices.Sorted(maps.Keys(q.Held)) {
		s.Parked = append(s.Parked, Parked{Why: ParkReason(why), Objects: q.Held[why].Keys, Longest: q.Held[why].Longest})
	}
	s.Kept = r.queue.Longest(mostKept, string(ParkedPaused))
	s.Caches = r.caches()
}

// caches are the numbers of all caches.
func (r *runState[T]) caches() (all []informer.Stats) {
	if some := r.subscribed.Load(); some != nil {
		for _, one := range *some {
			all = append(all, one.Stats())
		}
	}
	return all
}

// counts are what is counted for Stats across runs.
type counts struct {
	echoes, bypassed atomic.Uint64
	adds             uint64 // of the runs that ended; guarded by Controller.mu
}

// StatsObserver is an optional interface that can be implemented by an [Observer]. If implemented,
// Running is called when Run begins, with the controller, and what it returns is called when
// Run ends; nil is nothing to call. Both must return quickly. A panic is logged and changes
// nothing.
type StatsObserver interface {
	Running(c Introspector) (ended func())
}

// tellRunning calls the observers, and returns what tells them of the end.
func (c *Controller[T, C]) tellRunning() (ended func()) {
	var ends []func()
	for _, o := range c.observers {
		if of, ok := o.(StatsObserver); ok {
			c.callObserver(func() {
				if end := of.Running(c); end != nil {
					ends = append(ends, end)
				}
			})
		}
	}
	return func() {
		for _, end := range slices.Backward(ends) {
			c.callObserver(end)
		}
	}
}
