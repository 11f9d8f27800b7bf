package controllerruntime

import (
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
)

type (
	request = reconcile.Request
	reason  struct{} // a request has none
	item    = queue.Item[request, reason, struct{}]
)

const (
	leastBackoff = 100 * time.Millisecond
	mostBackoff  = 5 * time.Minute
	mostAsked    = time.Hour   // of a Retry-After
	leastEdit    = time.Second // between two calls for an object that failed and is edited
)

// requests is the queue of this library as a controller of controller-runtime asks for one. What became of a call it
// is told by attempts, which knows the error, and not by the methods that the controller calls with less.
type requests struct {
	work    *queue.Queue[request, reason, struct{}]
	objects objects

	mu     sync.Mutex
	closed bool
	busy   map[request]*item
	tries  map[request]try    // of calls that run, or that failed
	later  map[request]*alarm // what is to be added later
	paused map[request]bool   // calls that are owed at the end of a pause
}

// try is a call.
type try struct {
	state state // of the object, as it began
	began time.Time
}

// alarm adds a request.
type alarm struct {
	*time.Timer
	at     time.Time
	weight queue.Weight
}

var _ priorityqueue.PriorityQueue[request] = &requests{}

func newRequests(o objects) *requests {
	return &requests{
		work: queue.New[request, reason, struct{}](queue.Options[request]{
			Base: leastBackoff, Max: mostBackoff, Tenant: func(r request) string { return r.Namespace },
		}),
		objects: o,
		busy:    map[request]*item{}, tries: map[request]try{}, later: map[request]*alarm{}, paused: map[request]bool{},
	}
}

// AddWithOpts implements priorityqueue.PriorityQueue. What failed waits for the end of its backoff in any case.
func (q *requests) AddWithOpts(o priorityqueue.AddOpts, all ...request) {
	weight := queue.Change
	if o.Priority != nil && *o.Priority < 0 {
		weight = queue.Background
	}
	for _, r := range all {
		if o.After > 0 && !o.RateLimited {
			q.addAfter(r, o.After, weight)
		} else {
			q.add(r, weight)
		}
	}
}

// add adds a request. If the object was edited since a call that failed, that ends the backoff.
func (q *requests) add(r request, weight queue.Weight) {
	q.mu.Lock()
	last, tried := q.tries[r]
	q.mu.Unlock()
	if tried && weight != queue.Background && q.objects.state(r) != last.state {
		weight = queue.Early
	}
	q.work.Add(r, reason{}, weight)
}

// addAfter adds a request later. Of several times the first counts.
func (q *requests) addAfter(r request, d time.Duration, weight queue.Weight) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	a := &alarm{at: time.Now().Add(d), weight: weight}
	if before := q.later[r]; before != nil {
		before.weight = max(before.weight, weight)
		if a.weight = before.weight; !a.at.Before(before.at) {
			return
		}
		before.Stop()
	}
	q.later[r] = a
	a.Timer = time.AfterFunc(d, func() { q.ring(r, a) })
}

func (q *requests) ring(r request, a *alarm) {
	q.mu.Lock()
	weight, is := a.weight, q.later[r] == a
	if is {
		delete(q.later, r)
	}
	q.mu.Unlock()
	if is {
		q.work.Add(r, reason{}, weight)
	}
}

// silence must be called under mu.
func (q *requests) silence(r request) {
	if a := q.later[r]; a != nil {
		a.Stop()
		delete(q.later, r)
	}
}

// GetWithPriority implements priorityqueue.PriorityQueue.
func (q *requests) GetWithPriority() (r request, priority int, shutdown bool) {
	for {
		it, reasons, more, ok := q.work.Get()
		if !ok {
			return request{}, 0, true
		}
		wait := q.take(it)
		if wait <= 0 {
			if it.Weight() == queue.Background {
				priority = handler.LowPriority
			}
			return it.Key, priority, false
		}
		q.work.Hold(it, reasons, more, wait, false, "edited")
		q.work.Done(it)
	}
}

// take notes that a name is called for, unless it must wait since it is edited too often. What it was to be called for
// later, it is called for now.
func (q *requests) take(it *item) (wait time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last, tried := q.tries[it.Key]; tried && it.Weight() >= queue.Early {
		if wait = leastEdit - time.Since(last.began); wait > 0 {
			return wait
		}
	}
	q.silence(it.Key)
	q.busy[it.Key] = it
	return 0
}

// Done implements workqueue.TypedInterface.
func (q *requests) Done(r request) {
	q.mu.Lock()
	it := q.busy[r]
	delete(q.busy, r)
	q.mu.Unlock()
	if it != nil {
		q.work.Done(it)
	}
}

// ShutDown implements workqueue.TypedInterface.
func (q *requests) ShutDown() {
	q.mu.Lock()
	q.closed = true
	for r := range q.later {
		q.silence(r)
	}
	q.mu.Unlock()
	q.work.ShutDown()
}

// begun notes the object as a call got it.
func (q *requests) begun(r request, s state) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tries[r] = try{s, time.Now()}
}

// ended notes that a call leaves nothing to be tried again.
func (q *requests) ended(r request) {
	q.mu.Lock()
	it := q.busy[r]
	delete(q.tries, r)
	q.mu.Unlock()
	if it != nil {
		q.work.Forget(it)
	}
}

// failed notes that a call is to be tried again. A nil err is one that asked for that.
func (q *requests) failed(r request, err error) {
	q.mu.Lock()
	it := q.busy[r]
	q.mu.Unlock()
	if it != nil {
		q.work.Failed(it, func(backoff time.Duration, _ int) (time.Duration, reason) {
			return kerr.NextTry(err, backoff, leastBackoff, mostAsked), reason{}
		})
	}
}

// pause notes whether a call is owed to an object that is paused.
func (q *requests) pause(r request, is bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if is {
		q.paused[r] = true
	} else {
		delete(q.paused, r)
	}
}

// owes reports whether a call is owed to an object that is paused.
func (q *requests) owes(r request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.paused[r]
}
