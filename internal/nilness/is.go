// Package nilness finds nil pointers that hide in interfaces.
package nilness

import "reflect"

// Is reports whether v is nil, or holds a nil pointer.
func Is(v any) bool {
	value := reflect.ValueOf(v)
	return !value.IsValid() || value.Kind() == reflect.Pointer && value.IsNil()
}
