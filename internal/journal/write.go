package journal

import (
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Object is what the server answers with.
type Object interface {
	metav1.Object
	runtime.Object
}

// Ref names an object of any kind.
type Ref struct {
	Kind schema.GroupKind
	Key  types.NamespacedName
}

// Write is what is known of an object since this process last wrote it, or read it
// live because a cache was behind.
type Write struct {
	Ref
	Outcome
	// At is when it was learned, and Since when caches may have been behind first.
	At, Since time.Time
	// UID and ResourceVersion name the state; the latter is empty if it is not known.
	UID             types.UID
	ResourceVersion string
	// By is the step that wrote it, a kerr.Op.
	By string
	// Object is that state, if the server returned it. It must not be changed.
	Object Object
	// Was are the states before that the attempts wrote, and that no cache has shown either.
	Was []Object
}

// Found returns what is known of an object that the server just returned. A copy of it is kept:
// the caller may change obj.
func Found(ref Ref, obj Object) Write {
	return Write{Ref: ref, UID: obj.GetUID(), ResourceVersion: obj.GetResourceVersion(), Object: without(obj)}
}

// without returns a copy without managedFields, which are often the larger half of an object:
// where taking them out and putting them back is only a matter of a slice, they are not copied.
func without(obj Object) Object {
	managers := obj.GetManagedFields()
	if _, ok := obj.(runtime.Unstructured); ok || len(managers) == 0 {
		kept := obj.DeepCopyObject().(Object)
		kept.SetManagedFields(nil)
		return kept
	}
	obj.SetManagedFields(nil)
	kept := obj.DeepCopyObject().(Object)
	obj.SetManagedFields(managers)
	return kept
}

// Outcome is what became of a write.
type Outcome uint8

// The outcomes.
const (
	Stored  Outcome = iota // the object is in this state
	Deleted                // the server accepted the deletion
	Gone                   // a live read found nothing
	Unknown                // there was no answer: only a live read can tell
)

// ShownBy reports whether a cache that holds the object as cached, or not at all, and has seen
// all changes up to the resourceVersion synced, shows the write. It does not if it cannot be
// told.
func (w Write) ShownBy(cached Object, synced string) bool {
	switch {
	case w.Outcome == Unknown:
		return false
	case cached == nil && w.ResourceVersion == "":
		return w.Outcome != Stored
	case cached == nil:
		return since(synced, w.ResourceVersion)
	case w.Outcome == Gone && (w.UID == "" || w.UID == cached.GetUID()):
		return false
	case cached.GetUID() != w.UID:
		// One of the two objects of that name is newer.
		return w.ResourceVersion == "" && w.Outcome != Stored || Older(w.ResourceVersion, cached.GetResourceVersion())
	case w.Outcome == Deleted:
		return cached.GetDeletionTimestamp() != nil
	case Comparable(w.ResourceVersion) && Comparable(cached.GetResourceVersion()):
		return since(cached.GetResourceVersion(), w.ResourceVersion)
	default:
		return w.Object != nil && equality.Semantic.DeepEqual(bare(cached), w.Object)
	}
}

// Waitable reports whether it makes sense to wait for a cache to show the write.
func (w Write) Waitable() bool {
	return w.Outcome != Unknown && (w.Outcome == Deleted || Comparable(w.ResourceVersion))
}

// bare returns the object without managedFields, which caches leave out.
func bare(obj Object) Object {
	if len(obj.GetManagedFields()) == 0 {
		return obj
	}
	obj = obj.DeepCopyObject().(Object)
	obj.SetManagedFields(nil)
	return obj
}

// Comparable reports whether the order of a resourceVersion among others is defined. It is not
// for the empty one, which is all that fake clientsets have.
func Comparable(rv string) bool {
	_, err := resourceversion.CompareResourceVersion(rv, rv)
	return err == nil
}

// since reports whether resourceVersion a is known to be b or newer.
func since(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order >= 0
}

// Older reports whether resourceVersion a is known to be older than b.
func Older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}
