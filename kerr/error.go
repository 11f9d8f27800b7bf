package kerr

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Op is the step that failed, as it is written in front of the name of the object in the text of an
// [Error].
type Op string

// The steps of the library. User code may use its own.
const (
	OpGet             Op = "get"               // a read of one object, live or from a cache
	OpList            Op = "list"              // a list, live or from a cache
	OpSync            Op = "sync"              // the list or the watch of a cache
	OpDecode          Op = "decode"            // an object of a list or a watch that does not fit the Go type
	OpCreate          Op = "create"            // repository.Live.Create
	OpUpdate          Op = "update"            // repository.Live.Update
	OpPatch           Op = "patch"             // repository.Live.Patch
	OpServerSideApply Op = "server-side apply" // repository.Live.Apply
	OpDelete          Op = "delete"            // repository.Live.Delete
	OpEnsure          Op = "ensure"            // repository.Live.Ensure
	OpAddFinalizer    Op = "add finalizer"     // before the first Apply
	OpRemoveFinalizer Op = "remove finalizer"  // after Cleanup
	OpApply           Op = "apply"             // your Apply
	OpCleanup         Op = "cleanup"           // your Cleanup
	OpPause           Op = "pause"             // your Paused, for an object with controller.PausedAnnotation, or a wrong value of that
	OpPatchStatus     Op = "patch status"      // status.Patch
	OpMap             Op = "map"               // a mapping given to controller.Watches, or the selector of a list
	OpFilter          Op = "filter"            // a predicate
	OpSweep           Op = "sweep"             // your Sweep
	OpSource          Op = "run source"        // a function given to Controller.Source
	OpReconcile       Op = "reconcile"         // all attempts for an object: a reconcile loop, which is slowed
)

// reads reports whether the step changes nothing on the server.
func (o Op) reads() bool {
	switch o {
	case OpGet, OpList, OpSync, OpDecode:
		return true
	default:
		return false
	}
}

// Error is a failed step on one object.
//
// It has the shape of [io/fs.PathError]. Find it in a chain with
// errors.AsType[*kerr.Error](err).
type Error struct {
	// Op is the step.
	Op Op
	// Kind, Key and UID identify the object. UID is empty if the object had not been read. Key is
	// empty, or has the namespace only, if the step is not about one object, such as a list.
	Kind schema.GroupVersionKind
	Key  types.NamespacedName
	UID  types.UID
	// Err is the cause.
	Err error
}

// New returns err as an [*Error] of the step op on the object; nil for a nil err. If err itself
// is an [*Error] with the same step and object it is returned as it is, so that each step wraps
// once.
func New(op Op, kind schema.GroupVersionKind, key types.NamespacedName, uid types.UID, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Op: op, Kind: kind, Key: key, UID: uid, Err: err}
	if inner, ok := err.(*Error); ok && inner != nil && inner.Op == op && inner.sameObject(e) { //nolint:errorlint // only a step wrapped twice in a row is the same step
		return err
	}
	return e
}

// Error is one line: the step, the object, the cause. A cause that is about the
// same object does not name it again. The text is not bounded or escaped, see
// [Text].
func (e *Error) Error() string {
	if e == nil { // people return a nil pointer as an error
		return "<nil>"
	}
	var b strings.Builder
	b.WriteString(string(e.Op))
	if e.Kind.Kind != "" {
		b.WriteString(" " + e.Kind.Kind)
	}
	if name := e.name(); name != "" {
		b.WriteString(" " + name)
	}
	cause := e.Err
	for {
		inner, ok := cause.(*Error) //nolint:errorlint // the chain is walked link by link
		if !ok || inner == nil || !inner.sameObject(e) {
			break
		}
		b.WriteString(": " + string(inner.Op))
		cause = inner.Err
	}
	if cause != nil {
		b.WriteString(": " + cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Is makes [ErrNotServed] hold for an answer that says so.
func (e *Error) Is(target error) bool {
	return e != nil && target == ErrNotServed && notServed(e.Err)
}

// Class is [ClassOf] of the error.
func (e *Error) Class() Class { return ClassOf(e) }

func (e *Error) sameObject(o *Error) bool {
	return e.Kind.GroupKind() == o.Kind.GroupKind() && e.Key == o.Key
}

// name is the key without the leading slash that a cluster-scoped object's key
// would print.
func (e *Error) name() string {
	if e.Key.Namespace == "" {
		return e.Key.Name
	}
	return e.Key.String()
}
