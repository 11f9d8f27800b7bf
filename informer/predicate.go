package informer

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/repository"
)

// Predicate tells whether the change from before to after matters. before is nil
// when an object is new. It must not change the objects.
type Predicate[T repository.Object] func(before, after T) bool

// Changed is the predicate that a controller starts with: everything matters but a
// change of the status or of managedFields alone. For kinds that have no
// generation, such as ConfigMap, any change of the resourceVersion matters.
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

// GenerationChanged tells whether the spec changed. Kinds without a generation
// never match.
func GenerationChanged[T repository.Object](before, after T) bool {
	return before == *new(T) || before.GetGeneration() != after.GetGeneration()
}

// LabelsChanged tells whether the labels changed.
func LabelsChanged[T repository.Object](before, after T) bool {
	return before == *new(T) || !maps.Equal(before.GetLabels(), after.GetLabels())
}

// AnnotationsChanged tells whether the annotations changed.
func AnnotationsChanged[T repository.Object](before, after T) bool {
	return before == *new(T) || !maps.Equal(before.GetAnnotations(), after.GetAnnotations())
}

// LifecycleChanged tells whether the finalizers or the deletion timestamp changed,
// or whether it is another object of the same name. No filter of a controller
// hides such a change: the object could not be cleaned up.
func LifecycleChanged[T repository.Object](before, after T) bool {
	if before == *new(T) || after == *new(T) {
		return true
	}
	return before.GetUID() != after.GetUID() || deleting(before) != deleting(after) ||
		!slices.Equal(before.GetFinalizers(), after.GetFinalizers())
}

func deleting(obj metav1.Object) bool { return obj.GetDeletionTimestamp() != nil }
