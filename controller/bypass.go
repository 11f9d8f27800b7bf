package controller

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/pinned"
	"github.com/kuberator/kuberator/kerr"
)

// A finalizer can be bypassed: another client removes it by force, or the API server does not see
// it, if it began to serve the DELETE before the finalizer was added (kubernetes#77988, often
// where deletions follow creations closely). No client can prevent that, but it shows: an object
// that we held is gone although no Cleanup of ours succeeded. Then Cleanup runs on its last known
// state.

type bypassedKey struct{}

// Bypassed reports whether ctx is that of a Cleanup whose object is already gone, because its
// finalizer was bypassed: removed by another client, or ignored by the API server. Cleanup then
// gets the last known state of the object, which cannot be read or written any more. It is
// retried for Options.BypassTimeout.
func Bypassed(ctx context.Context) bool { return ctx.Value(bypassedKey{}) != nil }

// vanished are last states of objects that the cache does not have any more, from the event
// until a worker looks into it.
type vanished struct {
	some atomic.Bool // so that asking is cheap if nothing has
	mu   sync.Mutex
	objs map[types.NamespacedName][]journal.Object
}

func (v *vanished) add(key types.NamespacedName, obj journal.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.objs == nil {
		v.objs = map[types.NamespacedName][]journal.Object{}
	}
	v.objs[key] = append(v.objs[key], obj)
	v.some.Store(true)
}

func (v *vanished) take(key types.NamespacedName) []journal.Object {
	if !v.some.Load() {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	objs := v.objs[key]
	if delete(v.objs, key); len(v.objs) == 0 {
		v.objs = nil // a map never shrinks
		v.some.Store(false)
	}
	return objs
}

// undecodableEvery is how often an object is looked at that was held and does not fit the Go type
// any more: caches do not have it, so there is no event if it goes.
const undecodableEvery = 5 * time.Minute

// orphan is the last state of an object that is gone, and that Cleanup may be owed to.
type orphan struct {
	last      journal.Object
	since     time.Time
	confirmed bool // it is gone from the server, and not only from the cache
}

// orphaned moves what has vanished of a key into its state, if Cleanup may be owed to it. It is not
// for what no attempt of this run has looked at and the cache had before: that it went may be what
// the process did that led before.
func (c *Controller[T, C]) orphaned(r *runState[T], it *item) bool {
	st := &it.Record
	for _, obj := range r.vanished.take(it.Key) {
		c.gone(obj)
		owed := !r.warm && finalizer.Held(obj, c.finalizer)
		for _, of := range []*record{st, st.before()} {
			if of != nil && of.uid == obj.GetUID() {
				owed = of.held && !of.cleaned
				of.held, of.cleaned = false, false // this was the event of its end
			}
		}
		if owed {
			it.Keep = true
			st.bury(past{append(st.orphans(), orphan{last: obj, since: time.Now()}), st.before()})
		}
	}
	return len(st.orphans()) > 0
}

// bypassed cleans up the first orphan of the key.
func (t *reconciliation[T, C]) bypassed(ctx context.Context) error {
	st := &t.it.Record
	o := &st.orphans()[0]
	last := o.last.(T) //nolint:forcetypeassert // from our own informer
	t.at.UID, t.at.Op = last.GetUID(), kerr.OpGet
	done := func() { st.pacing.past.orphans = st.orphans()[1:] }
	if !o.confirmed {
		uid, err := t.liveUID(ctx)
		switch {
		case err == nil && uid == last.GetUID():
			done() // it left the selector, or the namespaces that are watched
			return nil
		case err != nil && kerr.ClassOf(err) == kerr.ClassUndecodable && (uid == "" || uid == last.GetUID()):
			o.since = time.Now() // it is there, and no cache shows its end
			t.at.Action = Requeue(undecodableEvery)
			return nil
		case err != nil && kerr.ClassOf(err) == kerr.ClassUndecodable: // another object of the name
		case err != nil && kerr.ClassOf(err) != kerr.ClassNotFound:
			return t.giveUp(done, err)
		}
		o.confirmed = true
		t.c.counts.bypassed.Add(1)
		t.c.opts.Logger.Warn("finalizer bypassed: the object is gone and was not cleaned up", t.at.names()...)
	}
	t.at.Op, t.at.Bypassed = kerr.OpCleanup, true
	if t.c.opts.BypassTimeout < 0 {
		done()
		return nil
	}
	t.journal.WorkOn(journal.State{UID: last.GetUID()})
	err := func() (err error) {
		defer recovered(&err)
		t.at.Action, err = finished(t.c.user.Cleanup(context.WithValue(ctx, bypassedKey{}, true), last.DeepCopyObject().(T)))
		return err
	}()
	switch {
	case err == nil:
		done()
		return nil
	case kerr.WaitsForChange(err): // there will be none
		done()
		return kerr.New(t.at.Op, t.c.repo.Kind(), t.at.Key, t.at.UID, err)
	default:
		return t.giveUp(done, err)
	}
}

// liveUID returns the UID that the server has for the key, also of an object that does not fit the
// Go type if the repository can tell. It returns the error of Get then, too.
func (t *reconciliation[T, C]) liveUID(ctx context.Context) (types.UID, error) {
	live, err := t.c.repo.Get(ctx, t.at.Key)
	if err == nil {
		return live.GetUID(), nil
	}
	untyped, ok := t.c.repo.(pinned.Untyped)
	if !ok || kerr.ClassOf(err) != kerr.ClassUndecodable {
		return "", err
	}
	raw, rawErr := untyped.GetUnstructured(ctx, t.at.Key)
	if rawErr != nil {
		return "", rawErr
	}
	return raw.GetUID(), err
}

// bypassTime returns how long Cleanup may still be tried for what is gone, and false if nothing is.
// An object that has the name by now waits for that, and no longer.
func (t *reconciliation[T, C]) bypassTime() (left time.Duration, bypassed bool) {
	orphans := t.it.Record.orphans()
	if len(orphans) == 0 || !orphans[0].confirmed {
		return 0, false
	}
	return max(time.Until(orphans[0].since.Add(t.c.opts.BypassTimeout)), leastAfter), true
}

// giveUp ends the retries of an orphan in time.
func (t *reconciliation[T, C]) giveUp(done func(), err error) error {
	if waited := time.Since(t.it.Record.orphans()[0].since); t.c.opts.BypassTimeout >= 0 && waited >= t.c.opts.BypassTimeout {
		done()
		t.at.Action = AwaitChange()
		fields := append(t.at.names(), zap.Duration("after", waited))
		t.c.opts.Logger.Error("gave up: what was made for an object whose finalizer was bypassed may be left behind", append(fields, errorFields(err)...)...)
		return nil
	}
	if errors.Is(err, errUnfinished) {
		return nil // it asked for another attempt
	}
	return kerr.New(t.at.Op, t.c.repo.Kind(), t.at.Key, t.at.UID, err)
}
