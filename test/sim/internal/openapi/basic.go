package openapi

import (
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// basic is the schema of a text, a number or a truth. always: its default is its zero value.
func basic(t reflect.Type, always bool) Schema {
	out, zero := Schema{}, any(nil)
	switch t.Kind() {
	case reflect.String:
		out["type"], zero = "string", ""
	case reflect.Bool:
		out["type"], zero = "boolean", false
	case reflect.Int64:
		out["type"], out["format"], zero = "integer", "int64", int64(0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		out["type"], out["format"], zero = "integer", "int32", int64(0)
	case reflect.Float32, reflect.Float64:
		out["type"], out["format"], zero = "number", "double", float64(0)
	case reflect.Struct:
		out["type"] = "object"
	default: // anything
		return out
	}
	if always && zero != nil {
		out["default"] = zero
	}
	return out
}

// undocumented are descriptions of types that say nothing of themselves.
var undocumented = map[reflect.Type]string{
	reflect.TypeFor[metav1.Time](): "Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.  " +
		"Wrappers are provided for many of the factory methods that the time package offers.",
	reflect.TypeFor[metav1.MicroTime](): "MicroTime is version of Time with microsecond level precision.",
	reflect.TypeFor[intstr.IntOrString](): "IntOrString is a type that can hold an int32 or a string.  When used in JSON or YAML marshalling and " +
		"unmarshalling, it produces or consumes the inner type.  This allows you to have, for example, a JSON field that can accept a name or number.",
}

// ownForm is the schema of a type that is written in another form than its Go type has, such as a
// time; ok is false for others.
func ownForm(t reflect.Type) (form Schema, ok bool) {
	if !hasOwnForm(t) {
		return nil, false
	}
	value := reflect.Zero(t).Interface()
	form = Schema{}
	if text := undocumented[t]; text != "" {
		form["description"] = text
	}
	if typed, ok := value.(interface{ OpenAPISchemaType() []string }); ok && len(typed.OpenAPISchemaType()) > 0 {
		form["type"] = typed.OpenAPISchemaType()[0]
	}
	if formatted, ok := value.(interface{ OpenAPISchemaFormat() string }); ok && formatted.OpenAPISchemaFormat() != "" {
		form["format"] = formatted.OpenAPISchemaFormat()
	}
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		form["oneOf"] = []any{Schema{"type": "string"}, Schema{"type": "number"}}
		delete(form, "type")
	case reflect.TypeFor[intstr.IntOrString]():
		form["oneOf"] = []any{Schema{"type": "integer"}, Schema{"type": "string"}}
		delete(form, "type")
	}
	return form, true
}

func hasOwnForm(t reflect.Type) bool {
	_, ok := reflect.TypeAssert[interface{ OpenAPISchemaType() []string }](reflect.Zero(t))
	return ok
}
