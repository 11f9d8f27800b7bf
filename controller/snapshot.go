package controller

import (
	"context"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// snapshot returns the state that the attempt starts from, or nil if there is no such object. It is
// a copy, but where user code does not get it.
//
// It is the cached state, unless the cache may be behind: of what this process wrote
// or was given before, or, if the cache was running before the controller, of what
// other processes did. Then it is read from the server.
func (t *reconciliation[T, C]) snapshot(ctx context.Context) (T, error) {
	if !t.stale() {
		if t.addsFinalizer() {
			return t.cached, nil
		}
		return t.cached.DeepCopyObject().(T), nil
	}
	live, err := t.c.repo.Get(ctx, t.at.Key)
	if err != nil && kerr.ClassOf(err) == kerr.ClassNotFound {
		return *new(T), nil // its deletion is on the way to the cache
	}
	if err != nil {
		return *new(T), kerr.New(kerr.OpGet, t.c.repo.Kind(), t.at.Key, t.cached.GetUID(), err)
	}
	return live, nil
}

// addsFinalizer reports whether the finalizer is added first, to an object in the cache: then Apply
// gets what the server answers. A repository that is not of this module may change what it gets.
func (t *reconciliation[T, C]) addsFinalizer() bool {
	_, ours := t.c.repo.(*repository.Live[T])
	return ours && t.c.finalizer != NoFinalizer && !finalizer.Held(t.cached, t.c.finalizer) && t.cached.GetDeletionTimestamp() == nil
}

// stale reports whether the attempt must not start from the cached state. The wait for the cache,
// if there was any, is over, see StaleWait.
func (t *reconciliation[T, C]) stale() bool {
	_, behind := t.journal.Last(journal.Ref{Kind: t.c.repo.Kind().GroupKind(), Key: t.at.Key})
	worked, _ := t.it.Record.last()
	firstTouch := worked == version{}
	return behind || firstTouch && t.r.warm || journal.Older(t.cached.GetResourceVersion(), worked.rv)
}

// pristine returns obj as a state that is never changed: the cached object if that is the same
// state, else a copy that is like a cached one.
func (t *reconciliation[T, C]) pristine(obj T) T {
	if rv := obj.GetResourceVersion(); rv != "" && rv == t.cached.GetResourceVersion() && obj.GetUID() == t.cached.GetUID() {
		return t.cached
	}
	if w, ok := t.journal.Last(t.c.ref(t.at.Key)); ok && w.Outcome == journal.Stored && w.ResourceVersion != "" &&
		w.ResourceVersion == obj.GetResourceVersion() && w.UID == obj.GetUID() {
		if kept, ok := w.Object.(T); ok {
			return kept
		}
	}
	kept := obj.DeepCopyObject().(T)
	kept.SetManagedFields(nil)
	return kept
}
