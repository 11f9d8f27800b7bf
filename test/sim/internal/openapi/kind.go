package openapi

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Kind is a kind to describe.
type Kind struct {
	GVK        schema.GroupVersionKind
	ListKind   string
	Plural     string
	Namespaced bool
	Verbs      []string
	Status     bool // it has a subresource for its status

	// Type and ListType are the Go types of a kind that is compiled in, and of its lists, nil if it
	// has none. Custom is the openAPIV3Schema of another one, which is not changed.
	Type, ListType reflect.Type
	Custom         map[string]any
}

// modelName is the name of a kind's schema: that of its Go type, or its group the other way round.
func (k Kind) modelName() string {
	if k.Type != nil {
		return modelName(k.Type)
	}
	parts := strings.Split(k.GVK.Group, ".")
	slices.Reverse(parts)
	return strings.Join(append(parts, k.GVK.Version, k.GVK.Kind), ".")
}

// compare orders kinds, so that a document is the same each time.
func compare(a, b Kind) int {
	return cmp.Or(cmp.Compare(a.GVK.GroupVersion().String(), b.GVK.GroupVersion().String()), cmp.Compare(a.Plural, b.Plural))
}

// describe adds the schemas of a kind and of lists of it.
func (k Kind) describe(s *schemas) {
	if k.Type != nil {
		s.kind(k.GVK, k.Type)
		if k.ListType != nil {
			s.kind(k.GVK.GroupVersion().WithKind(k.ListKind), k.ListType)
		}
		return
	}
	name := k.modelName()
	s.out[name] = k.custom(s)
	s.out[name+"List"] = Schema{
		"description": k.ListKind + " is a list of " + k.GVK.Kind,
		"type":        "object",
		"required":    []any{"items"},
		"properties": Schema{
			"apiVersion": typeMeta("apiVersion"),
			"kind":       typeMeta("kind"),
			"metadata":   described(Schema{"allOf": []any{s.ref(reflect.TypeFor[metav1.ListMeta]())}}, docs(reflect.TypeFor[metav1.PartialObjectMetadataList]())["metadata"]),
			"items":      Schema{"type": "array", "items": Schema{"$ref": refPrefix + name}},
		},
		kindKey: []any{kindOf(k.GVK.GroupVersion().WithKind(k.ListKind))},
	}
	s.add(reflect.TypeFor[metav1.ListMeta]())
}

// custom is the schema of a CustomResourceDefinition with what all objects have.
func (k Kind) custom(s *schemas) Schema {
	out, _ := complete(k.Custom).(Schema)
	if out == nil {
		out = Schema{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	}
	out[kindKey] = []any{kindOf(k.GVK)}
	properties, _ := out["properties"].(Schema)
	properties = maps.Clone(properties)
	if properties == nil {
		properties = Schema{}
	}
	properties["apiVersion"], properties["kind"] = typeMeta("apiVersion"), typeMeta("kind")
	properties["metadata"] = described(Schema{"allOf": []any{s.ref(reflect.TypeFor[metav1.ObjectMeta]())}}, docs(reflect.TypeFor[metav1.PartialObjectMetadata]())["metadata"])
	out["properties"] = properties
	s.add(reflect.TypeFor[metav1.ObjectMeta]())
	return out
}

// complete returns a copy of a schema in which what may be a number or a text says so as other
// readers of schemas understand it.
func complete(value any) any {
	switch v := value.(type) {
	case Schema:
		out := make(Schema, len(v)+1)
		for key, child := range v {
			out[key] = complete(child)
		}
		if v["x-kubernetes-int-or-string"] == true && v["anyOf"] == nil {
			out["anyOf"] = []any{Schema{"type": "integer"}, Schema{"type": "string"}}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, child := range v {
			out[i] = complete(child)
		}
		return out
	}
	return value
}

func typeMeta(field string) Schema {
	return Schema{"type": "string", "description": docs(reflect.TypeFor[metav1.TypeMeta]())[field]}
}

func described(s Schema, text string) Schema {
	s["description"] = text
	return s
}
