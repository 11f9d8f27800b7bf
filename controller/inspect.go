package controller

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/journal"
)

// Inspection is what a controller has to do with one object, at one moment: for a page that a person
// looks at. See [Controller.Inspect].
type Inspection struct {
	// Cached reports whether the object is in the cache.
	Cached bool
	// Paused is the pause of the cached object, see [PausedAnnotation]; nil if it is not paused.
	Paused *Pause
	// Running is the attempt that is under way, of which the fields that [Stats.Attempts] has are set; nil
	// if there is none.
	Running *Attempt
	// Queued reports whether the object waits for a worker, and Background whether behind those that
	// something happened to.
	Queued, Background bool
	// Parked is why the object is kept back, empty if it is not, and ParkedSince since when.
	Parked      ParkReason
	ParkedSince time.Time
	// Due is when the next attempt begins if nothing happens before, and Retry whether that is after a
	// failure, and not a [Requeue]. It is zero if none is scheduled. Failures is the number of
	// consecutive failures.
	Due      time.Time
	Retry    bool
	Failures int
	// Reasons are why there is a next attempt, the first eight of them, and MoreReasons the number of
	// further ones.
	Reasons     []Reason
	MoreReasons int
	// Reads are what the last attempts read from informers given to [References].
	Reads []Read
}

// Read is an object that an attempt read, whether or not it exists, or a list.
type Read struct {
	// Kind is that of the informer.
	Kind schema.GroupKind
	// Key is that of the object; empty for a list.
	Key types.NamespacedName
	// List says what the list selects, for people; empty if it is an object.
	List string
}

// Inspect returns what the controller has to do with an object. It takes time for all that is read
// from the informers given to [References]: microseconds, and some milliseconds for 100,000 reads. It is for
// people, and sends nothing. It is safe for concurrent use.
func (c *Controller[T, C]) Inspect(key types.NamespacedName) (i Inspection) {
	r := c.now()
	if r == nil {
		return i
	}
	if obj := c.caches.view(c.ref(key)); obj != nil {
		i.Cached = true
		if p, is := PauseOf(obj); is {
			i.Paused = &p
		}
	}
	for n := range r.busy {
		if at := r.busy[n].Load(); at != nil && at.Key == key {
			i.Running = c.underWay(at)
		}
	}
	if at, known := r.queue.Look(key); known {
		i.Queued, i.Background = at.Ready, at.Background
		i.Parked, i.ParkedSince = ParkReason(at.Held), at.Since
		i.Due, i.Retry, i.Failures = at.Due, at.Retry, at.Failures
		i.Reasons, i.MoreReasons = at.Reasons, at.More
	}
	for _, s := range c.sources {
		in, _ := s.informer()
		d := r.deps[in]
		if d == nil {
			continue
		}
		for _, read := range d.ReadBy(key) {
			i.Reads = append(i.Reads, Read{Kind: s.kind().GroupKind(), Key: read.Name, List: read.List})
		}
	}
	return i
}

// Readers returns the objects whose last attempts read an object of another kind, from an informer given to
// [References], by its name or in a list: those that are reconciled when it changes. They are sorted.
func (c *Controller[T, C]) Readers(kind schema.GroupKind, key types.NamespacedName) []types.NamespacedName {
	r := c.now()
	if r == nil {
		return nil
	}
	found := dependents.Keys{}
	for _, s := range c.sources {
		in, _ := s.informer()
		if d := r.deps[in]; d != nil && s.kind().GroupKind() == kind {
			d.Named(found, key)
			found.Insert(s.readers(r, c.caches.view(journal.Ref{Kind: kind, Key: key}))...)
		}
	}
	return sorted(found.UnsortedList())
}

// sorted puts keys in the order of their text.
func sorted(keys []types.NamespacedName) []types.NamespacedName {
	slices.SortFunc(keys, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// underWay is an attempt that is, without what only its worker may read.
func (c *Controller[T, C]) underWay(at *outcome) *Attempt {
	return &Attempt{Controller: c.opts.Name, Kind: c.repo.Kind(), Key: at.Key, Reasons: at.Reasons, MoreReasons: at.MoreReasons, Start: at.Start}
}

// Introspector is a [Controller] of any type.
type Introspector interface {
	// Stats returns what the controller is at, see [Controller.Stats].
	Stats() Stats
	// Inspect returns what it has to do with an object, see [Controller.Inspect].
	Inspect(key types.NamespacedName) Inspection
	// Readers returns the objects whose last attempts read another object, see [Controller.Readers].
	Readers(kind schema.GroupKind, key types.NamespacedName) []types.NamespacedName
}
