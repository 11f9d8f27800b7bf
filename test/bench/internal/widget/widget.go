// Package widget is the API that the benchmarks reconcile: a custom resource of
// ordinary shape and size.
package widget

import (
	_ "embed" // for the definition
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Finalizer is what every Widget carries already, so that nothing has to be written.
const Finalizer = "bench.example.com/cleanup"

// CRD is the definition of the resource.
//
//go:embed crd.yaml
var CRD []byte

// GroupVersion returns the group and the version of the API.
func GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: "bench.example.com", Version: "v1"}
}

// Widget is the kind.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   Spec   `json:"spec"`
	Status Status `json:"status"`
}

// Spec is the desired state.
type Spec struct {
	Replicas int32             `json:"replicas"`
	Image    string            `json:"image"`
	Settings map[string]string `json:"settings,omitempty"`
}

// Status is what there is.
type Status struct {
	ObservedGeneration int64              `json:"observedGeneration"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// List is a list of Widgets. Its kind is WidgetList.
type List struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`

	Items []Widget `json:"items"`
}

// Scheme returns a scheme that has this API and no other.
func Scheme() *runtime.Scheme {
	s, gv := runtime.NewScheme(), GroupVersion()
	s.AddKnownTypeWithName(gv.WithKind("Widget"), &Widget{})
	s.AddKnownTypeWithName(gv.WithKind("WidgetList"), &List{})
	metav1.AddToGroupVersion(s, gv)
	return s
}

// DeepCopyInto is what controller-gen would write.
func (w *Widget) DeepCopyInto(out *Widget) {
	*out = *w
	w.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	out.Spec.Settings = maps.Clone(w.Spec.Settings)
	out.Status.Conditions = slices.Clone(w.Status.Conditions) // a metav1.Condition has no pointers of its own
}

// DeepCopy returns a copy.
func (w *Widget) DeepCopy() *Widget {
	out := &Widget{}
	w.DeepCopyInto(out)
	return out
}

// DeepCopyObject implements [runtime.Object].
func (w *Widget) DeepCopyObject() runtime.Object { return w.DeepCopy() }

// DeepCopyInto is what controller-gen would write.
func (l *List) DeepCopyInto(out *List) {
	*out = *l
	l.ListMeta.DeepCopyInto(&out.ListMeta)
	out.Items = make([]Widget, len(l.Items))
	for i := range l.Items {
		l.Items[i].DeepCopyInto(&out.Items[i])
	}
}

// DeepCopyObject implements [runtime.Object].
func (l *List) DeepCopyObject() runtime.Object {
	out := &List{}
	l.DeepCopyInto(out)
	return out
}
