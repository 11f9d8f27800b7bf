// Package informer keeps a local copy of all objects of one kind, fed by one watch.
//
// An [Informer] is client-go's typed shared informer, made from a
// repository.Repository. It can be shared: it runs as long as somebody uses it,
// and starts again with an empty cache when somebody uses it later.
package informer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// Options change what an [Informer] sees. The zero value sees every object that
// its repository does.
type Options struct {
	// Namespaces limits the cache to these namespaces, with one watch each. Empty
	// means the namespaces that the repository is confined to, or else all.
	Namespaces []string
	// LabelSelector and FieldSelector limit the cache to matching objects. nil
	// means all objects. An object that stops matching looks deleted. The server
	// supports metadata.name and metadata.namespace in field selectors, and for
	// some kinds more.
	LabelSelector labels.Selector
	FieldSelector fields.Selector
	// Resync delivers every cached object to every handler again after this time,
	// without asking the server. Zero means never: a watch loses nothing, and a
	// resync can only help against bugs in handlers.
	Resync time.Duration
	// KeepManagedFields keeps metadata.managedFields in the cache. They are
	// dropped by default because they often are the larger half of an object and
	// few operators read them.
	KeepManagedFields bool
}

// Informer is a cache of one kind. Its methods are safe for concurrent use.
type Informer[T repository.Object] struct {
	repo       repository.Repository[T]
	opts       Options
	namespaces []string

	mu      sync.Mutex
	indexes cache.Indexers
	current *running[T]
}

// New returns an informer over repo. It does no I/O. It returns an error for a nil
// repository, and for namespaces in opts if the repository cannot list a single
// namespace or is confined to others.
func New[T repository.Object](repo repository.Repository[T], opts *Options) (*Informer[T], error) {
	if repo == nil {
		return nil, errors.New("new informer: the repository is nil")
	}
	i := &Informer[T]{repo: repo, indexes: cache.Indexers{}}
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

// Repository returns what the informer was made from.
func (i *Informer[T]) Repository() repository.Repository[T] { return i.repo }

// AddIndex makes [Informer.ByIndex] find objects by the values that values returns
// for them. It must be called before the informer runs. values must not change the
// object; if it panics, the object has no values.
func (i *Informer[T]) AddIndex(name string, values func(T) []string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.current != nil:
		return fmt.Errorf("add index %q to the informer of %s: it is running", name, i.Kind().Kind)
	case name == "" || values == nil:
		return fmt.Errorf("add index %q to the informer of %s: the name and the function must be set", name, i.Kind().Kind)
	case i.indexes[name] != nil:
		return fmt.Errorf("add index %q to the informer of %s: there is one of that name", name, i.Kind().Kind)
	}
	i.indexes[name] = func(obj any) (found []string, _ error) {
		defer func() {
			if value := recover(); value != nil {
				i.indexPanicked(obj.(T), kerr.Recovered(value))
			}
		}()
		return values(obj.(T)), nil
	}
	return nil
}

// indexPanicked reports what client-go would let the process die of.
func (i *Informer[T]) indexPanicked(obj T, err error) {
	if r := i.now(); r != nil {
		r.report(kerr.New(kerr.OpSync, i.Kind(), repository.Key(obj), obj.GetUID(), err))
	}
}

// Run keeps the cache up to date until ctx ends, and returns when everything it
// started has stopped, unless somebody else uses the informer too. It returns nil.
//
// A controller runs the informers that it was given by itself.
func (i *Informer[T]) Run(ctx context.Context) error {
	r := i.acquire(ctx)
	defer i.release(r)
	<-ctx.Done()
	return nil
}

// acquire starts the informer if it does not run yet.
func (i *Informer[T]) acquire(ctx context.Context) *running[T] {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.current == nil {
		i.current = i.start(context.WithoutCancel(ctx))
	}
	i.current.users++
	return i.current
}

// release stops the informer if nobody uses it any more, and waits for it.
func (i *Informer[T]) release(r *running[T]) {
	i.mu.Lock()
	r.users--
	last := r.users == 0
	if last {
		i.current = nil
	}
	i.mu.Unlock()
	if last {
		r.stop()
	}
}

// now returns what runs, or nil.
func (i *Informer[T]) now() *running[T] {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.current
}
