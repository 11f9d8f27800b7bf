package status

import (
	"bytes"
	"encoding/json"
	"reflect"

	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// equal reports whether two fields have the same value. The order of the fields in it is that of
// a Go type, or of the alphabet, and does not count.
func equal(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, xIs := value(a)
	y, yIs := value(b)
	return xIs && yIs && reflect.DeepEqual(x, y)
}

// isZero reports whether a Go value that was never set could look like this.
func isZero(field json.RawMessage) bool {
	v, is := value(field)
	return !is || zero(v)
}

// value returns what a field is; false for none. apimachinery's decoder keeps whole numbers
// whole; encoding/json rounds those above 2^53.
func value(field json.RawMessage) (v any, is bool) {
	return v, len(field) > 0 && utiljson.Unmarshal(field, &v) == nil
}

func zero(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if !zero(inner) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	case nil:
		return true
	default:
		return reflect.ValueOf(v).IsZero()
	}
}
