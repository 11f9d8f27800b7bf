package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
	openapierrors "k8s.io/kube-openapi/pkg/validation/errors"
)

// Validate returns what is invalid in obj, nil if nothing is. Each error is one of
// the causes that kube-apiserver answers with: its type is the reason, its Field the
// field. They come as on the server: first what the schema finds, then what is wrong
// with embedded resources, then duplicates in sets and maps. Within each, the server
// has no particular order, and here they are sorted.
//
// old is the object before an update, nil when obj is created. What was invalid
// before and has not changed stays allowed, as long as the server can tell what it
// was before: fields by their names, and items of lists of the type map by their
// keys, but not items of other lists.
//
// obj is as [Schema.Prune] and [Schema.Default] leave it. Neither obj nor old is
// changed.
func (s *Schema) Validate(obj, old map[string]any) field.ErrorList {
	errs := sorted(s.schemaErrors(obj, old))
	errs = append(errs, sorted(embeddedErrors(nil, obj, s.root))...)
	if len(listTypeErrors(nil, old, s.root)) == 0 {
		errs = append(errs, sorted(listTypeErrors(nil, obj, s.root))...)
	}

	// The server tells that it did not get to the rules, and so it does here.
	if len(s.rules) > 0 && slices.ContainsFunc(errs, blocksRules) {
		errs = append(errs, field.Invalid(nil, nil, "some validation rules were not checked because the object was invalid; "+
			"correct the existing errors to complete validation"))
	}
	return errs
}

func (s *Schema) schemaErrors(obj, old map[string]any) field.ErrorList {
	result := lazy{schema: s.openAPI}.Validate(obj)
	if result.IsValid() {
		return nil
	}
	if old != nil {
		// Forgiving what has not changed only takes errors away. So this, which is
		// slower, has to be done only where there are some.
		result = ratchet{schema: s.openAPI, kin: kin{now: obj, old: old, node: s.root}}.Validate(obj)
	}
	var errs field.ErrorList
	for _, err := range result.Errors {
		errs = append(errs, fieldError(err))
	}
	return errs
}

// fieldError turns an error of the OpenAPI validation into what the server makes of
// it. An error about a quantifier such as anyOf has no field, only a message.
func fieldError(err error) *field.Error {
	var invalid *openapierrors.Validation
	if !errors.As(err, &invalid) {
		return field.Invalid(nil, "", err.Error())
	}
	var path *field.Path
	if name := strings.TrimPrefix(invalid.Name, "."); name != "" {
		path = path.Child(name)
	}
	value := invalid.Value
	if value == nil {
		value = ""
	}

	switch invalid.Code() {
	case openapierrors.RequiredFailCode:
		return field.Required(path, "")
	case openapierrors.EnumFailCode:
		return field.NotSupported(path, invalid.Value, enumNames(invalid.Values))
	case openapierrors.TooLongFailCode:
		return field.TooLong(path, "", count(invalid.Valid))
	case openapierrors.MaxItemsFailCode, openapierrors.TooManyPropertiesCode:
		return field.TooMany(path, count(invalid.Value), count(invalid.Valid))
	case openapierrors.InvalidTypeCode:
		return field.TypeInvalid(path, value, err.Error())
	default:
		return field.Invalid(path, value, err.Error())
	}
}

func enumNames(values []any) []string {
	names := make([]string, 0, len(values))
	for _, value := range values {
		name, ok := value.(string)
		if !ok {
			data, _ := json.Marshal(value) // it came from JSON
			name = string(data)
		}
		names = append(names, name)
	}
	return names
}

func count(value any) int {
	if n, ok := value.(int64); ok {
		return int(n)
	}
	return -1
}

// blocksRules reports whether err keeps the server from evaluating rules in CEL: they may rely on
// types, on required fields and on upper limits.
func blocksRules(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
		field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}

func sorted(errs field.ErrorList) field.ErrorList {
	slices.SortStableFunc(errs, func(a, b *field.Error) int {
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Error(), b.Error()))
	})
	return errs
}
