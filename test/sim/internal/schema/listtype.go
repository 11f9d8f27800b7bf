package schema

import (
	"encoding/json"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// listTypeErrors finds the duplicates in lists that are sets, and in lists that are
// maps by their keys.
func listTypeErrors(path *field.Path, x any, n *node) field.ErrorList {
	if n == nil || !n.hasListTypes {
		return nil
	}
	var errs field.ErrorList
	switch x := x.(type) {
	case map[string]any:
		for name, value := range x {
			if property, ok := n.properties[name]; ok {
				errs = append(errs, listTypeErrors(path.Child(name), value, property)...)
			} else if n.additional != nil {
				errs = append(errs, listTypeErrors(path.Key(name), value, n.additional)...)
			}
		}
	case []any:
		errs = append(errs, duplicates(path, x, n)...)
		for i, item := range x {
			errs = append(errs, listTypeErrors(path.Index(i), item, n.items)...)
		}
	}
	return errs
}

// duplicates reports each value that a set has more than once, and each key that a
// map has more than once, at its second appearance.
func duplicates(path *field.Path, list []any, n *node) field.ErrorList {
	if n.listType != "set" && n.listType != "map" {
		return nil
	}
	var errs field.ErrorList
	seen := make(map[any]int, len(list))
	for i, value := range list {
		var id any
		if n.listType == "set" {
			id = identity(value)
		} else {
			object, ok := value.(map[string]any)
			if !ok && value != nil {
				return field.ErrorList{field.Invalid(path.Index(i), value, "must be an object for an array of list-type map")}
			}
			id = keyIdentity(object, n.listMapKeys)
		}
		if seen[id]++; seen[id] != 2 {
			continue
		}
		if n.listType == "map" {
			value = keyOf(value, n.listMapKeys)
		}
		errs = append(errs, field.Duplicate(path.Index(i), value))
	}
	return errs
}

// keyOf returns the part of an item of a list that identifies it. A field that is not
// there is a key too, other than one that is null.
func keyOf(item any, keys []string) map[string]any {
	object, _ := item.(map[string]any)
	key := make(map[string]any, len(keys))
	for _, name := range keys {
		if value, ok := object[name]; ok {
			key[name] = value
		}
	}
	return key
}

// keyIdentity is the identity of the key of an item.
func keyIdentity(item map[string]any, keys []string) any {
	var id []byte
	for _, name := range keys {
		switch value, ok := item[name]; value := value.(type) {
		case string:
			id = strconv.AppendQuote(id, value)
		case int64:
			id = strconv.AppendInt(id, value, 10)
		default:
			if ok {
				id = fmt.Append(id, identity(value))
			}
		}
		id = append(id, ',')
	}
	return encoded(id)
}

// An encoded value is text that is the same for lists or objects that are equal, and
// cannot be mistaken for a string with the same letters.
type encoded string

// identity returns what is equal for equal values, and may be the key of a map.
func identity(x any) any {
	switch x.(type) {
	case map[string]any, []any:
		data, err := json.Marshal(x)
		if err != nil {
			return nil // not JSON, which no decoded object is
		}
		return encoded(data)
	default:
		return x
	}
}
