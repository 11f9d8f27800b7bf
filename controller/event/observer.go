package event

import (
	"context"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// The events of the library itself, see [Observe]. Their notes name the step and the class of an error;
// its text, which may hold what users wrote into objects, is in the log only.
var (
	// NotRetried says that an attempt failed with an error after which there is no other attempt before
	// the object changes, such as an invalid field.
	NotRetried = Warning("NotRetried", "Reconcile")
	// Failing says that ten attempts in a row, or more, have failed.
	Failing = Warning("Failing", "Reconcile")
	// DeletionBlocked says that the object has been in deletion for longer than Options.SlowDeletion, since
	// its Cleanup fails or is not finished, or the finalizer cannot be removed.
	DeletionBlocked = Warning("DeletionBlocked", "Cleanup")
	// ReconcileLoop says that what attempts write causes the next ones, or that another client undoes it;
	// the object is slowed to 10 attempts a minute.
	ReconcileLoop = Warning("ReconcileLoop", "Reconcile")
	// Undecodable says that the object does not fit the Go type of the operator, which leaves it alone.
	Undecodable = Warning("Undecodable", "Decode")
	// FinalizerBypassed says that the object is gone without its Cleanup, which runs only now: another
	// client removed the finalizer, or the API server ignored it.
	FinalizerBypassed = Warning("FinalizerBypassed", "Cleanup")
)

// failingAfter is how many failures in a row make a Failing: with the default backoff nearly two minutes,
// in which most servers restart.
const failingAfter = 10

// Observe returns an Observer, for controller.Options, that records what does not heal by itself:
// [NotRetried], [Failing], [DeletionBlocked], [ReconcileLoop], [Undecodable] and [FinalizerBypassed].
// Each is recorded at each attempt that shows it, which a [Broadcaster] makes one Event of; a loop when it begins.
func Observe(r Recorder) controller.Observer {
	return observer{r}
}

type observer struct{ recorder Recorder }

func (o observer) Started(ctx context.Context, _ controller.Attempt) context.Context { return ctx }

func (o observer) Ended(_ context.Context, at controller.Attempt) { ended(o.recorder, &at) }

func (o observer) Trouble(t controller.Trouble) { troubled(o.recorder, t) }

func ended(r Recorder, at *controller.Attempt) {
	if at.Bypassed {
		r.Eventf(named(at.Kind, at.Key, at.UID), nil, FinalizerBypassed, "The object was deleted although its finalizer was to prevent it; Cleanup runs on its last known state")
	}
	switch {
	case at.DeletionBlocked:
		r.Eventf(named(at.Kind, at.Key, at.UID), nil, DeletionBlocked, "The object is not deleted, since its cleanup, or the removal of the finalizer after it, has not succeeded%s", why(at.Err))
	case at.Err == nil:
	case kerr.WaitsForChange(at.Err):
		r.Eventf(named(at.Kind, at.Key, at.UID), nil, NotRetried, "Attempt to %s failed, and is not repeated before the object changes%s", at.Op, why(at.Err))
	case at.Failures >= failingAfter:
		r.Eventf(named(at.Kind, at.Key, at.UID), nil, Failing, "Attempt to %s has failed %d times in a row%s", at.Op, at.Failures, why(at.Err))
	}
}

// why is what an event may say about an error.
func why(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%s; see the log of the operator)", kerr.ClassOf(err))
}

func troubled(r Recorder, t controller.Trouble) {
	e, ok := errors.AsType[*kerr.Error](t.Err)
	if !ok || t.Key.Name == "" {
		return
	}
	switch t.Op { //nolint:exhaustive // others are not about one object, or heal by themselves
	case kerr.OpReconcile:
		r.Eventf(named(e.Kind, t.Key, t.UID), nil, ReconcileLoop, "Slowed to 10 attempts a minute: what the operator writes causes its next attempt, or another client undoes it")
	case kerr.OpDecode:
		r.Eventf(named(e.Kind, t.Key, t.UID), nil, Undecodable, "The object does not fit the type that the operator has for it, and is left alone")
	}
}

// named is an object of which only names are known.
func named(kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID) Object {
	o := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: uid}}
	o.SetGroupVersionKind(kind)
	return o
}
