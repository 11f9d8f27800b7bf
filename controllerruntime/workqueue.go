package controllerruntime

import (
	"time"

	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
)

// What a queue can do besides. A controller calls little of it, a source may call all.

// Add implements workqueue.TypedInterface.
func (q *requests) Add(r request) { q.AddWithOpts(priorityqueue.AddOpts{}, r) }

// AddAfter implements workqueue.TypedDelayingInterface.
func (q *requests) AddAfter(r request, d time.Duration) {
	q.AddWithOpts(priorityqueue.AddOpts{After: d}, r)
}

// AddRateLimited implements workqueue.TypedRateLimitingInterface.
func (q *requests) AddRateLimited(r request) {
	q.AddWithOpts(priorityqueue.AddOpts{RateLimited: true}, r)
}

// Forget implements workqueue.TypedRateLimitingInterface: attempts has told already.
func (q *requests) Forget(request) {}

// NumRequeues implements workqueue.TypedRateLimitingInterface.
func (q *requests) NumRequeues(request) int { return 0 }

// Len implements workqueue.TypedInterface.
func (q *requests) Len() int { return q.work.Len() }

// Get implements workqueue.TypedInterface.
func (q *requests) Get() (r request, shutdown bool) {
	r, _, shutdown = q.GetWithPriority()
	return r, shutdown
}

// ShutDownWithDrain implements workqueue.TypedInterface.
func (q *requests) ShutDownWithDrain() { q.ShutDown() }

// ShuttingDown implements workqueue.TypedInterface.
func (q *requests) ShuttingDown() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}
