package e2e_test

import (
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Widget is the kind that the tests work on.
type Widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              WidgetSpec   `json:"spec"`
	Status            WidgetStatus `json:"status"`
}

// WidgetSpec has a Number that the server also accepts as a string, which does not
// fit the Go type.
type WidgetSpec struct {
	Size   int    `json:"size,omitempty"`
	Text   string `json:"text,omitempty"`
	Number int    `json:"number,omitempty"`
}

// WidgetStatus is written by the controllers of the tests.
type WidgetStatus struct {
	ObservedGeneration int64  `json:"observedGeneration,omitempty"`
	Size               int    `json:"size,omitempty"`
	Note               string `json:"note,omitempty"`
}

// ObserveGeneration implements status.GenerationObserver.
func (s *WidgetStatus) ObserveGeneration(generation int64) { s.ObservedGeneration = generation }

// DeepCopyObject implements runtime.Object.
func (w *Widget) DeepCopyObject() runtime.Object {
	out := *w
	w.DeepCopyInto(&out.ObjectMeta)
	return &out
}

// WidgetList is needed by the scheme only.
type WidgetList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []Widget `json:"items"`
}

// DeepCopyObject implements runtime.Object.
func (l *WidgetList) DeepCopyObject() runtime.Object {
	out := *l
	out.Items = append([]Widget(nil), l.Items...)
	return &out
}

var (
	group   = schema.GroupVersion{Group: "e2e.kuberator.dev", Version: "v1"}
	widgets = group.WithResource("widgets")
	// plains is a kind without a status subresource, of the same Go type.
	plains = group.WithResource("plains")
)

func newScheme(kind string) *runtime.Scheme {
	s := runtime.NewScheme()
	s.AddKnownTypeWithName(group.WithKind(kind), &Widget{})
	s.AddKnownTypeWithName(group.WithKind(kind+"List"), &WidgetList{})
	metav1.AddToGroupVersion(s, group)
	return s
}

// definition returns a CustomResourceDefinition for Widget under another name.
func definition(gvr schema.GroupVersionResource, kind string, status bool) []byte {
	subresources := map[string]any{}
	if status {
		subresources["status"] = map[string]any{}
	}
	object := func(properties map[string]any) map[string]any {
		return map[string]any{"type": "object", "properties": properties}
	}
	integer := map[string]any{"type": "integer"}
	crd := map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": gvr.GroupResource().String()},
		"spec": map[string]any{
			"group": gvr.Group, "scope": "Namespaced",
			"names": map[string]any{"plural": gvr.Resource, "kind": kind, "listKind": kind + "List"},
			"versions": []any{map[string]any{
				"name": gvr.Version, "served": true, "storage": true, "subresources": subresources,
				"schema": map[string]any{"openAPIV3Schema": object(map[string]any{
					"spec": object(map[string]any{
						"size":   map[string]any{"type": "integer", "maximum": 1000},
						"text":   map[string]any{"type": "string"},
						"number": map[string]any{"x-kubernetes-int-or-string": true},
					}),
					"status": object(map[string]any{
						"observedGeneration": integer, "size": map[string]any{"type": "integer", "maximum": 1000}, "note": map[string]any{"type": "string"},
					}),
				})},
			}},
		},
	}
	data, err := json.Marshal(crd)
	if err != nil {
		panic(fmt.Sprintf("a map of strings: %v", err))
	}
	return data
}
