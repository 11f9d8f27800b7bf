package controllerruntime

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// lookAgain is how often an object is looked at whose pause has an end: the clock may be set meanwhile.
const lookAgain = 10 * time.Minute

// attempts is the reconciler that a controller has in the place of the one that was adapted. It calls that one, and
// tells the queue what became of it.
type attempts struct {
	requests   *requests
	objects    objects
	reconciler reconcile.Reconciler
}

// Reconcile implements reconcile.Reconciler.
func (a *attempts) Reconcile(ctx context.Context, r request) (result reconcile.Result, err error) {
	obj := a.objects.get(ctx, r)
	if _, is := pauseOf(obj); is {
		a.requests.pause(r, true)
		obj = a.objects.get(ctx, r) // it may have ended before anybody knew that a call is owed
		if pause, still := pauseOf(obj); still {
			return a.rest(r, pause)
		}
	}
	a.requests.pause(r, false)
	return a.call(ctx, r, stateOf(obj))
}

// rest is what becomes of a call for an object that is paused.
func (a *attempts) rest(r request, pause controller.Pause) (reconcile.Result, error) {
	a.requests.ended(r)
	switch {
	case pause.Err != nil:
		return reconcile.Result{}, reconcile.TerminalError(pause.Err)
	case pause.Until.IsZero():
		return reconcile.Result{}, nil
	default:
		return reconcile.Result{RequeueAfter: min(lookAgain, max(time.Until(pause.Until), time.Millisecond))}, nil
	}
}

func (a *attempts) call(ctx context.Context, r request, s state) (result reconcile.Result, err error) {
	a.requests.begun(r, s)
	returned := false
	defer func() {
		switch {
		case !returned, isRetried(err), err == nil && asksForBackoff(result):
			a.requests.failed(r, err)
		default:
			a.requests.ended(r)
		}
	}()
	result, err = a.reconciler.Reconcile(ctx, r)
	if returned = true; err != nil && !isRetried(err) && !isTerminal(err) {
		err = reconcile.TerminalError(err)
	}
	return result, err
}

func asksForBackoff(result reconcile.Result) bool {
	return result.Requeue && result.RequeueAfter <= 0 //nolint:staticcheck // there are reconcilers that set it
}

// isRetried reports whether an error is tried again: all are, but those that are marked. That one is of an object that is
// too large does not count: which one was written is not known, and it may be a child.
func isRetried(err error) bool {
	return err != nil && !isTerminal(err) && (!kerr.WaitsForChange(err) || kerr.ClassOf(err) == kerr.ClassTooLarge)
}

func isTerminal(err error) bool { return errors.Is(err, reconcile.TerminalError(nil)) }

func pauseOf(obj client.Object) (p controller.Pause, is bool) {
	if obj == nil {
		return p, false
	}
	return controller.PauseOf(obj)
}

// resume adds what is owed when a pause ends or changes, whatever predicates hide.
func resume(q *requests) handler.EventHandler {
	add := func(obj client.Object) {
		if r := (request{NamespacedName: client.ObjectKeyFromObject(obj)}); q.owes(r) {
			q.Add(r)
		}
	}
	type adds = workqueue.TypedRateLimitingInterface[request]
	return handler.Funcs{
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, _ adds) {
			if pauses(e.ObjectOld) != pauses(e.ObjectNew) {
				add(e.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, _ adds) { add(e.Object) },
	}
}

// pauses returns what says whether an object is paused.
func pauses(obj client.Object) string {
	if !obj.GetDeletionTimestamp().IsZero() {
		return ""
	}
	return obj.GetAnnotations()[controller.PausedAnnotation]
}
