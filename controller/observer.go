package controller

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/nilness"
	"github.com/kuberator/kuberator/kerr"
)

// Observer is called with what a controller does: for metrics, traces and tests. See
// Options.Observer, [ObserverFuncs] for an Observer made of functions, and [Observers] for
// several. Optional interfaces are [StatsObserver] and [ConvergenceObserver].
//
// Started and Ended are called by the worker that makes the attempt, so that they run
// concurrently for different objects; Trouble is called by one goroutine that does nothing else.
// All must be safe for concurrent use and return quickly. A panic is logged and changes nothing,
// also not for other observers. A call of runtime.Goexit in Started or Ended makes the attempt
// fail, as one in Apply does.
type Observer interface {
	// Started is called before an attempt. It returns the ctx for Apply, Cleanup, HandleError and
	// the requests of the attempt, which must be ctx or derived from it, for instance with a
	// span. If it is not, or if its deadline is later, an error is logged and the attempt uses
	// ctx. One that ends sooner ends the attempt sooner. Of at, the fields Controller, Kind, Key,
	// UID, Reasons, MoreReasons, SelfTriggered, Queued, Parked and Start are set; UID is that of
	// the cached object.
	Started(ctx context.Context, at Attempt) context.Context
	// Ended is called after an attempt, once for each call of Started, with the ctx that Started
	// returned. That ctx has been cancelled by then; its values can be read.
	Ended(ctx context.Context, at Attempt)
	// Trouble is called for what went wrong outside attempts. If the Observer is slow, at most 64
	// calls wait for it; further trouble is only logged.
	Trouble(t Trouble)
}

// Trouble is what went wrong outside attempts. Op says what: a list or a watch failed
// ([kerr.OpSync]), an object cannot be decoded ([kerr.OpDecode]), a predicate panicked
// ([kerr.OpFilter]), a mapping or the selector of a list panicked ([kerr.OpMap]), a [Sweeper]
// failed ([kerr.OpSweep]), a function given to Source failed or returned too early
// ([kerr.OpSource]), or an object is reconciled again and again by its own doing, and is slowed
// ([kerr.OpReconcile], told once for a loop, and at most once a minute).
type Trouble struct {
	// Controller is the name of the controller.
	Controller string
	Op         kerr.Op
	// Kind is the kind that the trouble is about: that of the controller, or of an informer given
	// to Owns, OwnsShared, Watches or References. Key and UID are empty if it is not about one
	// object.
	Kind schema.GroupKind
	Key  types.NamespacedName
	UID  types.UID
	// Err is never nil, and has a *kerr.Error in its chain.
	Err error
}

// ObserverFuncs makes an [Observer] of functions. A nil function is not called.
type ObserverFuncs struct {
	// StartedFunc, EndedFunc and TroubleFunc are what Started, Ended and Trouble call.
	StartedFunc func(ctx context.Context, at Attempt) context.Context
	EndedFunc   func(ctx context.Context, at Attempt)
	TroubleFunc func(t Trouble)
}

// Started calls StartedFunc; it returns ctx if that is nil.
func (o ObserverFuncs) Started(ctx context.Context, at Attempt) context.Context {
	if o.StartedFunc == nil {
		return ctx
	}
	return o.StartedFunc(ctx, at)
}

// Ended calls EndedFunc.
func (o ObserverFuncs) Ended(ctx context.Context, at Attempt) {
	if o.EndedFunc != nil {
		o.EndedFunc(ctx, at)
	}
}

// Trouble calls TroubleFunc.
func (o ObserverFuncs) Trouble(t Trouble) {
	if o.TroubleFunc != nil {
		o.TroubleFunc(t)
	}
}

// Observers combines several observers into one. Started is called in the given order, each with
// the ctx that the one before returned; Ended is called in the opposite order, each with the ctx
// that the last Started returned. nil observers are left out.
func Observers(all ...Observer) Observer {
	return observers(slices.DeleteFunc(slices.Clone(all), func(o Observer) bool { return nilness.Is(o) }))
}

type observers []Observer

func (all observers) Started(ctx context.Context, at Attempt) context.Context {
	for _, o := range all {
		ctx = o.Started(ctx, at)
	}
	return ctx
}

func (all observers) Ended(ctx context.Context, at Attempt) {
	for _, o := range slices.Backward(all) {
		o.Ended(ctx, at)
	}
}

func (all observers) Trouble(t Trouble) {
	for _, o := range all {
		o.Trouble(t)
	}
}

// each returns the observers that an Observer is made of.
func each(o Observer) (all []Observer) {
	if nilness.Is(o) {
		return nil
	}
	several, ok := o.(observers)
	if !ok {
		return []Observer{o}
	}
	for _, one := range several {
		all = append(all, each(one)...)
	}
	return all
}

// tellStarted calls the observers and returns the ctx of the attempt, as they want it.
func (t *reconciliation[T, C]) tellStarted(ctx context.Context) context.Context {
	if len(t.c.observers) == 0 {
		return ctx
	}
	at := t.attempt()
	for _, o := range t.c.observers {
		ctx = t.startedBy(o, ctx, at)
	}
	return ctx
}

// startedBy calls one, whose panic is not that of another.
func (t *reconciliation[T, C]) startedBy(o Observer, ctx context.Context, at Attempt) (observed context.Context) {
	observed = ctx // also if it panics
	defer t.c.observerPanicked(t.at.Key, t.at.UID)
	derived := o.Started(ctx, at)
	if same(derived, ctx) {
		return ctx
	}
	if derived == nil || journal.From(derived) != &t.journal || later(derived, ctx) {
		t.c.opts.Logger.Error("Options.Observer: Started returned a ctx that is not derived from the one that it was called with, or that does not end with it", t.at.names()...)
		return ctx
	}
	return derived
}

// same reports whether an observer returned the ctx that it was given, as most do: then there is nothing to
// check. Only pointers are compared: other types may not be comparable.
func same(a, b context.Context) bool {
	return a != nil && reflect.TypeOf(a).Kind() == reflect.Pointer && a == b
}

// later reports whether a ctx ends later than another one, or never, as that of
// context.WithoutCancel does.
func later(a, b context.Context) bool {
	is, ends := a.Deadline()
	wanted, bounded := b.Deadline()
	return bounded && (!ends || is.After(wanted))
}

// tellEnded calls the observers, the last one first.
func (t *reconciliation[T, C]) tellEnded(ctx context.Context) {
	if len(t.c.observers) == 0 {
		return
	}
	at := t.attempt()
	for _, o := range slices.Backward(t.c.observers) {
		t.endedBy(o, ctx, at)
	}
}

func (t *reconciliation[T, C]) endedBy(o Observer, ctx context.Context, at Attempt) {
	defer t.c.observerPanicked(t.at.Key, t.at.UID)
	o.Ended(ctx, at)
}

func (c *Controller[T, C]) tellTrouble(t Trouble) {
	for _, o := range c.observers {
		func() {
			defer c.observerPanicked(t.Key, t.UID)
			o.Trouble(t)
		}()
	}
}

// observerPanicked must be deferred by each function that calls an observer: its panic must not
// end a worker.
func (c *Controller[T, C]) observerPanicked(key types.NamespacedName, uid types.UID) {
	if value := recover(); value != nil {
		c.opts.Logger.Error("Options.Observer panicked", append(names(key, uid), errorFields(kerr.Recovered(value))...)...)
	}
}

// troubleOf returns what an error outside of attempts is about.
func (c *Controller[T, C]) troubleOf(err error) Trouble {
	e, ok := errors.AsType[*kerr.Error](err)
	if !ok {
		e = &kerr.Error{Op: kerr.OpSync, Kind: c.repo.Kind(), Err: err}
		err = e
	}
	return Trouble{Controller: c.opts.Name, Op: e.Op, Kind: e.Kind.GroupKind(), Key: e.Key, UID: e.UID, Err: err}
}
