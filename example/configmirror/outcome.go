package configmirror

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/status"
)

// shown is how many errors or objects are named before the rest is counted.
const shown = 10

// verdict is what there is in the place of a copy.
type verdict int

const (
	none    verdict = iota // nothing, and nothing can be
	equal                  // a copy that is equal to its source
	foreign                // an object that the mirror did not create
)

// outcome is what an attempt has done and found.
type outcome struct {
	copies    int32
	missing   []string // sources
	conflicts []string // objects in the place of a copy
	errs      []error
	// behind is a write that was refused because the cache was behind the API server, or a
	// read that the cache has no answer to.
	behind error
}

// failed notes an error. nil is none.
func (o *outcome) failed(err error) {
	switch class := kerr.ClassOf(err); {
	case err == nil:
	case class == kerr.ClassConflict, class == kerr.ClassAlreadyExists, class == kerr.ClassNotFound, errors.Is(err, informer.ErrNotKnown):
		o.behind = err
	default:
		o.errs = append(o.errs, err)
	}
}

// noSource notes that a source could not be read.
func (o *outcome) noSource(name string, err error) {
	if kerr.ClassOf(err) == kerr.ClassNotFound {
		o.missing = append(o.missing, name)
		return
	}
	o.failed(err)
}

// found notes what there is in the place of a copy.
func (o *outcome) found(name string, v verdict, err error) {
	switch {
	case err != nil:
		o.failed(err)
	case v == foreign:
		o.conflicts = append(o.conflicts, name)
	case v == equal:
		o.copies++
	}
}

// err returns what is to be tried again, or nil.
func (o *outcome) err() error { return join(o.errs) }

// join is errors.Join with a bound.
func join(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if more := len(errs) - shown; more > 0 {
		return fmt.Errorf("%w\nand %d more", errors.Join(errs[:shown]...), more)
	}
	return errors.Join(errs...)
}

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
	status.SetPaused(&s.Conditions, mirror)
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
