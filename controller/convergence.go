package controller

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
)

// Convergence is that what someone asked for was done, and how long it took. It is what users of
// an operator notice: attempts are its own affair.
type Convergence struct {
	// Controller is the name of the controller.
	Controller string
	// Key and UID identify the object.
	Key types.NamespacedName
	UID types.UID
	// Deleted reports whether the object was to be deleted, and is gone. Otherwise an attempt for
	// its present generation has succeeded.
	Deleted bool
	// After is how long that took. A generation is measured from the event by which this process
	// saw the first generation that no attempt has succeeded for since. Where nothing happened to
	// the object while the process ran, there is no such event. For a kind without generations,
	// each event about the object that starts an attempt is one. A pause does not count, see
	// PausedAnnotation: what was asked for before its end is measured from there. A deletion is measured from the
	// time when the API server accepted it, which is in the object, in seconds of the server's
	// clock, to the event of the end.
	After time.Duration
}

// ConvergenceObserver is an optional interface that can be implemented by an [Observer]. If
// implemented, Converged is called by workers, under the same rules as Ended: before Ended of the
// attempt that succeeded; and for a deletion when the cache shows it, if the controller has a
// finalizer.
type ConvergenceObserver interface {
	Converged(c Convergence)
}

// asked is what was asked for and is not done yet.
type asked struct {
	generation int64      // the last one that an attempt was made for
	since      *time.Time // nil if there was a success for it, as for most
}

// converge notes an attempt for the generation that the object had. It is new if no attempt was
// made for it, and was asked for while we looked on if it is not of the background.
func (t *reconciliation[T, C]) converge(since time.Time) {
	worked := t.given
	if worked == *new(T) {
		worked = t.cached
	}
	if worked == *new(T) {
		return // there is no object: its finalizer was bypassed
	}
	st, generation := &t.it.Record, worked.GetGeneration()
	seen := t.it.Weight() > queue.Background
	if generation != st.asked.generation || generation == 0 && t.happened() {
		st.asked.generation = generation
		if seen && st.asked.since == nil {
			begun := since // not since itself, which would be in the heap at each attempt
			st.asked.since = &begun
		}
	}
	if t.at.Err != nil || t.at.Op != kerr.OpApply || st.asked.since == nil {
		return
	}
	after := max(time.Since(*st.asked.since), 0)
	st.asked.since = nil
	t.c.tellConverged(Convergence{Controller: t.c.opts.Name, Key: t.at.Key, UID: t.at.UID, After: after})
}

// happened reports whether an attempt has an event about its own object, of others' doing, among
// its reasons.
func (t *reconciliation[T, C]) happened() bool {
	for _, reason := range t.at.Reasons {
		if (reason.Verb == VerbAdded || reason.Verb == VerbUpdated) && reason.Key == t.at.Key && reason.Kind == t.c.repo.Kind().GroupKind() {
			return !t.at.SelfTriggered
		}
	}
	return false
}

// gone tells of an object that is gone, if that was asked for.
func (c *Controller[T, C]) gone(last journal.Object) {
	at := last.GetDeletionTimestamp()
	if at == nil || len(c.convergence) == 0 {
		return
	}
	after := time.Since(at.Time)
	if grace := last.GetDeletionGracePeriodSeconds(); grace != nil {
		after += time.Duration(*grace) * time.Second // the server adds it
	}
	c.tellConverged(Convergence{
		Controller: c.opts.Name, Key: types.NamespacedName{Namespace: last.GetNamespace(), Name: last.GetName()}, UID: last.GetUID(),
		Deleted: true, After: max(after, 0),
	})
}

func (c *Controller[T, C]) tellConverged(what Convergence) {
	for _, o := range c.convergence {
		c.callObserver(func() { o.Converged(what) })
	}
}

// callObserver calls an observer where the goroutine must not end with it.
func (c *Controller[T, C]) callObserver(f func()) {
	if err := foreign.Call(f); err != nil {
		c.opts.Logger.Error("Options.Observer panicked", errorFields(err)...)
	}
}
