package schema

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// A checker looks for what makes a schema useless: without these rules, a mistake in
// a schema would show as odd results with each object.
type checker struct {
	reader
	node *node
	at   level
}

func (c checker) check(intOrString bool) {
	n := c.node
	types := []string{"array", "boolean", "integer", "number", "object", "string"}
	switch {
	case n.embedded && n.typ != "object":
		c.mustBe(c.path.Child("type"), n.typ, "must be object if x-kubernetes-embedded-resource is true")
	case n.typ == "" && !intOrString && !n.preserve:
		c.fail(field.Required(c.path.Child("type"), map[level]string{
			rootLevel:  "must not be empty at the root",
			itemLevel:  "must not be empty for specified array items",
			fieldLevel: "must not be empty for specified object fields",
		}[c.at]))
	case n.typ != "" && !slices.Contains(types, n.typ):
		c.fail(field.NotSupported(c.path.Child("type"), n.typ, types))
	case n.typ != "" && n.typ != "object" && c.at == rootLevel:
		c.fail(field.Invalid(c.path.Child("type"), n.typ, "must be object at the root"))
	}

	if n.typ == "array" && n.items == nil {
		c.fail(field.Required(c.path.Child("items"), "must be specified"))
	}
	if c.in["x-kubernetes-preserve-unknown-fields"] == false {
		c.fail(field.Invalid(c.path.Child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined"))
	}
	c.checkAdditionalProperties()
	c.checkMapType()
	c.checkListType()
}

func (c checker) checkAdditionalProperties() {
	path := c.path.Child("additionalProperties")
	switch additional := c.in["additionalProperties"]; {
	case additional == nil:
	case c.at == rootLevel:
		c.fail(field.Forbidden(path, "must not be used at the root"))
	case c.node.embedded:
		c.fail(field.Forbidden(path, "must not be used if x-kubernetes-embedded-resource is set"))
	case len(c.node.properties) > 0 && additional != true:
		c.fail(field.Forbidden(path, "additionalProperties and properties are mutual exclusive"))
	}
}

func (c checker) checkMapType() {
	n := c.node
	if n.mapType == "" {
		return
	}
	if n.typ != "object" {
		c.mustBe(c.path.Child("type"), n.typ, "must be object if x-kubernetes-map-type is specified")
	}
	if types := []string{"atomic", "granular"}; !slices.Contains(types, n.mapType) {
		c.fail(field.NotSupported(c.path.Child("x-kubernetes-map-type"), n.mapType, types))
	}
}

func (c checker) checkListType() {
	n := c.node
	listType, keys := c.path.Child("x-kubernetes-list-type"), c.path.Child("x-kubernetes-list-map-keys")
	if len(n.listMapKeys) > 0 && n.listType != "map" {
		c.mustBe(listType, n.listType, "must be map if x-kubernetes-list-map-keys is non-empty")
	}
	if n.listType == "" {
		return
	}
	if n.typ != "array" {
		c.mustBe(c.path.Child("type"), n.typ, "must be array if x-kubernetes-list-type is specified")
	}
	if types := []string{"atomic", "set", "map"}; !slices.Contains(types, n.listType) {
		c.fail(field.NotSupported(listType, n.listType, types))
	}
	if n.listType != "map" {
		return
	}
	if len(n.listMapKeys) == 0 {
		c.fail(field.Required(keys, "must not be empty if x-kubernetes-list-type is map"))
	}
	if n.items != nil && n.items.typ != "object" {
		c.mustBe(c.path.Child("items", "type"), n.items.typ, "must be object if parent array's x-kubernetes-list-type is map")
		return
	}
	for _, key := range n.listMapKeys {
		if property, ok := n.item().child(key); !ok || property == nil {
			c.fail(field.Invalid(keys, n.listMapKeys, "entries must all be names of item properties"))
		}
	}
}

// mustBe is an error about a value that has to be another one, or has to be there.
func (c checker) mustBe(path *field.Path, value, detail string) {
	if value == "" {
		c.fail(field.Required(path, detail))
		return
	}
	c.fail(field.Invalid(path, value, detail))
}
