package informer

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/repository"
)

// Predicate reports whether the change from before to after matters. A controller calls
// predicates for updates only, where neither is nil. The predicates of this package also accept a
// nil before, for a new object, and return true for it. A predicate must not change the objects,
// and must be safe for concurrent use.
type Predicate[T repository.Object] func(before, after T) bool

// Changed is the default filter of a controller. It reports whether anything but the status and
// the managedFields changed. For kinds that have no generation, such as ConfigMap, every change
// of the resourceVersion counts. A nil after, for a deleted object, is a change too.
func Changed[T repository.Object](before, after T) bool {
	if before == *new(T) || after == *new(T) {
		return true
	}
	switch order := journal.OrderOf(before, after); {
	case order != journal.Later:
		return order == journal.Rewritten
	case after.GetGeneration() == 0:
		return true
	}
	return GenerationChanged(before, after) || LabelsChanged(before, after) || AnnotationsChanged(before, after) ||
		LifecycleChanged(before, after) || !equality.Semantic.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences())
}

// GenerationChanged reports whether the generation changed, which the API server increases with
// each change of the spec. It is false for every update of a kind that has no generation. after
// must not be nil.
func GenerationChanged[T repository.Object](before, after T) bool {
	return before == *new(T) || before.GetGeneration() != after.GetGeneration()
}

// LabelsChanged reports whether the labels changed. after must not be nil.
func LabelsChanged[T repository.Object](before, after T) bool {
	return before == *new(T) || !maps.Equal(before.GetLabels(), after.GetLabels())
}

// AnnotationsChanged reports whether the annotations changed. after must not be nil.
func AnnotationsChanged[T repository.Object](before, after T) bool {
	return before == *new(T) || !maps.Equal(before.GetAnnotations(), after.GetAnnotations())
}

// LifecycleChanged reports whether the finalizers changed, the object began to be deleted, or it
// is another object of the same name. No filter of a controller hides such a change, since the
// object could not be cleaned up. A nil after, for a deleted object, is a change too.
func LifecycleChanged[T repository.Object](before, after T) bool {
	if before == *new(T) || after == *new(T) {
		return true
	}
	return before.GetUID() != after.GetUID() || deleting(before) != deleting(after) ||
		!slices.Equal(before.GetFinalizers(), after.GetFinalizers())
}

func deleting(obj metav1.Object) bool { return obj.GetDeletionTimestamp() != nil }
