package schema

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// Default fills in, in place, the defaults of the fields that obj does not have, and
// of those that are null but not nullable. Defaults apply at each level that exists:
// an object that is not there gets no defaults for its fields, unless it has a
// default itself.
func (s *Schema) Default(obj map[string]any) {
	setDefaults(obj, s.root)
}

func setDefaults(x any, n *node) {
	if n == nil {
		return
	}
	switch x := x.(type) {
	case map[string]any:
		for name, property := range n.properties {
			if property.def == nil {
				continue
			}
			if _, found := x[name]; !found {
				x[name] = runtime.DeepCopyJSONValue(property.def)
			}
		}
		for name, value := range x {
			if child, _ := n.child(name); child != nil {
				x[name] = child.defaulted(value)
			}
		}
	case []any:
		if n.items == nil {
			return
		}
		for i, item := range x {
			x[i] = n.items.defaulted(item)
		}
	}
}

// defaulted returns what a value that is there becomes: a null that is not allowed
// becomes the default, and whatever it is then gets the defaults within it.
func (n *node) defaulted(value any) any {
	if value == nil && !n.nullable {
		value = runtime.DeepCopyJSONValue(n.def)
	}
	setDefaults(value, n)
	return value
}

// defaultErrors compares the defaults of a schema with the schema itself.
func (n *node) defaultErrors(path *field.Path, openAPI *spec.Schema) (errs field.ErrorList) {
	if n == nil || openAPI == nil {
		return nil
	}
	if n.def != nil {
		at := path.Child("default")
		pruned := runtime.DeepCopyJSONValue(n.def)
		var p pruner
		if p.value(pruned, n, false); len(p.unknown) > 0 {
			errs = append(errs, field.Invalid(at, n.def, "must not have unknown fields"))
		}
		if result := (lazy{schema: openAPI}).Validate(n.def); result != nil {
			for _, err := range result.Errors {
				wrong := fieldError(err)
				wrong.Field = strings.TrimSuffix(at.String()+"."+strings.TrimPrefix(wrong.Field, "<nil>"), ".")
				errs = append(errs, wrong)
			}
		}
	}
	for name, property := range n.properties {
		if schema, ok := openAPI.Properties[name]; ok {
			errs = append(errs, property.defaultErrors(path.Child("properties").Key(name), &schema)...)
		}
	}
	if openAPI.Items != nil {
		errs = append(errs, n.items.defaultErrors(path.Child("items"), openAPI.Items.Schema)...)
	}
	return errs
}
