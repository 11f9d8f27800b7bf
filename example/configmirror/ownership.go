package configmirror

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
)

const (
	// LabelMirror is the label of every copy. Its value is the UID of the mirror.
	LabelMirror = "mirror.kuberator.dev/mirror-uid"
	// AnnotationMirror names the mirror of a copy, for people. Nothing relies on it.
	AnnotationMirror = "mirror.kuberator.dev/mirror"
	// FinalizerName is the finalizer of every mirror.
	FinalizerName = "mirror.kuberator.dev/copies"
)

// created reports whether obj is a copy that the mirror with this UID created.
func created(obj metav1.Object, mirror types.UID) bool {
	return mirror != "" && obj.GetLabels()[LabelMirror] == string(mirror)
}

// mark makes obj a copy of the mirror.
func mark(obj metav1.Object, mirror *v1alpha1.ConfigMirror) {
	l, a := obj.GetLabels(), obj.GetAnnotations()
	if l == nil {
		l = map[string]string{}
	}
	if a == nil {
		a = map[string]string{}
	}
	l[LabelMirror], a[AnnotationMirror] = string(mirror.UID), mirror.Name
	obj.SetLabels(l)
	obj.SetAnnotations(a)
}

// copiesOf selects the copies of a mirror.
func copiesOf(mirror types.UID) labels.Selector {
	return labels.SelectorFromSet(labels.Set{LabelMirror: string(mirror)})
}
