package controllerruntime

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// primary gives what happens to the objects of the kind to the requests. The predicates, of which all must hold, as
// in a builder, hide no change of a pause.
func primary(r *requests, predicates []predicate.Predicate) handler.EventHandler {
	all := predicate.And(predicates...)
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, _ queue) {
			if all.Create(e) {
				r.see(e.Object)
			}
		},
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, _ queue) {
			if all.Update(e) || pauseChanged(e.ObjectOld, e.ObjectNew) && r.has(client.ObjectKeyFromObject(e.ObjectNew)) {
				r.see(e.ObjectNew)
			}
		},
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, _ queue) {
			if all.Delete(e) {
				r.gone(client.ObjectKeyFromObject(e.Object))
			} else {
				r.drop(client.ObjectKeyFromObject(e.Object))
			}
		},
	}
}

// inbox is the queue that sources add to. What it is asked later than that is for who works, and the controller does
// that with a queue of its own.
type inbox struct {
	requests *requests
	ended    <-chan struct{} // when the run has
}

// Add implements workqueue.TypedInterface.
func (q inbox) Add(req reconcile.Request) { q.requests.ask(req.NamespacedName) }

// AddAfter implements workqueue.TypedDelayingInterface.
func (q inbox) AddAfter(req reconcile.Request, d time.Duration) {
	if d <= 0 {
		q.Add(req)
		return
	}
	time.AfterFunc(d, func() {
		if !q.ShuttingDown() {
			q.Add(req)
		}
	})
}

// AddRateLimited implements workqueue.TypedRateLimitingInterface. What failed waits for the end of its backoff in
// any case.
func (q inbox) AddRateLimited(req reconcile.Request) { q.Add(req) }

// Forget implements workqueue.TypedRateLimitingInterface.
func (q inbox) Forget(reconcile.Request) {}

// NumRequeues implements workqueue.TypedRateLimitingInterface.
func (q inbox) NumRequeues(reconcile.Request) int { return 0 }

// Len implements workqueue.TypedInterface.
func (q inbox) Len() int { return 0 }

// Get implements workqueue.TypedInterface.
func (q inbox) Get() (req reconcile.Request, shutdown bool) { return req, true }

// Done implements workqueue.TypedInterface.
func (q inbox) Done(reconcile.Request) {}

// ShutDown implements workqueue.TypedInterface.
func (q inbox) ShutDown() {}

// ShutDownWithDrain implements workqueue.TypedInterface.
func (q inbox) ShutDownWithDrain() {}

// ShuttingDown implements workqueue.TypedInterface.
func (q inbox) ShuttingDown() bool {
	select {
	case <-q.ended:
		return true
	default:
		return false
	}
}
