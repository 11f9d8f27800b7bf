package controller

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/internal/paused"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// PausedAnnotation is the annotation "kuberator.dev/paused", by which a person stops the work on an
// object.
//
//	"true"                    it is paused until the annotation is removed or changed
//	"2006-01-02T15:04:05Z"    it is paused until then: a time as in RFC 3339, with a zone
//	"false", "", or none      it is not paused
//	anything else             it is paused as with "true", and that is an error of class Invalid
//
// While an object is paused, Apply is not called and the library writes nothing to it, whatever happens: it
// does not add the finalizer, and failures are not retried. An object that is being deleted is never paused:
// Cleanup runs, and [Controller.ReleaseAll] releases paused objects too. When the pause ends, Apply is called
// for the state that the object has then; an earlier [Requeue] and earlier failures are forgotten.
//
// A pause begins when the watch shows the annotation. An Apply that runs already is not interrupted. To show the
// pause in the status, implement [PauseHandler].
const PausedAnnotation = "kuberator.dev/paused"

// Pause is what [PausedAnnotation] says of an object that is paused.
type Pause struct {
	// Until is when the pause ends. It is zero if it ends when the annotation is removed or changed.
	Until time.Time
	// Err is not nil if the value is neither "true" nor a time. It is of class Invalid.
	Err error
}

// PauseOf returns the pause of an object, by its annotation and the clock of this machine. is is false if it is
// not paused, or is being deleted.
func PauseOf(obj metav1.Object) (p Pause, is bool) {
	found, is := paused.Of(obj, time.Now())
	return Pause(found), is
}

// PauseHandler is an optional interface that can be implemented by a [Context]. If implemented, Paused is called
// when the controller sees that an object is paused: once after each start, and again when [PausedAnnotation] or
// the generation has changed and the object is still paused. It is for showing the pause in the status, see
// status.SetPaused; status.Patch called with ctx does not report the generation as observed, since Apply has not
// seen it. obj is a copy, which may be changed. The deadline of ctx is Options.Timeout. There is no call when the
// pause ends: Apply is called then.
//
// Paused is called concurrently for different objects, like Apply, and never beside Apply or Cleanup of the same
// one. An error is logged and retried as one of Apply is. An [ErrorHandler] gets neither that nor the error of a
// wrong value, which Paused can show itself; without a PauseHandler it gets the latter.
type PauseHandler[T repository.Object] interface {
	Paused(ctx context.Context, obj T) error
}

// lookAgain is how often a paused object is looked at. That costs microseconds, and a pause does not end
// later than that where the clock was set, or the machine was suspended: timers do not know.
const lookAgain = 10 * time.Minute

// wait returns for how long a paused object is left alone.
func (p Pause) wait() time.Duration {
	if p.Until.IsZero() {
		return lookAgain
	}
	return min(lookAgain, max(time.Until(p.Until), 0))
}

// pausing is a pause that an attempt was made for. The zero value is none.
type pausing struct {
	value      string
	generation int64
}

func pausingOf(obj metav1.Object) pausing {
	return pausing{obj.GetAnnotations()[PausedAnnotation], obj.GetGeneration()}
}

// pauseChanged reports whether the annotation did.
func pauseChanged(before, after metav1.Object) bool {
	return before.GetAnnotations()[PausedAnnotation] != after.GetAnnotations()[PausedAnnotation]
}

// pausing returns the pause that the last attempt left the object in.
func (s *record) pausing() pausing {
	if s.pacing == nil || s.pacing.pausing == nil {
		return pausing{}
	}
	return *s.pacing.pausing
}

// unpause forgets it.
func (s *record) unpause() {
	if s.pacing != nil {
		s.pacing.pausing = nil
	}
}

// pauses keeps a key back whose object is paused, if an attempt was made for that. Each further reason has it
// looked at again, since it may be the end of the pause. turned reports that a pause begins, changes or ends:
// then there must be an attempt, and it gets the reasons.
func (c *Controller[T, C]) pauses(r *runState[T], it *item, cached T, reasons []Reason, more int) (_ []Reason, kept, turned bool) {
	st := &it.Record
	before := st.pausing()
	switch p, is := PauseOf(cached); {
	case is && before == pausingOf(cached):
		r.keepPaused(it, reasons, more, p.wait())
		return nil, true, false
	case is && before == (pausing{}):
		it.Unpark()
	case !is && before == (pausing{}):
		return reasons, false, false
	case !is: // from here on somebody waits for us
		st.unpause()
		if st.asked.since != nil {
			*st.asked.since = time.Now()
		}
		it.Unpark()
		reasons = append(reasons, Reason{Verb: VerbResumed})
	}
	return reasons, false, true
}

// keepPaused keeps the key back, and ends what a timer or failures before would do to it.
func (r *runState[T]) keepPaused(it *item, reasons []Reason, more int, wait time.Duration) {
	r.queue.Forget(it)
	if f := it.Record.failing(); f != nil {
		f.Ended()
	}
	r.queue.Hold(it, reasons, more, wait, true, string(ParkedPaused))
}

// meetsPause reports whether a state is paused, and notes that the attempt is about that.
func (t *reconciliation[T, C]) meetsPause(obj T) bool {
	if _, is := PauseOf(obj); !is {
		return false
	}
	t.paused = true
	t.give(kerr.OpPause, obj)
	return true
}

// pause is what an attempt does for an object that is paused.
func (t *reconciliation[T, C]) pause(ctx context.Context) error {
	p, _ := PauseOf(t.given)
	err := p.Err
	if failed := t.tellPaused(ctx); failed != nil {
		err = failed
	}
	return kerr.New(kerr.OpPause, t.c.repo.Kind(), t.at.Key, t.at.UID, err)
}

func (t *reconciliation[T, C]) tellPaused(ctx context.Context) (err error) {
	if t.c.pauser == nil {
		return nil
	}
	defer recovered(&err)
	return t.c.pauser.Paused(ctx, t.given.DeepCopyObject().(T))
}

// rest keeps the object back after that, with the reasons of the attempt: nothing was done about them.
func (t *reconciliation[T, C]) rest() {
	now := pausingOf(t.given)
	t.it.Record.paced().pausing = &now
	wait := lookAgain
	t.at.Next = -1
	if left, ends := t.pauseLeft(); ends {
		wait, t.at.Next = min(wait, left), left
	}
	t.r.keepPaused(t.it, t.at.Reasons, t.at.MoreReasons, wait)
}

// pauseLeft returns how long the pause that the attempt is about still is, and whether it has an end.
func (t *reconciliation[T, C]) pauseLeft() (left time.Duration, ends bool) {
	if !t.paused {
		return 0, false
	}
	p, is := PauseOf(t.given) // else its time came meanwhile
	return max(time.Until(p.Until), 0), !is || !p.Until.IsZero()
}
