package controller

import (
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
)

// tryRefused is how often one object is tried of those whose credentials were refused.
const tryRefused = 3 * time.Second

// refusals are the objects whose last attempt failed since the server did not accept the credentials
// (401). That is no matter of these objects, and ends for all of them at once, so their backoff, which
// goes on, says nothing: one of them is tried every few seconds, and when one is not refused any more,
// all are tried.
type refusals struct {
	mu       sync.Mutex
	failures map[types.NamespacedName]int // of each object, but the one that is tried
	tried    types.NamespacedName
	next     *time.Timer
	ended    bool
	wake     func(key types.NamespacedName, failures int)
}

// isRefused reports whether an error is about the credentials, and names no time for the next attempt.
func isRefused(err error) bool {
	_, named := kerr.RetryAfter(err)
	return apierrors.IsUnauthorized(err) && !named
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
		r.tried = key
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
}

// accepted notes that an attempt was not refused: if one before was, all are tried again.
func (r *refusals) accepted(key types.NamespacedName) {
	r.mu.Lock()
	if _, before := r.failures[key]; !before && r.tried != key {
		r.mu.Unlock()
		return
	}
	all := r.failures
	delete(all, key)
	r.failures, r.tried = nil, types.NamespacedName{}
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
