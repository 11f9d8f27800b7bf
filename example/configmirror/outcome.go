package configmirror

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/kerr"
)

// outcome is what an attempt has done and found.
type outcome struct {
	copies    int32
	missing   []string // sources
	conflicts []string // objects in the place of a copy
	errs      []error
}

func (o *outcome) failed(err error) { o.errs = append(o.errs, err) }

func (o *outcome) add(other outcome) {
	o.copies += other.copies
	o.missing = append(o.missing, other.missing...)
	o.conflicts = append(o.conflicts, other.conflicts...)
	o.errs = append(o.errs, other.errs...)
}

// err returns what is to be tried again, or nil.
func (o *outcome) err() error { return join(o.errs) }

// condition returns the condition Ready. What needs a person most comes first.
func (o *outcome) condition() metav1.Condition {
	switch {
	case len(o.errs) > 0:
		return notReady(v1alpha1.ReasonFailed, o.err().Error())
	case len(o.missing) > 0:
		return notReady(v1alpha1.ReasonSourceNotFound, strings.Join(o.missing, " and ")+" does not exist; existing copies are kept")
	case len(o.conflicts) > 0:
		return notReady(v1alpha1.ReasonConflict, "not overwritten, because this mirror did not create them: "+enumerate(o.conflicts))
	default:
		return metav1.Condition{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonMirrored,
			Message: "every matching namespace has an equal copy",
		}
	}
}

func notReady(reason, message string) metav1.Condition {
	return metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: reason,
		Message: kerr.Text(message, kerr.MaxMessage),
	}
}

// status returns the status of the mirror after the attempt. The time in the
// condition changes only if its status does, so that an attempt that changes
// nothing has nothing to write.
func (o *outcome) status(mirror *v1alpha1.ConfigMirror, ready metav1.Condition) *v1alpha1.ConfigMirrorStatus {
	s := mirror.Status.DeepCopy()
	slices.Sort(o.conflicts)
	s.Copies = o.copies
	s.Conflicts = slices.Clone(o.conflicts[:min(len(o.conflicts), shown)])
	ready.ObservedGeneration = mirror.Generation
	meta.SetStatusCondition(&s.Conditions, ready)
	return s
}

// enumerate names the first of the objects and counts the rest.
func enumerate(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if more := len(names) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), more)
	}
	return strings.Join(names, ", ")
}
