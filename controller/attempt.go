package controller

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/kerr"
)

// Attempt is one reconcile of one object, see [Observer].
type Attempt struct {
	// Controller is the name of the controller.
	Controller string
	// Key and UID name the object.
	Key types.NamespacedName
	UID types.UID
	// Op is the step that the attempt ended with: kerr.OpApply or kerr.OpCleanup, or
	// an earlier one that failed. It is kerr.OpGet beside a nil Err if there was nothing to do:
	// the object turned out to be gone, or is being deleted and does not have our finalizer.
	Op kerr.Op
	// Reasons are the first eight reasons for the attempt, in the order in which
	// they came; MoreReasons counts the rest.
	Reasons     []Reason
	MoreReasons int
	// SelfTriggered reports that every reason of this attempt is an event caused by a write of
	// the previous one. One or two in a row are normal, for instance after a child was created.
	// After 20 in a row the controller slows the object to 10 attempts a minute and logs a
	// warning.
	SelfTriggered bool
	// Bypassed means that the object is gone without a Cleanup, since its finalizer was
	// bypassed. What the attempt does is the Cleanup that was missed.
	Bypassed bool
	// Start and Duration are when and how long it ran.
	Start    time.Time
	Duration time.Duration
	// Writes counts the requests that changed something, to any object, among those
	// that were sent with the attempt's ctx through a Repository of this module.
	Writes int
	// Action and Err are what the attempt returned, after the ErrorHandler. Err is
	// nil or has a *kerr.Error in its chain.
	Action Action
	Err    error
	// Failures is the number of consecutive failures that the backoff is computed from, this
	// one included. It is 0 if the error is not retried (kerr.WaitsForChange), or if the object
	// changed during the attempt. Next is the wait until the next attempt if nothing changes
	// before; negative if none is planned.
	Failures int
	Next     time.Duration
}

// Verb is the kind of event or timer that caused an attempt.
type Verb string

// The verbs.
const (
	VerbAdded    Verb = "added"     // an object is new to the cache
	VerbUpdated  Verb = "updated"   // an object changed
	VerbDeleted  Verb = "deleted"   // an object is gone
	VerbResync   Verb = "resync"    // informer.Options.Resync
	VerbTimer    Verb = "timer"     // a Requeue
	VerbRetry    Verb = "retry"     // a backoff
	VerbEnqueued Verb = "enqueued"  // Controller.Enqueue, or a source
	VerbCaughtUp Verb = "caught up" // the caches show what was written; beside the reasons that had to wait
)

// Reason is why an attempt was made.
type Reason struct {
	Verb Verb
	// Kind, Key and ResourceVersion name the object that an event was about. Kind is
	// empty for timers, retries and Enqueue. ResourceVersion is empty too if the event
	// cannot be told from an older one by it: the server was restored from a backup.
	Kind            schema.GroupKind
	Key             types.NamespacedName
	ResourceVersion string
	// Failures is the number of failed attempts before a retry.
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
