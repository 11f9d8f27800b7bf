package status

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/internal/journal"
)

// unchanged reports whether obj shows the wanted status already, and the server has all that it shows. It compares Go
// values, which is much cheaper than to encode them; most attempts end here. If it is false, nothing is known.
func unchanged(obj object, known journal.KnownStatus, want any) bool {
	if known.Written != nil {
		return false
	}
	if known.Object != nil {
		obj = known.Object // user code may have changed obj
	}
	if _, untyped := obj.(runtime.Unstructured); untyped || obj.GetResourceVersion() == "" {
		return false
	}
	has, _, ok := statusField(obj)
	if !ok {
		return false
	}
	has, wanted := elem(has), elem(reflect.ValueOf(want))
	return has.IsValid() && wanted.IsValid() && has.Type() == wanted.Type() && has.Kind() == reflect.Struct &&
		isStored(has) && reflect.DeepEqual(has.Interface(), wanted.Interface())
}

// elem returns what a pointer leads to, which is invalid for nil.
func elem(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer {
		return v.Elem()
	}
	return v
}

// isStored reports whether the server has each field of a status that is encoded. It is not known of a zero field without
// omitempty, which a Go type shows in any case.
func isStored(status reflect.Value) bool {
	for i := range status.NumField() {
		field := status.Type().Field(i)
		_, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		left := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
		if v := status.Field(i); field.Anonymous || !field.IsExported() || !(left && v.IsZero()) && !isSet(v) {
			return false
		}
	}
	return !encodesItself(status.Type())
}

// isSet reports whether a value is certainly not a zero one, as JSON has it: false if in doubt.
func isSet(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() > 0 && !encodesItself(v.Type())
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return !v.IsZero() && !encodesItself(v.Type())
	default: // structs, maps and pointers may hold nothing but zeros
		return false
	}
}

// encodesItself reports whether JSON may show something else than the fields of the type.
func encodesItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t) // which has the methods of both
	return pointer.Implements(reflect.TypeFor[json.Marshaler]()) || pointer.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
