package controllerruntime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// requeued is the wait after the deprecated Result.Requeue.
const requeued = time.Second

// Adapter is a controller that calls a reconciler of controller-runtime. Make it with [Adapt], and give it to
// [Lead] or [EachReplica].
type Adapter struct {
	mgr        manager.Manager
	obj        client.Object
	predicates []predicate.Predicate
	sources    []source.Source
	requests   *requests
	controller *controller.Controller[*head, caller]
	ran        atomic.Bool
}

// Adapt returns a controller that calls r for the objects of the kind of obj, such as &shopv1.Shop{}. It takes the
// place of what a builder makes, and r stays as it is:
//
//	c, err := controllerruntime.Adapt(mgr, &shopv1.Shop{}, r, nil)
//	if err != nil {
//		return err
//	}
//	return mgr.Add(controllerruntime.Lead(c))
//
// A reconcile.ObjectReconciler is given as reconcile.AsReconciler(mgr.GetClient(), r). predicates are those of
// builder.For, of which all must hold. A nil opts means the defaults.
//
// # Expected flow
//
// The events are those of the manager's cache, from which r reads. r is called for each object that the cache has and
// after each change that the predicates let pass, also of the status and while the object is being deleted; once more
// after the object is gone; and for each name that a source asks for, see [Adapter.Watch], whether or not there is
// an object. Finalizers are left to r.
//
// # Guarantees
//
// Those of a controller.Controller about order, pacing, pauses, panics and the end: one call at a time for a name; the
// namespaces take turns; an event that is no edit of the object does not shorten a backoff; an object is paused by
// controller.PausedAnnotation, which no predicate hides, until it is being deleted; a panic is an error; when ctx
// ends, running calls may finish.
//
// Those that rest on what is written are not given, since r writes with a client that the library does not see: that
// a call sees what earlier ones wrote, that own writes call it once, and that reconcile loops are slowed. The
// same as with controller-runtime, r must be right with a cache that is behind.
//
// # What becomes of a result
//
//	an error                            the backoff of the library: 100 ms to 5 min; Retry-After and kerr.After count
//	reconcile.TerminalError(err)        class Terminal: no call before the next event
//	Result.RequeueAfter                 the same, in place of an earlier one; an event that comes before ends it
//	Result.Requeue, which is deprecated a call after 1 s, without a growing backoff
//	Result.Priority                     nothing
//
// # Options
//
// Where opts say nothing, it is as r is used to: Workers and Timeout are what the options of the manager say, and
// without that one worker and no deadline; Slog is the logger of the manager. log.FromContext(ctx) is that, with the
// names of the object. The ID that controller.ReconcileIDFromContext returns is empty. RecoverPanic, RateLimiter and
// the like have no counterpart.
//
// # Errors
//
// An error for a nil argument, for a kind that is not in the manager's scheme, for opts.Informer, which is of no use,
// and those of controller.New.
func Adapt(mgr manager.Manager, obj client.Object, r reconcile.Reconciler, opts *controller.Options, predicates ...predicate.Predicate) (*Adapter, error) {
	if mgr == nil || obj == nil || r == nil {
		return nil, errors.New("adapt a reconciler: the manager, the object or the reconciler is nil")
	}
	gvk, err := apiutil.GVKForObject(obj, mgr.GetScheme())
	if err != nil {
		return nil, fmt.Errorf("adapt the reconciler of %T: %w", obj, err)
	}
	all, err := options(mgr, opts)
	if err != nil {
		return nil, fmt.Errorf("adapt the reconciler of %s: %w", gvk.Kind, err)
	}
	a := &Adapter{mgr: mgr, obj: obj, predicates: predicates, requests: newRequests(gvk)}
	if a.controller, err = controller.New(a.requests, caller{a.requests, r}, all); err != nil {
		return nil, err
	}
	a.controller.Filter() // what is not to pass does not get into the requests
	return a, nil
}

// options fills in what opts do not say.
func options(mgr manager.Manager, opts *controller.Options) (*controller.Options, error) {
	var o controller.Options
	if opts != nil {
		o = *opts
	}
	in := &o.Informer
	if len(in.Namespaces) > 0 || in.LabelSelector != nil || in.FieldSelector != nil || in.Resync != 0 || in.Probe != 0 || in.OnUndecodable != nil || in.KeepManagedFields {
		return nil, errors.New("options: Informer must be empty: the events are those of the manager's cache")
	}
	in.Probe = -1 // it lists this process
	theirs := mgr.GetControllerOptions()
	if o.Workers == 0 {
		o.Workers = max(theirs.MaxConcurrentReconciles, 1)
	}
	if o.Timeout == 0 {
		o.Timeout = theirs.ReconciliationTimeout
	}
	if o.Timeout == 0 {
		o.Timeout = -1
	}
	if o.Logger == nil && o.Slog == nil {
		o.Slog = slog.New(logr.ToSlogHandler(mgr.GetLogger()))
	}
	return &o, nil
}

// Watch adds a source, as the method of this name of controller-runtime's controllers does. These are what a builder
// makes of Owns and Watches:
//
//	c.Watch(source.Kind(mgr.GetCache(), &appsv1.Deployment{},
//		handler.TypedEnqueueRequestForOwner[*appsv1.Deployment](mgr.GetScheme(), mgr.GetRESTMapper(), &shopv1.Shop{}, handler.OnlyControllerOwner())))
//	c.Watch(source.Kind(mgr.GetCache(), &corev1.Secret{}, handler.TypedEnqueueRequestsFromMapFunc(shopsOf)))
//
// Call it before [Adapter.Run]. The queue that a source gets is for adding only. It has no priorities.
func (a *Adapter) Watch(src source.Source) { a.sources = append(a.sources, src) }

// Run implements controller.Runner. It starts the sources, waits until the caches that they need are full, and
// reconciles until ctx ends. It can be called once, as the sources can.
//
// # Errors
//
// An error of a source that does not start, and those of controller.Controller.Run.
func (a *Adapter) Run(ctx context.Context) error {
	if a.ran.Swap(true) {
		return fmt.Errorf("run the adapter of %s: it ran already", a.requests.kind.Kind)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := a.start(ctx); err != nil {
		return fmt.Errorf("run the adapter of %s: %w", a.requests.kind.Kind, err)
	}
	return a.controller.Run(ctx)
}

func (a *Adapter) start(ctx context.Context) error {
	q := inbox{a.requests, ctx.Done()}
	sources := append([]source.Source{source.Kind(a.mgr.GetCache(), a.obj, primary(a.requests, a.predicates))}, a.sources...)
	for _, s := range sources {
		if err := s.Start(ctx, q); err != nil {
			return fmt.Errorf("start the source %v: %w", s, err)
		}
	}
	for _, s := range sources {
		if syncing, ok := s.(source.SyncingSource); ok && ctx.Err() == nil {
			if err := syncing.WaitForSync(ctx); err != nil && ctx.Err() == nil {
				return fmt.Errorf("fill the cache of the source %v: %w", s, err)
			}
		}
	}
	return nil
}

// Ready and Healthy are those of controller.Controller, for the probes of the manager:
//
//	mgr.AddReadyzCheck("shops", func(*http.Request) error { return c.Ready() })
func (a *Adapter) Ready() error { return a.controller.Ready() }

// Healthy is explained at [Adapter.Ready].
func (a *Adapter) Healthy() error { return a.controller.Healthy() }

// caller is the controller.Context of a reconciler.
type caller struct {
	requests   *requests
	reconciler reconcile.Reconciler
}

// Finalizer implements controller.Context: finalizers are the reconciler's affair.
func (caller) Finalizer() string { return controller.NoFinalizer }

// Apply implements controller.Context, for whatever has happened to the object.
func (c caller) Apply(ctx context.Context, h *head) (controller.Action, error) {
	key, version := client.ObjectKeyFromObject(h), h.ResourceVersion
	ctx = log.IntoContext(ctx, logr.FromSlogHandler(controller.Slog(ctx).Handler()))
	result, err := c.reconciler.Reconcile(ctx, reconcile.Request{NamespacedName: key})
	action, err := outcome(result, err)
	if action == controller.AwaitChange() && (err == nil || kerr.WaitsForChange(err)) {
		c.requests.done(key, version)
	}
	return action, err
}

// Cleanup implements controller.Context. It is never called.
func (caller) Cleanup(context.Context, *head) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// outcome says what the library calls a result.
func outcome(result reconcile.Result, err error) (controller.Action, error) {
	switch {
	case errors.Is(err, reconcile.TerminalError(nil)):
		return controller.AwaitChange(), kerr.Terminal(err)
	case err != nil:
		return controller.AwaitChange(), err
	case result.RequeueAfter > 0:
		return controller.Requeue(result.RequeueAfter), nil
	case result.Requeue: //nolint:staticcheck // there are reconcilers that set it
		return controller.Requeue(requeued), nil
	default:
		return controller.AwaitChange(), nil
	}
}
