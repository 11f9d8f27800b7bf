package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/kerr"
)

// snapshot returns the state that an attempt starts from, as a copy of its own, or
// nil if there is no such object.
//
// It is the cached state, unless the cache is known to be behind: we wrote, or read
// live, a newer state of this very object. Then it is read from the server, so that
// no attempt starts from a state older than what an earlier one saw or wrote.
func (c *Controller[T, C]) snapshot(ctx context.Context, r *running[T], key types.NamespacedName) (T, error) {
	cached, ok := c.informer.View(key)
	if !ok {
		return *new(T), nil
	}
	st := r.states.get(key, cached.GetUID())
	if !st.blind && !attempt.Older(cached.GetResourceVersion(), st.newest) {
		return cached.DeepCopyObject().(T), nil
	}
	live, err := c.repo.Get(ctx, key)
	if err != nil && kerr.ClassOf(err) == kerr.ClassGone {
		return *new(T), nil // its deletion is on the way to the cache
	}
	if err != nil {
		return *new(T), kerr.New(kerr.OpGet, c.repo.Kind(), key, cached.GetUID(), err)
	}
	return live, nil
}

// pristine returns obj as nobody will change it: the cached object if that is the
// same state, else a copy that is like a cached one.
func (c *Controller[T, C]) pristine(key types.NamespacedName, obj T) T {
	cached, ok := c.informer.View(key)
	if ok && cached.GetUID() == obj.GetUID() && cached.GetResourceVersion() == obj.GetResourceVersion() && obj.GetResourceVersion() != "" {
		return cached
	}
	kept := obj.DeepCopyObject().(T)
	kept.SetManagedFields(nil)
	return kept
}
