package schema

import (
	"reflect"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
)

// A ratchet validates a value and forgives what is invalid if the value is what it
// was before. It puts itself in the place of the validators of the fields and items,
// so that each of them is forgiven, or not, by itself.
type ratchet struct {
	kin

	schema *spec.Schema
	path   string
}

// Validate returns the errors of the value, none if it has not changed.
func (r ratchet) Validate(value any) *validate.Result {
	byKey := r.byKey()
	follow := func(o *validate.SchemaValidatorOptions) {
		o.NewValidatorForField = r.field
		o.NewValidatorForIndex = func(i int, s *spec.Schema, _ any, path string, _ strfmt.Registry, _ ...validate.Option) validate.ValueValidator {
			item, ok := r.item(i, byKey)
			return follower(item, ok, s, path)
		}
	}
	result := validate.NewSchemaValidator(r.schema, nil, r.path, strfmt.Default, follow).Validate(value)
	if result.IsValid() || !r.unchanged() {
		return result
	}
	forgiven := &validate.Result{}
	return forgiven.MergeAsWarnings(result)
}

func (r ratchet) field(name string, s *spec.Schema, _ any, path string, _ strfmt.Registry, _ ...validate.Option) validate.ValueValidator {
	child, ok := r.fieldNamed(name)
	if r.path == "" && (name == "apiVersion" || name == "kind") {
		ok = false // which version the old object was written in is not to be seen
	}
	return follower(child, ok, s, path)
}

// follower is the validator of a field or an item, whose old value may be known.
func follower(k kin, known bool, s *spec.Schema, path string) validate.ValueValidator {
	if !known {
		return lazy{schema: s, path: path}
	}
	return ratchet{kin: k, schema: s, path: path}
}

// SetPath does nothing: a ratchet knows its path from the start.
func (r ratchet) SetPath(string) {}

// Applies is always true.
func (r ratchet) Applies(any, reflect.Kind) bool { return true }

// A kin is a value with the one that it had before, and what the schema says of both.
type kin struct {
	now, old any
	node     *node // never nil
}

// fieldNamed returns a field of now and of old. It is not known if one of them does
// not have it, or if the schema says nothing about it.
func (k kin) fieldNamed(name string) (child kin, known bool) {
	now, isNow := k.now.(map[string]any)
	old, isOld := k.old.(map[string]any)
	if !isNow || !isOld {
		return kin{}, false
	}
	child.now, isNow = now[name]
	child.old, isOld = old[name]
	child.node, _ = k.node.child(name)
	return child, isNow && isOld && child.node != nil
}

// item returns an item of now with its old self, which only lists of the type map
// have. The items of the old list are in byKey.
func (k kin) item(i int, byKey map[any]any) (child kin, known bool) {
	now, ok := k.now.([]any)
	if !ok || len(byKey) == 0 || k.node.items == nil {
		return kin{}, false
	}
	key, ok := k.key(now[i])
	if !ok {
		return kin{}, false
	}
	old, known := byKey[key]
	return kin{now: now[i], old: old, node: k.node.items}, known
}

// byKey returns the items of the old list by their keys, none for other lists.
func (k kin) byKey() map[any]any {
	old, _ := k.old.([]any)
	if k.node.listType != "map" {
		return nil
	}
	items := make(map[any]any, len(old))
	for _, item := range old {
		key, ok := k.key(item)
		if _, seen := items[key]; ok && !seen {
			items[key] = item
		}
	}
	return items
}

func (k kin) key(item any) (key any, ok bool) {
	object, ok := item.(map[string]any)
	for _, name := range k.node.listMapKeys {
		if _, found := object[name]; !found {
			return nil, false
		}
	}
	return keyIdentity(object, k.node.listMapKeys), ok
}

// unchanged reports whether now is what old was. Items of a list of the type map may have changed
// places.
func (k kin) unchanged() bool {
	switch now := k.now.(type) {
	case []any:
		old, ok := k.old.([]any)
		if !ok || len(old) != len(now) {
			return false
		}
		if k.node.listType != "map" {
			return reflect.DeepEqual(now, old)
		}
		byKey := k.byKey()
		for i := range now {
			if item, known := k.item(i, byKey); !known || !item.unchanged() {
				return false
			}
		}
		return true
	case map[string]any:
		old, ok := k.old.(map[string]any)
		if !ok || len(old) != len(now) {
			return false
		}
		for name := range now {
			if child, known := k.fieldNamed(name); !known || !child.unchanged() {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(k.now, k.old)
	}
}
