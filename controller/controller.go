package controller

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"reflect"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/nilness"
	"github.com/kuberator/kuberator/internal/pace"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/repository"
)

// Controller calls a [Context] for the objects of a kind. Make it with [New] or [NewFor], add to
// it with Filter, Source, [Owns], [OwnsShared], [Watches] and [References], then call
// [Controller.Run]. Its methods, and these functions, are safe for concurrent use. A call of
// these functions after the first Run or ReleaseAll has no effect, is logged, and makes the next
// Run return an error.
type Controller[T repository.Object, C Context[T]] struct {
	repo      repository.Repository[T]
	user      C
	handler   ErrorHandler[T] // nil if C has none
	pauser    PauseHandler[T] // nil if C has none
	selector  Selector[T]     // nil if C has none
	finalizer string
	observers []Observer
	// convergence are those of the observers that want to know of it.
	convergence []ConvergenceObserver
	counts      counts
	sweeping    chan struct{} // taken by the Sweep that runs, also if its Run has ended
	opts        Options
	informer    *informer.Informer[T]
	wiring[T]
	settings *journal.Settings // of all attempts
	seed     maphash.Seed      // of the hashes in loop

	mu      sync.Mutex                            // for what follows, and for the wiring
	early   map[types.NamespacedName]queue.Weight // enqueued before Run
	current *runState[T]                          // nil when not running
	standby []subscription                        // nil when not standing by
	said    pace.Repeats
	left    leftover[T] // of runs that ended
}

// New returns a controller that calls user for the objects of repo. A nil opts means the
// defaults.
//
// It does no I/O and starts no goroutine. It returns an error for a nil repository, for one whose
// writes are all dry runs, for a nil user, for a finalizer name that is empty, unqualified or
// reserved (see finalizer.Validate), and for options that contradict each other or are negative
// where that means nothing.
//
// # Caveats
//
// What the compiler says if user does not fit repo, and what to do:
//
//	C (type hello) does not satisfy controller.Context[T] (wrong type for method Apply)
//		have Apply(context.Context, *"k8s.io/api/apps/v1".Deployment) (controller.Action, error)
//		want Apply(context.Context, T) (controller.Action, error)
//
// T is the type of repo's objects, such as *corev1.ConfigMap: Apply and Cleanup must take that
// type, or repo must be one of the other kind.
//
//	C (type hello) does not satisfy controller.Context[T] (method Apply has pointer receiver)
//
// Give it a pointer: &hello{}.
//
//	T (type "k8s.io/api/core/v1".ConfigMap) does not satisfy repository.Object (method DeepCopyObject has pointer receiver)
//
// Leave the type arguments out: they follow from repo and user.
func New[T repository.Object, C Context[T]](repo repository.Repository[T], user C, opts *Options) (*Controller[T, C], error) {
	if nilness.Is(repo) {
		return nil, errors.New("new controller: the repository is nil")
	}
	return assemble(repo, user, opts, func(o *Options) (*informer.Informer[T], error) { return informer.New(repo, &o.Informer) })
}

// NewFor is [New] with an informer that is shared: with another controller of the same kind, or
// with code that reads it. The objects are listed, watched and kept in memory only once. The
// controller writes through the repository of the informer.
//
// The informer runs as long as one of its users runs; a controller that ends does not stop it for
// the others. informer.SetNamespaces changes what all of them see.
//
// # Caveats
//
// A controller that starts while the informer already runs reads each object from the API server
// once, for the first attempt. Two controllers of one kind must have different finalizers, or
// none. When one of them adds or removes its finalizer, that is a change for the other.
//
// # Errors
//
// Those of New, and an error if in is nil or if Options.Informer is not empty: the informer has
// its own options.
func NewFor[T repository.Object, C Context[T]](in *informer.Informer[T], user C, opts *Options) (*Controller[T, C], error) {
	if in == nil {
		return nil, errors.New("new controller: the informer is nil")
	}
	return assemble(in.Repository(), user, opts, func(o *Options) (*informer.Informer[T], error) {
		if !reflect.ValueOf(o.Informer).IsZero() {
			return nil, errors.New("options: Informer must be empty, since the informer that was given has options of its own")
		}
		return in, nil
	})
}

// assemble makes a controller over the informer that cache returns.
func assemble[T repository.Object, C Context[T]](repo repository.Repository[T], user C, opts *Options, cache func(*Options) (*informer.Informer[T], error)) (*Controller[T, C], error) {
	fail := func(err error) (*Controller[T, C], error) {
		return nil, fmt.Errorf("new controller of %s: %w", repo.Kind().Kind, err)
	}
	if broken, ok := repo.(interface{ Err() error }); ok && broken.Err() != nil {
		return fail(broken.Err())
	}
	if dry, ok := repo.(repository.DryRunner); ok && dry.DryRun() {
		return fail(errors.New("all writes of the repository are dry runs: no finalizer would be stored"))
	}
	if nilness.Is(user) {
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
	cached, err := cache(&all)
	if err != nil {
		return fail(err)
	}
	c := &Controller[T, C]{
		repo: repo, user: user, finalizer: name, observers: each(all.Observer), opts: all, informer: cached,
		early: map[types.NamespacedName]queue.Weight{}, seed: maphash.MakeSeed(),
		settings: &journal.Settings{
			Kind: repo.Kind(), Timeout: max(all.Timeout, 0), Overrun: errTimeout{all.Timeout}, Fresh: all.StaleWait,
		},
	}
	c.caches, c.sweeping = caches{}, make(chan struct{}, 1)
	c.caches.add(repo.Kind().GroupKind(), typedOf(cached))
	for _, o := range c.observers {
		if of, ok := o.(ConvergenceObserver); ok {
			c.convergence = append(c.convergence, of)
		}
	}
	c.extend(user)
	return c, nil
}

// extend looks for the optional interfaces of the user's Context.
func (c *Controller[T, C]) extend(user any) {
	c.handler, _ = user.(ErrorHandler[T])
	c.pauser, _ = user.(PauseHandler[T])
	if f, ok := user.(Funcs[T]); !ok || f.SelectsFunc != nil {
		c.selector, _ = user.(Selector[T])
	}
}

// Informer returns the cache of the controller's objects. It runs while the controller, or
// another user of it, runs; see [NewFor].
func (c *Controller[T, C]) Informer() *informer.Informer[T] { return c.informer }

func (c *Controller[T, C]) ref(key types.NamespacedName) journal.Ref {
	return journal.Ref{Kind: c.repo.Kind().GroupKind(), Key: key}
}

// Name returns Options.Name, or its default: the kind in lower case.
func (c *Controller[T, C]) Name() string { return c.opts.Name }

// Enqueue schedules an attempt for the object, with the reason [VerbEnqueued]. It does not
// shorten a backoff. A key for which the cache has no object is ignored. Before Run, and between
// two runs, keys are kept for the next one; during ReleaseAll they are dropped. It does not
// block, and is safe for concurrent use.
func (c *Controller[T, C]) Enqueue(key types.NamespacedName) { c.enqueue(key, queue.Change) }

// EnqueueBackground is [Controller.Enqueue] for work that can wait, such as a look at all objects after a setting of the
// operator has changed: the object is worked on after those that something happened to, as if it came with a first list.
// While there are such, the background gets each fifth turn. A change of the object, or a call of Enqueue, brings it to the
// front.
func (c *Controller[T, C]) EnqueueBackground(key types.NamespacedName) {
	c.enqueue(key, queue.Background)
}

func (c *Controller[T, C]) enqueue(key types.NamespacedName, weight queue.Weight) {
	c.mu.Lock()
	r := c.current
	if r == nil {
		c.early[key] = max(c.early[key], weight)
	}
	c.mu.Unlock()
	if r != nil {
		r.enqueue(key, weight)
	}
}

// Run creates a controller with [New] and runs it until ctx ends, see [Controller.Run].
func Run[T repository.Object, C Context[T]](ctx context.Context, repo repository.Repository[T], user C, opts *Options) error {
	c, err := New(repo, user, opts)
	if err != nil {
		return err
	}
	return c.Run(ctx)
}
