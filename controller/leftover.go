package controller

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/repository"
)

// leftover are runs that ended while attempts went on: their code ignores its ctx, and a
// goroutine cannot be stopped. No other attempt for the same object may start before.
type leftover[T repository.Object] struct {
	some atomic.Bool // so that asking is cheap where there is none
	mu   sync.Mutex
	runs []*runState[T]
	// released are the objects that ReleaseAll cleans up, or once did, in code that goes on.
	released sets.Set[types.NamespacedName]
}

// add takes a run in that has ended, if something of it goes on.
func (l *leftover[T]) add(r *runState[T]) {
	if len(r.keys(0)) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs = append(l.runs, r)
	l.some.Store(true)
}

// keys returns the objects whose attempts go on, and have for that long.
func (l *leftover[T]) keys(atLeast time.Duration) (keys []types.NamespacedName) {
	if !l.some.Load() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.runs {
		keys = append(keys, r.keys(atLeast)...)
	}
	return keys
}

// release notes that an object is cleaned up by ReleaseAll, until done is called. It returns
// false if something goes on for the object already.
func (l *leftover[T]) release(key types.NamespacedName) (done func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy(key) {
		return nil, false
	}
	if l.released == nil {
		l.released = sets.New[types.NamespacedName]()
	}
	l.released.Insert(key)
	l.some.Store(true)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.released.Delete(key)
	}, true
}

// busyWith reports whether an attempt for the object goes on.
func (l *leftover[T]) busyWith(key types.NamespacedName) bool {
	if !l.some.Load() {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy(key)
}

// busy must be called with l.mu held.
func (l *leftover[T]) busy(key types.NamespacedName) bool {
	l.runs = slices.DeleteFunc(l.runs, func(r *runState[T]) bool { return len(r.keys(0)) == 0 })
	l.some.Store(len(l.runs) > 0 || len(l.released) > 0)
	return l.released.Has(key) || slices.ContainsFunc(l.runs, func(r *runState[T]) bool { return slices.Contains(r.keys(0), key) })
}
