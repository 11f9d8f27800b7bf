package controller

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// reconciliation is one attempt under way. It is what the attempt's ctx leads to when user code
// reads and writes with it, see journal.Recorder.
type reconciliation[T repository.Object, C Context[T]] struct {
	c       *Controller[T, C]
	r       *runState[T]
	it      *item
	at      outcome
	journal journal.Journal
	cached  T // as the attempt began; it must not be changed
	// given is the state that user code got, in a copy that is never changed.
	given T

	cleaned bool // Cleanup is done
	stepped bool // the whole step is: after Cleanup the finalizer is gone, too
	paused  bool // the state that user code got is

	ended bool // guarded by mu, as reads
	mu    sync.Mutex
	reads dependents.Reads
}

func (c *Controller[T, C]) reconciliation(r *runState[T], it *item, reasons []Reason, more int) *reconciliation[T, C] {
	return &reconciliation[T, C]{c: c, r: r, it: it, at: outcome{
		Key: it.Key, Op: kerr.OpGet, Reasons: reasons, MoreReasons: more, Start: time.Now(), Next: -1,
	}}
}

// run makes the attempt. Its defer is where every attempt ends, also that of code
// that panics or calls runtime.Goexit.
func (t *reconciliation[T, C]) run(work context.Context, worker int, behind map[journal.Ref]journal.Write) {
	key := t.at.Key
	t.r.busy[worker].Store(&t.at)
	defer t.r.busy[worker].Store(nil)
	t.journal.Settings, t.journal.Key, t.journal.Earlier, t.journal.Recorder = t.c.settings, key, behind, t
	t.journal.Start(work, t.at.Start)
	ctx := t.journal.Context()
	since := t.waited()
	made, returned := true, false
	defer func() {
		if value := recover(); !returned { // or runtime.Goexit
			t.at.Err = kerr.New(t.at.Op, t.c.repo.Kind(), key, t.at.UID, kerr.Recovered(value))
		}
		t.journal.End()
		t.learn()
		t.it.Record.done = t.at.done()
		t.at.Duration = time.Since(t.at.Start)
		if made {
			t.at.Writes = t.journal.Count()
			t.at.cut = work.Err() != nil
			t.judgeDeletion()
			t.schedule()
			t.at.level = t.at.levelFor(t.c.repo.Kind().GroupKind(), func(text string) (bool, int) {
				return t.it.Record.troubled().logged.failure.Again(t.c.seed, text, time.Now())
			})
			t.c.report(&t.at)
			if len(t.c.convergence) > 0 && !t.paused {
				t.converge(since)
			}
		}
		t.tellEnded(ctx)
	}()
	ctx = t.tellStarted(ctx)
	made = t.reconcile(work, ctx)
	returned = true
}

// waited notes how long the object has waited, and returns since when. Without an observer nobody
// wants to know.
func (t *reconciliation[T, C]) waited() (since time.Time) {
	ready, parked, since := t.r.queue.Waited(t.it)
	if !ready.IsZero() {
		t.at.Queued, t.at.Parked = t.at.Start.Sub(ready), parked
	}
	return since
}

// judgeDeletion says whether the deletion is blocked, whatever it was that kept the attempt from
// ending it: Cleanup, a request before it, or the removal of the finalizer.
func (t *reconciliation[T, C]) judgeDeletion() {
	if t.stepped || t.cached == *new(T) || t.cached.GetDeletionTimestamp() == nil || !finalizer.Held(t.cached, t.c.finalizer) {
		return
	}
	if deleting := time.Since(t.cached.GetDeletionTimestamp().Time); deleting > t.c.opts.SlowDeletion {
		t.at.deleting = deleting
	}
}

// learn keeps what the attempt found out.
func (t *reconciliation[T, C]) learn() {
	worked, left := t.journal.Worked(), t.left()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	st := &t.it.Record
	st.unseen = t.r.own.Replace(st.unseen, t.at.Key, t.journal.Take())
	st.cleaned = st.cleaned || t.cleaned
	if worked.Pristine == nil { // Apply and Cleanup were not reached; an ErrorHandler may have been
		st.reads = st.reads.With(t.reads)
		return
	}
	if st.uid != worked.UID { // the live object is not the cached one
		*st = st.next(worked.UID)
	}
	st.workedOn(versionOf(worked.Pristine.GetResourceVersion(), worked.Pristine), left)
	st.unpause()
	if t.paused { // what is known of the last Apply stays
		st.held = st.held || finalizer.Held(t.given, t.c.finalizer)
		st.reads = st.reads.With(t.reads)
		return
	}
	st.held, st.cleaned = t.c.finalizer != NoFinalizer, t.cleaned
	if t.at.Err == nil {
		if st.sent != nil {
			t.journal.Prune(st.sent)
		}
	}
	st.wrote(t.c.seed, t.journal.Own())
	st.reads.Keep(t.at.Key, t.reads)
	st.reads = t.reads
}

// left returns the state that the last write to the object itself led to, if that is no news
// after the state that user code got. It asks the user's filter.
func (t *reconciliation[T, C]) left() version {
	self := t.c.ref(t.at.Key)
	for _, w := range slices.Backward(t.journal.Own()) {
		if w.Ref != self {
			continue
		}
		if after, ok := w.Object.(T); ok && t.given != *new(T) && !t.c.matters(t.given, after) && !t.c.selectionChanged(t.given, after) {
			return versionOf(w.ResourceVersion, after)
		}
		break
	}
	return version{}
}

// Read implements journal.Recorder.
func (t *reconciliation[T, C]) Read(informer any, key types.NamespacedName) {
	t.reading(informer, dependents.Read{Name: key}, journal.Selection{})
}

// Listed implements journal.Recorder.
func (t *reconciliation[T, C]) Listed(informer any, s journal.Selection) {
	t.reading(informer, dependents.Read{List: s.ID}, s)
}

func (t *reconciliation[T, C]) reading(informer any, what dependents.Read, s journal.Selection) {
	d := t.r.deps[informer]
	if d == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended { // else it is a goroutine that outlived its attempt
		t.reads.Add(d, t.at.Key, what, s)
	}
}

// Cached implements journal.Recorder.
func (t *reconciliation[T, C]) Cached(ref journal.Ref) (obj journal.Object, has bool) {
	return t.c.caches.view(ref), len(t.c.caches[ref.Kind]) > 0
}

// Look implements journal.Recorder.
func (t *reconciliation[T, C]) Look(ref journal.Ref) (obj journal.Object, has bool) {
	for _, in := range t.c.caches[ref.Kind] {
		t.Read(in.source(), ref.Key)
	}
	return t.Cached(ref)
}

// Record implements journal.Recorder.
func (t *reconciliation[T, C]) Record(f func(*journal.Sent)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended { // else the state is another attempt's
		t.it.Record.known(f)
	}
}
