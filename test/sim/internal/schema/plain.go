package schema

import (
	"math"
	"reflect"
	"slices"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

// newValidator returns the OpenAPI validator of a value at path.
func newValidator(s *spec.Schema, path string) *validate.SchemaValidator {
	return validate.NewSchemaValidator(s, nil, path, strfmt.Default, func(o *validate.SchemaValidatorOptions) {
		o.NewValidatorForField = func(_ string, s *spec.Schema, _ any, path string, _ strfmt.Registry, _ ...validate.Option) validate.ValueValidator {
			return lazy{schema: s, path: path}
		}
		o.NewValidatorForIndex = func(_ int, s *spec.Schema, _ any, path string, _ strfmt.Registry, _ ...validate.Option) validate.ValueValidator {
			return lazy{schema: s, path: path}
		}
	})
}

// A lazy validator makes the real one, which has many parts, only for what is not
// plainly valid.
type lazy struct {
	schema *spec.Schema
	path   string
}

// Validate returns nil if value is plainly valid.
func (l lazy) Validate(value any) *validate.Result {
	if plainlyValid(l.schema, value) {
		return nil
	}
	return newValidator(l.schema, l.path).Validate(value)
}

// SetPath does nothing: the path is known from the start.
func (lazy) SetPath(string) {}

// Applies is always true.
func (lazy) Applies(any, reflect.Kind) bool { return true }

// plainlyValid reports whether a look shows that value is valid. False says nothing: what is
// rare, or hard to get right, is left to the real validator, and so are the errors. That makes
// the usual case, a valid object, many times faster.
func plainlyValid(s *spec.Schema, value any) bool {
	if len(s.OneOf) > 0 || s.Not != nil || s.Format != "" && len(s.Type) != 1 {
		return false
	}
	for i := range s.AllOf {
		if !plainlyValid(&s.AllOf[i], value) {
			return false
		}
	}
	if len(s.AnyOf) > 0 && !slices.ContainsFunc(s.AnyOf, func(s spec.Schema) bool { return plainlyValid(&s, value) }) {
		return false
	}
	is := func(typ string) bool { return len(s.Type) == 0 || s.Type.Contains(typ) }
	switch value := value.(type) {
	case bool:
		return is("boolean") && len(s.Enum) == 0
	case string:
		return is("string") && plainString(s, value)
	case int64:
		return is("integer") && len(s.Enum) == 0 && plainInteger(s, value)
	case map[string]any:
		return is("object") && len(s.Enum) == 0 && plainObject(s, value)
	case []any:
		return is("array") && len(s.Enum) == 0 && plainList(s, value)
	default:
		return false
	}
}

func plainString(s *spec.Schema, value string) bool {
	return (s.MaxLength == nil || validate.MaxLength("", "", value, *s.MaxLength) == nil) &&
		(s.MinLength == nil || validate.MinLength("", "", value, *s.MinLength) == nil) &&
		(s.Pattern == "" || validate.Pattern("", "", value, s.Pattern) == nil) &&
		(s.Format == "" || strfmt.Default.Validates(s.Format, value)) &&
		(len(s.Enum) == 0 || slices.Contains(s.Enum, any(value)))
}

func plainInteger(s *spec.Schema, value int64) bool {
	// A limit that is no small integer is an error by itself, in some formats.
	plain := func(limit *float64) bool { return math.Trunc(*limit) == *limit && math.Abs(*limit) <= math.MaxInt32 }
	return s.MultipleOf == nil &&
		(s.Format != "int32" || value >= math.MinInt32 && value <= math.MaxInt32) &&
		(s.Minimum == nil || plain(s.Minimum) && validate.MinimumInt("", "", value, int64(*s.Minimum), s.ExclusiveMinimum) == nil) &&
		(s.Maximum == nil || plain(s.Maximum) && validate.MaximumInt("", "", value, int64(*s.Maximum), s.ExclusiveMaximum) == nil)
}

func plainObject(s *spec.Schema, value map[string]any) bool {
	size, additional := int64(len(value)), s.AdditionalProperties
	if s.MinProperties != nil && size < *s.MinProperties || s.MaxProperties != nil && size > *s.MaxProperties ||
		additional != nil && !additional.Allows {
		return false
	}
	for _, name := range s.Required {
		if _, ok := value[name]; !ok {
			return false
		}
	}
	for name, field := range value {
		if property, ok := s.Properties[name]; ok {
			if !plainlyValid(&property, field) {
				return false
			}
		} else if additional != nil && additional.Schema != nil && !plainlyValid(additional.Schema, field) {
			return false
		}
	}
	return true
}

func plainList(s *spec.Schema, value []any) bool {
	size := int64(len(value))
	if s.MinItems != nil && size < *s.MinItems || s.MaxItems != nil && size > *s.MaxItems || s.UniqueItems {
		return false
	}
	for _, item := range value {
		if s.Items != nil && !plainlyValid(s.Items.Schema, item) {
			return false
		}
	}
	return true
}
