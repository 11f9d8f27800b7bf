package sim

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AllCore returns every kind that [Core] has.
func AllCore() []Kind {
	return Core(slices.Sorted(maps.Keys(builtins()))...)
}

// StableCore returns the kinds of [AllCore] that have a stable version, as v1 is, and not v1beta1:
// those that a server of Kubernetes serves unless it is told otherwise.
func StableCore() []Kind {
	return slices.DeleteFunc(AllCore(), func(k Kind) bool {
		version := k.builtin.gvk.Version
		return strings.Contains(version, "alpha") || strings.Contains(version, "beta")
	})
}

// Schemaless returns a namespaced kind without a schema, for a Go type whose
// CustomResourceDefinition is not at hand: its objects can have any fields. status says whether
// it has a status subresource.
func Schemaless(gvk schema.GroupVersionKind, status bool) []Kind {
	plural, singular := meta.UnsafeGuessKindToResource(gvk)
	version := map[string]any{
		"name": gvk.Version, "served": true, "storage": true,
		"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
	}
	if status {
		version["subresources"] = map[string]any{"status": map[string]any{}}
	}
	name := plural.GroupResource().String()
	return []Kind{{name: name, definition: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": name, "annotations": map[string]any{approved: "unapproved, for a test"}},
		"spec": map[string]any{
			"group": gvk.Group, "scope": "Namespaced", "versions": []any{version},
			"names": map[string]any{"plural": plural.Resource, "singular": singular.Resource, "kind": gvk.Kind, "listKind": gvk.Kind + "List"},
		},
	}}}
}

// GroupKind returns the group and the kind; it is empty if the Kind is wrong.
func (k Kind) GroupKind() schema.GroupKind {
	if k.builtin != nil {
		return k.builtin.gvk.GroupKind()
	}
	group, _, _ := unstructured.NestedString(k.definition, "spec", "group")
	kind, _, _ := unstructured.NestedString(k.definition, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}
}

// KindFor returns the kind of a resource; ok is false if it is not served.
func (s *Server) KindFor(gvr schema.GroupVersionResource) (gvk schema.GroupVersionKind, ok bool) {
	r := s.resource(gvr)
	if r == nil {
		return gvk, false
	}
	return r.gvk, true
}

// Served returns the resources that are served, in all versions, sorted.
func (s *Server) Served() []schema.GroupVersionResource {
	var out []schema.GroupVersionResource
	for _, r := range s.served() {
		out = append(out, r.gvr())
	}
	slices.SortFunc(out, func(a, b schema.GroupVersionResource) int { return cmp.Compare(a.String(), b.String()) })
	return out
}
