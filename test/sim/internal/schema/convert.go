package schema

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// TypeConverter returns what server-side apply needs to know of a kind, in all of its versions:
// which fields there are and how lists and maps merge. It is made by each call, and the making
// costs far more than the use.
func TypeConverter(versions map[schema.GroupVersionKind]*Schema) (managedfields.TypeConverter, error) {
	models := map[string]*spec.Schema{metadataModel: objectMeta.mergeSchema()}
	for gvk, s := range versions {
		kind := s.object.mergeSchema()
		kind.AddExtension("x-kubernetes-group-version-kind", []any{map[string]any{
			"group":   gvk.Group,
			"version": gvk.Version,
			"kind":    gvk.Kind,
		}})
		models[gvk.Group+"."+gvk.Version+"."+gvk.Kind] = kind // any name would do: nothing refers to it
	}
	converter, err := managedfields.NewTypeConverter(models, false)
	if err != nil {
		return nil, fmt.Errorf("type converter for %v: %w", slices.Collect(maps.Keys(versions)), err)
	}
	return converter, nil
}

// metadataModel is the name of metav1.ObjectMeta among the models. It is referred to, since what preserves
// unknown fields hands that down to what stands in it, but not to what it refers to.
const metadataModel = "ObjectMeta"

// mergeSchema is the node as the OpenAPI that server-side apply understands. It is
// not the one that validates: there, an integer or a string has both types, and
// here only the first of several types would count.
func (n *node) mergeSchema() *spec.Schema {
	out := &spec.Schema{}
	if n.typ != "" {
		out.Type = spec.StringOrArray{n.typ}
	}
	out.Format = n.format
	out.Nullable = n.nullable
	out.Default = n.def

	for name, property := range n.properties {
		out.SetProperty(name, *property.mergeSchema())
	}
	if n.open {
		out.AdditionalProperties = &spec.SchemaOrBool{Allows: true}
		if n.additional != nil {
			out.AdditionalProperties.Schema = n.additional.mergeSchema()
		}
	}
	if n.items != nil {
		out.Items = &spec.SchemaOrArray{Schema: n.items.mergeSchema()}
	}
	if n.embedded {
		out.SetProperty("apiVersion", *spec.StringProperty())
		out.SetProperty("kind", *spec.StringProperty())
		out.SetProperty("metadata", *spec.RefSchema("#/definitions/" + metadataModel))
	}
	n.mergeExtensions(out)
	return out
}

func (n *node) mergeExtensions(out *spec.Schema) {
	if n.preserve {
		out.AddExtension("x-kubernetes-preserve-unknown-fields", true)
	}
	if n.listType != "" {
		out.AddExtension("x-kubernetes-list-type", n.listType)
	}
	if len(n.listMapKeys) > 0 {
		out.AddExtension("x-kubernetes-list-map-keys", n.listMapKeys)
	}
	if n.mapType != "" {
		out.AddExtension("x-kubernetes-map-type", n.mapType)
	}
}
