package controller

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// turn is one attempt under way. It is what the attempt's ctx leads to when user code
// reads and writes with it, see attempt.Memory.
type turn[T repository.Object, C Context[T]] struct {
	c      *Controller[T, C]
	r      *running[T]
	it     *item
	at     Attempt
	a      attempt.Attempt
	cached T // as the turn began; nobody may change it
	// given is the state that user code got, as nobody will change it.
	given T

	cleaned bool // Cleanup is done

	mu    sync.Mutex
	ended bool
	reads map[*deps]sets.Set[read]
}

// make runs the attempt. Its defer is where every attempt ends, also that of code
// that panics or calls runtime.Goexit.
func (t *turn[T, C]) make(work context.Context, worker int, behind map[attempt.Ref]attempt.Write) {
	key := t.at.Key
	t.r.busy[worker].Store(&t.at)
	defer t.r.busy[worker].Store(nil)
	t.a.Settings, t.a.Key, t.a.Earlier, t.a.Memory = t.c.settings, key, behind, t
	t.a.Start(work, t.at.Start)
	made, returned := true, false
	defer func() {
		if value := recover(); !returned { // or runtime.Goexit
			t.at.Err = kerr.New(t.at.Op, t.c.repo.Kind(), key, t.at.UID, kerr.Recovered(value))
		}
		t.a.End()
		t.learn()
		t.it.State.done = t.at.done()
		if made {
			t.at.Duration = time.Since(t.at.Start)
			t.at.Writes = t.a.Count()
			t.at.cut = work.Err() != nil
			t.settle()
			t.at.kind = t.c.repo.Kind().GroupKind()
			if level(&t.at) > zapcore.DebugLevel {
				t.at.repeated, t.at.unsaid = t.it.State.said.again(t.c.seed, t.at.Err.Error(), time.Now())
			}
			t.c.report(&t.at)
		}
	}()
	made = t.reconcile(work, t.a.Context())
	returned = true
}

// learn keeps what the attempt found out.
func (t *turn[T, C]) learn() {
	t.r.own.set(t.at.Key, t.a.All())
	worked := t.a.Worked()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	st := &t.it.State
	st.cleaned = st.cleaned || t.cleaned
	if worked.Pristine == nil { // Apply and Cleanup were not reached; an ErrorHandler may have been
		for d, reads := range t.reads {
			d.add(t.at.Key, reads)
		}
		return
	}
	if st.uid != worked.UID { // the live object is not the cached one
		*st = st.next(worked.UID)
	}
	st.held, st.cleaned = t.c.finalizer != NoFinalizer, t.cleaned
	st.worked = versionOf(worked)
	if t.at.Err == nil {
		t.a.Prune(&st.record)
	}
	st.loop = st.loop.learn(t.c.seed, t.a.Own(), t.a.Settled())
	st.undone.learn(t.c.seed, t.a.Own(), time.Now())
	for _, d := range t.r.deps {
		d.settle(t.at.Key, t.reads[d])
	}
}

// NoNews implements attempt.Judge.
func (t *turn[T, C]) NoNews(answer runtime.Object) bool {
	after, ok := answer.(T)
	return ok && !t.c.matters(t.given, after)
}

// Read implements attempt.Memory.
func (t *turn[T, C]) Read(informer any, key types.NamespacedName) {
	t.reading(informer, read{name: key}, attempt.Selection{})
}

// Listed implements attempt.Memory.
func (t *turn[T, C]) Listed(informer any, s attempt.Selection) {
	t.reading(informer, read{list: s.ID}, s)
}

func (t *turn[T, C]) reading(informer any, what read, s attempt.Selection) {
	d := t.r.deps[informer]
	if d == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return // a goroutine that outlived its attempt
	}
	if t.reads == nil {
		t.reads = map[*deps]sets.Set[read]{}
	}
	if t.reads[d] == nil {
		t.reads[d] = sets.Set[read]{}
	}
	t.reads[d].Insert(what)
	d.enter(t.at.Key, what, s)
}

// Cached implements attempt.Memory.
func (t *turn[T, C]) Cached(ref attempt.Ref) attempt.Object { return t.c.caches.view(ref) }

// HasCache implements attempt.Memory.
func (t *turn[T, C]) HasCache(kind schema.GroupKind) bool { return len(t.c.caches[kind]) > 0 }

// Record implements attempt.Memory.
func (t *turn[T, C]) Record(f func(*attempt.Record)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended { // else the state is another attempt's
		f(&t.it.State.record)
	}
}
