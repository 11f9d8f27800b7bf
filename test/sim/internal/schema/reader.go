package schema

import (
	"math"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A reader takes fields out of one object of the schema. A value of the wrong type
// is noted as an error and read as if it were not there.
type reader struct {
	in   map[string]any
	path *field.Path
	errs *field.ErrorList
}

func (r reader) fail(err *field.Error) {
	*r.errs = append(*r.errs, err)
}

// read returns the field called name, if it is a T. Like null, a field that is not
// there is nothing to complain about.
func read[T any](r reader, name, want string) (value T, ok bool) {
	raw := r.in[name]
	if raw == nil {
		return value, false
	}
	if value, ok = raw.(T); !ok {
		r.fail(field.TypeInvalid(r.path.Child(name), raw, "must be "+want))
	}
	return value, ok
}

func (r reader) text(name string) string {
	value, _ := read[string](r, name, "a string")
	return value
}

func (r reader) flag(name string) bool {
	value, _ := read[bool](r, name, "a boolean")
	return value
}

func (r reader) object(name string) map[string]any {
	value, _ := read[map[string]any](r, name, "an object")
	return value
}

func (r reader) list(name string) []any {
	value, _ := read[[]any](r, name, "an array")
	return value
}

func (r reader) texts(name string) []string {
	var texts []string
	for i, item := range r.list(name) {
		text, ok := item.(string)
		if !ok {
			r.fail(field.TypeInvalid(r.path.Child(name).Index(i), item, "must be a string"))
			continue
		}
		texts = append(texts, text)
	}
	return texts
}

func (r reader) number(name string) *float64 {
	switch value := r.in[name].(type) {
	case nil:
		return nil
	case int64:
		number := float64(value)
		return &number
	case float64:
		return &value
	default:
		r.fail(field.TypeInvalid(r.path.Child(name), value, "must be a number"))
		return nil
	}
}

func (r reader) integer(name string) *int64 {
	number := r.number(name)
	if number == nil {
		return nil
	}
	if math.Trunc(*number) != *number {
		r.fail(field.TypeInvalid(r.path.Child(name), *number, "must be an integer"))
		return nil
	}
	integer := int64(*number)
	return &integer
}

// objects hands each item of a list of objects to do.
func (r reader) objects(name string, do func(i int, item map[string]any, path *field.Path)) {
	for i, item := range r.list(name) {
		path := r.path.Child(name).Index(i)
		object, ok := item.(map[string]any)
		if !ok {
			r.fail(field.TypeInvalid(path, item, "must be an object"))
			continue
		}
		do(i, object, path)
	}
}

// fields hands each field of an object of objects to do.
func (r reader) fields(name string, do func(key string, value map[string]any, path *field.Path)) {
	for key, raw := range r.object(name) {
		path := r.path.Child(name).Key(key)
		value, ok := raw.(map[string]any)
		if !ok {
			r.fail(field.TypeInvalid(path, raw, "must be an object"))
			continue
		}
		do(key, value, path)
	}
}
