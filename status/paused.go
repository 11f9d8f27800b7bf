package status

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/internal/paused"
	"github.com/kuberator/kuberator/kerr"
)

// ConditionPaused is the type of the condition that [SetPaused] sets.
const ConditionPaused = "Paused"

// The reasons of the condition Paused.
const (
	ReasonPaused       = "Paused"       // until the annotation is removed or changed
	ReasonPausedUntil  = "PausedUntil"  // until a time, which is in the message
	ReasonInvalidValue = "InvalidValue" // the value of the annotation is none that is known
)

// SetPaused sets the condition [ConditionPaused] to True if obj is paused by its annotation
// controller.PausedAnnotation, and removes it if not. It changes conditions only; write them with [Patch].
//
// # Expected flow
//
// Call it where the conditions of the status are made, in Apply, and in Paused of a controller.PauseHandler,
// which is called while Apply is not:
//
//	func (o *Operator) Paused(ctx context.Context, mirror *v1alpha1.ConfigMirror) error {
//		status.SetPaused(&mirror.Status.Conditions, mirror)
//		_, err := status.Patch(ctx, o.mirrors, mirror, mirror.Status)
//		return err
//	}
//
// # Caveats
//
// If Apply does not call it, the condition stays after the end of the pause. The condition names the generation
// that it was set for, as conditions do; the observedGeneration of the status is not changed by a Patch in Paused.
func SetPaused(conditions *[]metav1.Condition, obj metav1.Object) {
	p, is := paused.Of(obj, time.Now())
	if !is {
		meta.RemoveStatusCondition(conditions, ConditionPaused)
		return
	}
	c := metav1.Condition{
		Type: ConditionPaused, Status: metav1.ConditionTrue, ObservedGeneration: obj.GetGeneration(),
		Reason: ReasonPaused, Message: "Paused by the annotation " + paused.Annotation,
	}
	switch {
	case p.Err != nil:
		c.Reason, c.Message = ReasonInvalidValue, kerr.Text(p.Err.Error(), kerr.MaxMessage)
	case !p.Until.IsZero():
		c.Reason, c.Message = ReasonPausedUntil, fmt.Sprintf("Paused by the annotation %s until %s", paused.Annotation, p.Until.UTC().Format(time.RFC3339))
	}
	meta.SetStatusCondition(conditions, c)
}
