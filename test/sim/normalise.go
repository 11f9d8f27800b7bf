package sim

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// normalise brings an object that the server has made into the form that its kind has, as
// decoding does with one that a client has sent.
func (w *write) normalise(o *unstructured.Unstructured) error {
	r := w.resource
	if r.typed == nil { // nothing is dropped: what does not fit is invalid
		metadata, err := normaliseMeta(o.Object["metadata"])
		if r.custom.schema != r.custom.stored {
			o.Object["metadata"] = metadata
		} // else what is empty is stored, as nothing is converted
		r.custom.schema.Default(o.Object)
		if r.rules.defaults != nil {
			r.rules.defaults(o.Object)
		}
		return err
	}
	typed := r.typed()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed); err != nil {
		return err
	}
	object, err := r.untyped(typed)
	o.Object = object
	return err
}

// normaliseCustom drops from an object what its schema does not know, and returns its paths.
func (r *resource) normaliseCustom(object map[string]any, gvk schema.GroupVersionKind) (unknown []string, err error) {
	other := r.custom.versions[gvk]
	switch {
	case gvk.GroupKind() != r.gvk.GroupKind():
	case gvk != r.gvk && other != nil: // which is refused, but not for its fields
		unknown = other.Prune(object)
	case gvk != r.gvk: // a version without a schema
		for key := range object {
			if key != "apiVersion" && key != "kind" && key != "metadata" {
				unknown = append(unknown, key)
				delete(object, key)
			}
		}
	default:
		unknown = r.custom.schema.Prune(object)
		defer r.custom.schema.Default(object)
	}
	if r.rules.defaults != nil {
		r.rules.defaults(object)
	}
	metadata, err := normaliseMeta(object["metadata"])
	object["metadata"] = metadata
	return unknown, err
}

// normaliseMeta gives a metadata the form that it has in Go.
func normaliseMeta(metadata any) (map[string]any, error) {
	old, isObject := metadata.(map[string]any)
	switch {
	case metadata == nil:
		return map[string]any{}, nil
	case !isObject:
		return map[string]any{}, fmt.Errorf("metadata is a %T, and no object", metadata)
	}
	var meta metav1.ObjectMeta
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(old, &meta); err != nil {
		return old, fmt.Errorf("metadata: %w", err)
	}
	clean, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&meta)
	if err != nil {
		return old, fmt.Errorf("metadata: %w", err)
	}
	if clean["creationTimestamp"] == nil {
		delete(clean, "creationTimestamp")
	}
	return clean, nil
}
