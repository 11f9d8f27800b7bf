package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// tryRefused is how often one object is tried of those whose credentials were refused.
const tryRefused = 3 * time.Second

// refusals are the objects whose last attempt failed since the server did not accept the credentials of the
// controller's repository (401), or was not accepted itself. That is no matter of these objects, and ends for all
// of them at once, so their backoff, which goes on, says nothing: one of them is tried every few seconds, and when
// one is not refused any more, all are tried.
type refusals struct {
	mu       sync.Mutex
	failures map[types.NamespacedName]int // of each object, but those that are tried
	tried    sets.Set[types.NamespacedName]
	next     *time.Timer
	ended    bool
	wake     func(key types.NamespacedName, failures int)
}

// isRefused reports whether an error is about the credentials of the repository, and names no time for the next
// attempt. A 401 of another server, or of others' credentials, says nothing about other objects.
func (c *Controller[T, C]) isRefused(err error) bool {
	own, ok := c.repo.(repository.Authenticated)
	if !ok || !own.Unauthenticated(err) {
		return false
	}
	_, named := kerr.RetryAfter(err)
	return !named
}

// add notes that an attempt was refused.
func (r *refusals) add(key types.NamespacedName, failures int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	if r.failures == nil {
		r.failures = map[types.NamespacedName]int{}
	}
	r.tried.Delete(key)
	r.failures[key] = failures
	if r.next == nil {
		r.next = time.AfterFunc(tryRefused, r.try)
	}
}

// try wakes one of the objects.
func (r *refusals) try() {
	if key, failures, ok := r.take(); ok {
		r.wake(key, failures)
	}
}

// take returns any of the objects. It is not one of them until it is refused again: it may be gone.
func (r *refusals) take() (key types.NamespacedName, failures int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next = nil; r.ended {
		return key, 0, false
	}
	for key, failures = range r.failures {
		delete(r.failures, key)
		if r.tried == nil {
			r.tried = sets.New[types.NamespacedName]()
		}
		r.tried.Insert(key)
		r.next = time.AfterFunc(tryRefused, r.try)
		return key, failures, true
	}
	return key, 0, false
}

// forget drops an object that is gone.
func (r *refusals) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.failures, key)
	r.tried.Delete(key)
}

// accepted notes that an attempt was not refused: if one before was, all are tried again.
func (r *refusals) accepted(key types.NamespacedName) {
	r.mu.Lock()
	if _, before := r.failures[key]; !before && !r.tried.Has(key) {
		r.mu.Unlock()
		return
	}
	all := r.failures
	delete(all, key)
	r.failures = nil
	r.tried.Delete(key)
	r.mu.Unlock()
	for key, failures := range all {
		r.wake(key, failures)
	}
}

// stop ends the timer.
func (r *refusals) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended = true; r.next != nil {
		r.next.Stop()
	}
}

// again starts an attempt for an object before its backoff is over.
func (r *runState[T]) again(key types.NamespacedName, failures int) {
	r.queue.Add(key, Reason{Verb: VerbRetry, Failures: failures}, queue.Early)
}
