package controller

import (
	"cmp"
	"context"
	"errors"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Selector is an optional interface that can be implemented by a [Context], for an operator that works on some objects
// of a kind only: those with a label, of a class, with a certain type. It is the safe way to do that with a
// finalizer: an object that no selector of a watch matches any more is not seen, and keeps the finalizer.
//
// If implemented, Apply is called only for objects that are selected, and others do not get the finalizer. An object
// that carries it and is not selected any more is cleaned up: Cleanup is called, and the finalizer removed, although
// the object is not being deleted. If it is selected again, it is applied again. An object that is being deleted and
// carries the finalizer is cleaned up, selected or not. A change of what Selects returns passes every filter.
//
// The cache still holds all objects of the kind; see SetTransform of package informer for how to make those small.
type Selector[T repository.Object] interface {
	// Selects reports whether obj is to be worked on. It must depend on nothing but obj, which must not be changed: it
	// may be in the cache. It is called for every event, by several goroutines, and must be fast. If it panics, the
	// attempt fails, and the object stays as it is. A function given to SetTransform of the informer must keep what
	// Selects looks at.
	Selects(obj T) bool
}

// excludes reports whether an object is not to be worked on.
func (c *Controller[T, C]) excludes(obj T) bool {
	return c.selector != nil && obj.GetDeletionTimestamp() == nil && !c.selector.Selects(obj)
}

// passesBy reports whether there is nothing to do for an object that is not selected, and nothing to read: if the cache
// is behind, an event is on the way. What panics is left to the attempt.
func (c *Controller[T, C]) passesBy(cached T, st *record) bool {
	if c.selector == nil || st.held && !st.cleaned || finalizer.Held(cached, c.finalizer) || journal.Older(cached.GetResourceVersion(), st.worked) {
		return false
	}
	out, err := c.outside(cached)
	if err != nil || !out {
		return false
	}
	st.asked.since = nil // nobody waits
	return true
}

// outside is excludes outside of attempts, where a panic must end nothing.
func (c *Controller[T, C]) outside(obj T) (out bool, err error) {
	err = foreign.Call(func() { out = c.excludes(obj) })
	return out, err
}

// selectionChanged reports whether an event may have changed what Selects returns. A panic hides nothing.
func (c *Controller[T, C]) selectionChanged(before, after T) bool {
	if c.selector == nil {
		return false
	}
	was, err := c.outside(before)
	is, err2 := c.outside(after)
	if err = cmp.Or(err, err2); err != nil {
		c.trouble(kerr.New(kerr.OpFilter, c.repo.Kind(), repository.Key(after), after.GetUID(), err))
	}
	return was != is || err != nil
}

// letGo cleans up an object that is not selected any more.
func (t *reconciliation[T, C]) letGo(ctx context.Context, obj T) (Action, error) {
	if !finalizer.Held(obj, t.c.finalizer) {
		return AwaitChange(), nil
	}
	confirm := func(live T) error {
		if live.GetDeletionTimestamp() != nil || t.c.excludes(live) {
			return nil
		}
		return kerr.Mark(kerr.ClassConflict, errors.New("the live object is selected"))
	}
	return finalizer.Release(ctx, t.c.repo, t.c.finalizer, obj, confirm, func(ctx context.Context, live T) (Action, error) {
		if live.GetDeletionTimestamp() != nil {
			return t.cleanup(ctx, live)
		}
		return t.callCleanup(ctx, live)
	})
}
