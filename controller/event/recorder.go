package event

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/reference"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/nilness"
	"github.com/kuberator/kuberator/kerr"
)

// Object is any Kubernetes object.
type Object interface {
	metav1.Object
	runtime.Object
}

// Recorder records events. It is safe for concurrent use.
type Recorder interface {
	// Eventf records that something happened to an object, the first one. related is another object
	// that it is about, such as a child that was created, or nil. The note is for people; it is
	// formatted with args as [fmt.Sprintf] does. It is stored as one line of at most 1,024 bytes: what is
	// beyond is cut off, and characters that could do harm in a terminal are escaped.
	//
	// Eventf returns at once. What cannot be recorded is logged, and nothing else happens.
	Eventf(about, related Object, reason Reason, note string, args ...any)
}

// maxNote is how long the API server lets a note be, in bytes.
const maxNote = 1024

// news is an event, before it has a name.
type news struct {
	about   *corev1.ObjectReference
	related *corev1.ObjectReference // or nil
	reason  Reason
	note    string
}

// newsOf makes one of what a user says. The methods of users' objects and arguments can panic.
func newsOf(scheme *runtime.Scheme, about, related Object, reason Reason, note string, args []any) (n news, err error) {
	if err := reason.check(); err != nil {
		return n, err
	}
	panicked := foreign.Call(func() {
		if n.about, err = referenceTo(scheme, about); err != nil {
			return
		}
		if !nilness.Is(related) {
			n.related, err = referenceTo(scheme, related)
		}
		n.reason, n.note = reason, formatted(note, args)
	})
	return n, errors.Join(panicked, err)
}

var errNil = errors.New("the object is nil")

// referenceTo names an object, without its resourceVersion: with it, no two events of an object that
// changes would say the same.
func referenceTo(scheme *runtime.Scheme, obj Object) (*corev1.ObjectReference, error) {
	if nilness.Is(obj) {
		return nil, errNil
	}
	ref, err := reference.GetReference(scheme, obj)
	if err != nil {
		return nil, fmt.Errorf("name %T: %w", obj, err)
	}
	ref.ResourceVersion = ""
	return ref, nil
}

// formatted is a note as the API server takes it, and as a terminal can show it: one line, see kerr.Text.
func formatted(note string, args []any) string {
	if len(args) > 0 {
		note = fmt.Sprintf(note, args...)
	}
	return kerr.Text(note, maxNote)
}
