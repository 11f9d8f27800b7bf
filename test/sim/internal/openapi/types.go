package openapi

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Schema is a schema of version 3, in the form that JSON has.
type Schema = map[string]any

const refPrefix = "#/components/schemas/"

// schemas are those of Go types and of all types that they consist of, by name.
type schemas struct {
	lists   *lists
	out     map[string]any
	pending []reflect.Type
}

// add puts the schema of a type and of all that it consists of among the others.
func (s *schemas) add(t reflect.Type) {
	s.ref(t)
	for len(s.pending) > 0 {
		next := s.pending[0]
		s.pending = s.pending[1:]
		name := modelName(next)
		s.out[name] = s.model(next, name)
	}
}

// kind adds the schema of a kind, which says which kind it is of.
func (s *schemas) kind(gvk schema.GroupVersionKind, t reflect.Type) string {
	s.add(t)
	name := modelName(t)
	model, _ := s.out[name].(Schema)
	model[kindKey] = []any{kindOf(gvk)}
	return name
}

const kindKey = "x-kubernetes-group-version-kind"

func kindOf(gvk schema.GroupVersionKind) Schema {
	return Schema{"group": gvk.Group, "version": gvk.Version, "kind": gvk.Kind}
}

// ref is a reference to the schema of a type, which will be there.
func (s *schemas) ref(t reflect.Type) Schema {
	name := modelName(t)
	if _, known := s.out[name]; !known {
		s.out[name] = nil
		s.pending = append(s.pending, t)
	}
	return Schema{"$ref": refPrefix + name}
}

// modelName is the name of a type's schema; empty if it has none of its own.
func modelName(t reflect.Type) string {
	if named, ok := reflect.TypeAssert[interface{ OpenAPIModelName() string }](reflect.Zero(t)); ok && t.Kind() != reflect.Pointer {
		return named.OpenAPIModelName()
	}
	return ""
}

// docs are the descriptions of a type, under "", and of its fields.
func docs(t reflect.Type) map[string]string {
	if documented, ok := reflect.TypeAssert[interface{ SwaggerDoc() map[string]string }](reflect.Zero(t)); ok {
		return documented.SwaggerDoc()
	}
	return nil
}

// model is the schema of a type with a name.
func (s *schemas) model(t reflect.Type, name string) Schema {
	out := Schema{}
	if text := docs(t)[""]; text != "" {
		out["description"] = text
	}
	if basic, ok := ownForm(t); ok {
		maps.Copy(out, basic)
		return out
	}
	out["type"] = "object"
	if t.Kind() != reflect.Struct {
		return s.value(t, false)
	}
	properties, required := Schema{}, []any{}
	s.fields(t, name, properties, &required)
	if len(properties) > 0 {
		out["properties"] = properties
	}
	if len(required) > 0 {
		out["required"] = required
	}
	s.lists.model(name, out)
	return out
}

// fields adds the fields of a struct, and of those that are part of it.
func (s *schemas) fields(t reflect.Type, model string, properties Schema, required *[]any) {
	described := docs(t)
	for f := range t.Fields() {
		tag := strings.Split(f.Tag.Get("json"), ",")
		name, options := tag[0], tag[1:]
		switch {
		case name == "-" || !f.IsExported():
			continue
		case name == "":
			if inline := deref(f.Type); inline.Kind() == reflect.Struct {
				s.fields(inline, model, properties, required)
			}
			continue
		}
		omitted := slices.Contains(options, "omitempty")
		property := s.value(f.Type, !omitted)
		if text := described[name]; text != "" {
			property["description"] = text
		}
		for key, extension := range map[string]string{"patchStrategy": "x-kubernetes-patch-strategy", "patchMergeKey": "x-kubernetes-patch-merge-key"} {
			if value := f.Tag.Get(key); value != "" {
				property[extension] = value
			}
		}
		s.lists.field(model, name, property)
		properties[name] = bare(property)
		if !omitted && !optional[model+"."+name] || mandatory[model+"."+name] {
			*required = append(*required, name)
		}
	}
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// value is the schema of a value of a type. always: it is written even if it is empty.
func (s *schemas) value(t reflect.Type, always bool) Schema {
	if t.Kind() == reflect.Pointer {
		out := s.value(t.Elem(), false)
		delete(out, "default")
		return out
	}
	if modelName(t) != "" && (t.Kind() == reflect.Struct || hasOwnForm(t)) {
		if hasOwnForm(t) {
			return Schema{"allOf": []any{s.ref(t)}}
		}
		return Schema{"allOf": []any{s.ref(t)}, "default": Schema{}}
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return Schema{"type": "string", "format": "byte"}
		}
		return Schema{"type": "array", "items": s.item(t.Elem())}
	case reflect.Map:
		return Schema{"type": "object", "additionalProperties": s.item(t.Elem())}
	default:
		return basic(t, always)
	}
}

// item is the schema of the items of a list or a map.
func (s *schemas) item(t reflect.Type) Schema { return bare(s.value(t, true)) }

// bare returns a reference of which nothing more is said as nothing but a reference.
func bare(s Schema) Schema {
	if all, ok := s["allOf"].([]any); ok && len(s) == 1 {
		if one, ok := all[0].(Schema); ok {
			return one
		}
	}
	return s
}
