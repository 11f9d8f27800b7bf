// Package informer keeps a local copy of all objects of one kind, fed by one watch,
// or by one for each namespace.
//
// An [Informer] is client-go's typed shared informer, made from a repository.Repository. It can be
// shared: it runs while it has at least one user (a controller, a subscription, or a call of Run),
// and starts again with an empty cache at the next use.
package informer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/nilness"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Informer is a cache of the objects of one kind. Make it with [New]. Its methods are safe for
// concurrent use.
type Informer[T repository.Object] struct {
	repo repository.Repository[T]
	opts Options

	// lifecycle is the lock of what changes what the informer does. Handlers are waited for meanwhile,
	// hence it is a channel: no mutex is held while foreign code runs.
	lifecycle chan struct{}
	current   atomic.Pointer[lifetime[T]]
	strings   shared

	mu         sync.Mutex // for what follows, changed with the lifecycle lock only
	namespaces []string   // watched one by one, or all if there is none
	indexes    cache.Indexers
	project    func(T) T
}

// New returns an informer over repo. A nil opts means the defaults. It does no I/O: the informer
// starts with its first use, see [Informer.Run]. It returns an error for a nil repository, and
// for namespaces in opts if the repository cannot list a single namespace or is confined to
// others. The compiler finds the type from repo: in New[corev1.ConfigMap](repo, nil), which it refuses
// since repo "does not implement repository.Repository", leave the type argument out.
func New[T repository.Object](repo repository.Repository[T], opts *Options) (*Informer[T], error) {
	if nilness.Is(repo) {
		return nil, errors.New("new informer: the repository is nil")
	}
	i := &Informer[T]{repo: repo, lifecycle: make(chan struct{}, 1), indexes: cache.Indexers{}}
	if opts != nil {
		i.opts = *opts
	}
	var err error
	if i.namespaces, err = namespacesOf(repo, i.opts.Namespaces); err != nil {
		return nil, fmt.Errorf("new informer of %s: %w", repo.Kind().Kind, err)
	}
	return i, nil
}

// Kind returns the kind of the cached objects.
func (i *Informer[T]) Kind() schema.GroupVersionKind { return i.repo.Kind() }

// Repository returns the repository that the informer was made from.
func (i *Informer[T]) Repository() repository.Repository[T] { return i.repo }

// AddIndex adds an index: [Informer.ByIndex] and [WithIndex] then find objects by the values that
// the function returns for them. The function must not change the object; if it panics, the
// object has no values, and Handler.OnError is called. AddIndex returns an error if the informer
// is running, if the name is empty or already used, or if the function is nil.
func (i *Informer[T]) AddIndex(name string, values func(T) []string) error {
	defer i.take()()
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.now() != nil:
		return fmt.Errorf("add index %q to the informer of %s: it is running", name, i.Kind().Kind)
	case name == "" || values == nil:
		return fmt.Errorf("add index %q to the informer of %s: the name and the function must be set", name, i.Kind().Kind)
	case i.indexes[name] != nil:
		return fmt.Errorf("add index %q to the informer of %s: there is one of that name", name, i.Kind().Kind)
	}
	i.indexes[name] = func(obj any) (found []string, _ error) {
		if err := foreign.Call(func() { found = values(obj.(T)) }); err != nil {
			i.reportOf(obj.(T), err)
		}
		return found, nil
	}
	return nil
}

// reportOf calls the handlers with an error about an object.
func (i *Informer[T]) reportOf(obj T, err error) {
	if r := i.now(); r != nil {
		r.report(kerr.New(kerr.OpSync, i.Kind(), repository.Key(obj), obj.GetUID(), err))
	}
}

// Run keeps the cache up to date until ctx ends. Then it stops the informer and waits for it,
// unless the informer has other users. It always returns nil: failed lists and watches are
// retried, and reported to [Handler].OnError.
//
// A controller runs the informers that it was given by itself.
func (i *Informer[T]) Run(ctx context.Context) error {
	r, _ := i.acquire(ctx, nil) // only subscriptions can fail
	defer i.release(r)
	<-ctx.Done()
	return nil
}

// take takes the lifecycle lock, to change what the informer does, and returns what gives
// it back.
func (i *Informer[T]) take() (giveBack func()) {
	i.lifecycle <- struct{}{}
	return func() { <-i.lifecycle }
}

// acquire starts the informer if it does not run yet. A subscription, if there is one, takes part
// before anything is read, so that it gets all errors.
func (i *Informer[T]) acquire(ctx context.Context, s *Subscription[T]) (*lifetime[T], error) {
	defer i.take()()
	r := i.now()
	if r == nil {
		r = newLifetime[T](context.WithoutCancel(ctx))
		i.current.Store(r)
	}
	r.users++
	if s != nil {
		if err := s.begin(r); err != nil {
			return r, err
		}
	}
	return r, i.follow(r) // which is nothing new if it ran before
}

// release stops the informer if it has no other user, and waits for it.
func (i *Informer[T]) release(r *lifetime[T]) {
	if i.stopped(r) {
		r.stop()
	}
}

func (i *Informer[T]) stopped(r *lifetime[T]) (last bool) {
	defer i.take()()
	if r.users--; r.users > 0 {
		return false
	}
	i.current.Store(nil)
	return true
}

// now returns what runs, or nil.
func (i *Informer[T]) now() *lifetime[T] { return i.current.Load() }
