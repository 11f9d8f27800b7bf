package controller

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
)

// Attempt is one reconcile of one object: one call of Apply or Cleanup, or a step before it that
// failed; or, with kerr.OpPause, that the object was found to be paused, see [PausedAnnotation]. An [Observer] gets it.
type Attempt struct {
	// Controller is the name of the controller, and Kind that of its objects.
	Controller string
	Kind       schema.GroupVersionKind
	// Key and UID identify the object.
	Key types.NamespacedName
	UID types.UID
	// Op is the last step of the attempt: kerr.OpApply or kerr.OpCleanup, or another step that
	// failed. If it is kerr.OpGet and Err is nil, there was nothing to do: the object is gone, or
	// is being deleted and does not carry the finalizer of this controller.
	Op kerr.Op
	// Reasons are the first eight different reasons for the attempt, in the order in which they
	// arrived; they must not be changed. MoreReasons is the number of further ones.
	Reasons     []Reason
	MoreReasons int
	// SelfTriggered reports whether every reason of this attempt is an event caused by a write of
	// the previous one. One or two in a row are normal, for instance after a child was created.
	// After 20 in a row the controller slows the object to 10 attempts a minute and logs a
	// warning.
	SelfTriggered bool
	// Bypassed reports whether the object is gone without a Cleanup, since its finalizer was
	// bypassed, so that this attempt is the Cleanup that was missed; see the function Bypassed.
	Bypassed bool
	// DeletionBlocked reports whether the object carries the finalizer, has been in deletion for
	// longer than Options.SlowDeletion, and this attempt has not let it go, for whatever reason.
	DeletionBlocked bool
	// Queued is how long the object waited for a worker. Parked is how long it was kept back
	// before that, see [ParkReason]; 0 for most.
	Queued, Parked time.Duration
	// Start is when the attempt began, and Duration how long it took.
	Start    time.Time
	Duration time.Duration
	// Writes is the number of writes, to any object, that were sent with the ctx of the attempt
	// through a repository.Live, or reported by repository.Wrote or WroteDeletion, and that the
	// API server accepted. WritesBy has their number for each kind of write; nil if there were
	// none, and if there is no Observer. The status is written by kerr.OpPatchStatus, finalizers
	// by kerr.OpPatch.
	Writes   int
	WritesBy map[kerr.Op]int
	// Action and Err are the result of the attempt, after the [ErrorHandler]. Err is nil or has a
	// *kerr.Error in its chain.
	Action Action
	Err    error
	// Failures is the number of consecutive failures that the backoff is computed from, this one
	// included. It is 0 after a success, and if the error is not retried (kerr.WaitsForChange).
	// Next is the wait until the next attempt if nothing changes before; negative if none is
	// scheduled.
	Failures int
	Next     time.Duration
}

// Verb is the kind of event or timer that caused an attempt.
type Verb string

// The kinds of causes.
const (
	VerbAdded    Verb = "added"     // an object is new to the cache
	VerbUpdated  Verb = "updated"   // an object changed
	VerbDeleted  Verb = "deleted"   // an object is gone
	VerbResync   Verb = "resync"    // informer.Options.Resync
	VerbTimer    Verb = "timer"     // a Requeue
	VerbRetry    Verb = "retry"     // a backoff
	VerbEnqueued Verb = "enqueued"  // Controller.Enqueue or EnqueueBackground, or a source
	VerbResumed  Verb = "resumed"   // the pause of the object is over, see PausedAnnotation
	VerbCaughtUp Verb = "caught up" // the caches the attempt waited for are up to date; listed beside the reasons that had to wait
)

// Reason is one cause of an attempt: an event, a timer or a call of Enqueue.
type Reason struct {
	// Verb is the kind of the event or timer.
	Verb Verb
	// Kind, Key and ResourceVersion identify the object and the state that an event was about.
	// All are empty for timers, retries and Enqueue. ResourceVersion alone is empty if another
	// state had the same one before, because the server was restored from a backup, and if the
	// last state of a deleted object is not known.
	Kind            schema.GroupKind
	Key             types.NamespacedName
	ResourceVersion string
	// Failures is the number of consecutive failures before a retry; 0 for other reasons.
	Failures int
}

// String is for logs.
func (r Reason) String() string {
	switch {
	case r.Kind.Kind != "":
		text := r.Kind.Kind + " " + strings.TrimPrefix(r.Key.String(), "/") + " " + string(r.Verb)
		if r.ResourceVersion != "" {
			text += " at " + r.ResourceVersion
		}
		return text
	case r.Failures > 0:
		return fmt.Sprintf("%s %d", r.Verb, r.Failures)
	default:
		return string(r.Verb)
	}
}
