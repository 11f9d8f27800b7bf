package controllerruntime

import (
	"errors"
	"fmt"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// Adapt takes the place of Complete of a builder of controller-runtime. The controller that it makes is theirs, but
// what it is asked to do waits in the queue of this library:
//
//	b := ctrl.NewControllerManagedBy(mgr).For(&shopv1.Shop{}).Owns(&appsv1.Deployment{})
//	return controllerruntime.Adapt(mgr, b, &shopv1.Shop{}, r, controller.Options{})
//
// obj is what For was given, as a *metav1.PartialObjectMetadata with its kind if that was with builder.OnlyMetadata.
// opts are those of controller-runtime. They are set here, and not by WithOptions or WithLogConstructor of the
// builder, which this replaces.
//
// # Guarantees
//
// The namespaces take turns: one with many objects does not hold up the others. What changed comes before the first
// list and resyncs, which get at least each fifth turn.
//
// An object that failed is tried again after 100 ms, twice as long after each further failure, at most 5 min, less up
// to a fifth; or when a Retry-After of the API server or kerr.After says. An event does not shorten that, unless
// somebody edited the object: its generation, labels or annotations are others, it is being deleted, gone, or a new one
// of the same name. For a kind without generations, anything but the status and metadata counts; if only the
// metadata is watched, each write does. An edit leads to a call at once, but at most once a second.
//
// An object is paused by the annotation kuberator.dev/paused, see the package controller, until it is being deleted.
// The annotation is read in the cache before each call, so no predicate hides it. What r was to be called for is
// made up for when the pause ends, and nothing else.
//
// All else is as controller-runtime has it: what leads to a call, predicates, workers, warm-up, deadlines, panics,
// logs, the metrics controller_runtime_*, and that the ctx of running calls ends with the manager or its lease. One
// that r itself changes, such as labels that it writes and then fails, is an edit, since nobody can tell.
//
// # What becomes of a result
//
//	an error                            the wait above
//	reconcile.TerminalError(err)        no call before the next event; kerr.Terminal(err) and kerr.Invalid(err) are the same
//	Result.RequeueAfter                 as there: an event that comes before takes its place
//	Result.Requeue, which is deprecated as there: the wait of an error
//	Result.Priority                     nothing, but one below 0 beside RequeueAfter is for after the changes
//
// # Caveats
//
// The metrics workqueue_* are not there for this controller. What rests on knowing what was written is not given: r
// must be right with a cache that is behind. There is no page and no observer: for these, rewrite r.
//
// # Errors
//
// An error for a nil argument, for a kind that is not in the manager's scheme, for options of another queue
// (NewQueue, RateLimiter), and those of the builder.
func Adapt(mgr manager.Manager, b *builder.Builder, obj client.Object, r reconcile.Reconciler, opts controller.Options) error {
	if mgr == nil || b == nil || obj == nil || r == nil {
		return errors.New("adapt a reconciler: the manager, the builder, the object or the reconciler is nil")
	}
	gvk, err := apiutil.GVKForObject(obj, mgr.GetScheme())
	if err != nil {
		return fmt.Errorf("adapt the reconciler of %T: %w", obj, err)
	}
	if opts.NewQueue != nil || opts.RateLimiter != nil {
		return fmt.Errorf("adapt the reconciler of %s: NewQueue and RateLimiter must be nil: the queue is another one", gvk.Kind)
	}
	objects := objects{mgr.GetCache(), obj}
	q := newRequests(objects)
	opts.NewQueue = func(string, workqueue.TypedRateLimiter[request]) workqueue.TypedRateLimitingInterface[request] {
		return q
	}
	err = b.WithOptions(opts).WatchesRawSource(source.Kind(mgr.GetCache(), obj, resume(q))).Complete(&attempts{q, objects, r})
	if err != nil {
		return fmt.Errorf("adapt the reconciler of %s: %w", gvk.Kind, err)
	}
	return nil
}
