package controller

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/repository"
)

// Controller calls a [Context] for the objects of a kind. Make it with [New], wire
// it with Filter, [Owns] and [Watches], then [Controller.Run] it.
type Controller[T repository.Object, C Context[T]] struct {
	repo      repository.Repository[T]
	user      C
	handler   ErrorHandler[T] // nil if C has none
	finalizer string
	opts      Options
	informer  *informer.Informer[T]
	filter    *[]informer.Predicate[T] // nil is informer.Changed
	sources   []source
	// referenced are the informers given to References, and caches all that the
	// controller runs.
	referenced []any
	caches     caches
	settings   *attempt.Settings // of all attempts
	seed       maphash.Seed      // of the hashes in loop

	mu      sync.Mutex
	early   sets.Set[types.NamespacedName] // enqueued before Run
	current *running[T]                    // nil when not running
	said    troublesSaid
	left    leftover[T] // of runs that ended
}

// New returns a controller that calls user for the objects of repo. opts may be
// nil.
//
// It does no I/O and starts no goroutine. It returns an error for a nil repository, one
// whose writes are all dry runs, a nil user, a finalizer's name that is empty, unqualified or reserved (see
// finalizer.Validate), and for options that contradict themselves.
func New[T repository.Object, C Context[T]](repo repository.Repository[T], user C, opts *Options) (*Controller[T, C], error) {
	if isNil(repo) {
		return nil, errors.New("new controller: the repository is nil")
	}
	fail := func(err error) (*Controller[T, C], error) {
		return nil, fmt.Errorf("new controller of %s: %w", repo.Kind().Kind, err)
	}
	if broken, ok := repo.(interface{ Err() error }); ok && broken.Err() != nil {
		return fail(broken.Err())
	}
	if dry, ok := repo.(repository.DryRunner); ok && dry.DryRun() {
		return fail(errors.New("all writes of the repository are dry runs: no finalizer would be stored"))
	}
	if isNil(user) {
		return fail(errors.New("the context is nil"))
	}
	if v, ok := any(user).(interface{ validate() error }); ok {
		if err := v.validate(); err != nil {
			return fail(err)
		}
	}
	name := user.Finalizer()
	if name != NoFinalizer {
		if err := finalizer.Validate(name); err != nil {
			return fail(err)
		}
	}
	all, err := opts.withDefaults(repo.Kind().Kind)
	if err != nil {
		return fail(err)
	}
	cached, err := informer.New(repo, &all.Informer)
	if err != nil {
		return fail(err)
	}
	c := &Controller[T, C]{
		repo: repo, user: user, finalizer: name, opts: all, informer: cached,
		early:  sets.New[types.NamespacedName](),
		caches: caches{}, seed: maphash.MakeSeed(),
		settings: &attempt.Settings{
			Kind: repo.Kind(), Timeout: max(all.Timeout, 0), Overrun: errTimeout{all.Timeout}, Fresh: all.StaleWait,
		},
	}
	c.caches.add(repo.Kind().GroupKind(), typed[T]{cached})
	c.handler, _ = any(user).(ErrorHandler[T])
	return c, nil
}

// isNil tells a nil interface, and a nil pointer in one.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	value := reflect.ValueOf(v)
	return value.Kind() == reflect.Pointer && value.IsNil()
}

// Filter replaces the filter for changes, informer.Changed: a change passes if any
// of the predicates holds. With none, every change passes. New and deleted objects,
// resyncs, and changes of the finalizers, the deletion timestamp or the UID always
// pass. It must be called before Run.
func (c *Controller[T, C]) Filter(anyOf ...informer.Predicate[T]) { c.filter = &anyOf }

// Informer returns the cache of the objects. It runs as long as the controller.
func (c *Controller[T, C]) Informer() *informer.Informer[T] { return c.informer }

func (c *Controller[T, C]) ref(key types.NamespacedName) attempt.Ref {
	return attempt.Ref{Kind: c.repo.Kind().GroupKind(), Key: key}
}

// Name returns Options.Name or its default.
func (c *Controller[T, C]) Name() string { return c.opts.Name }

// Enqueue asks for an attempt for the object, for a reason of the caller's. It does
// not shorten a backoff. A key without an object is ignored. Before Run it is
// remembered.
func (c *Controller[T, C]) Enqueue(key types.NamespacedName) {
	c.mu.Lock()
	r := c.current
	if r == nil {
		c.early.Insert(key)
	}
	c.mu.Unlock()
	if r != nil {
		r.queue.Add(key, Reason{Verb: VerbEnqueued}, queue.Change)
	}
}

// Run is [New] and [Controller.Run].
func Run[T repository.Object, C Context[T]](ctx context.Context, repo repository.Repository[T], user C, opts *Options) error {
	c, err := New(repo, user, opts)
	if err != nil {
		return err
	}
	return c.Run(ctx)
}
