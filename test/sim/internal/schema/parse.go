package schema

import (
	"fmt"
	"reflect"
	"regexp"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// A level is where a schema stands, which says what it must have.
type level int

const (
	rootLevel level = iota
	itemLevel
	fieldLevel
)

// A parser makes nodes and the OpenAPI that validates out of a decoded schema.
type parser struct {
	errs  field.ErrorList
	rules []string // where x-kubernetes-validations are
}

// node reads a schema that describes structure: the root, and what is reached from
// there without going through a quantifier such as anyOf.
func (p *parser) node(in map[string]any, path *field.Path, at level) (*node, spec.Schema) {
	r := reader{in: in, path: path, errs: &p.errs}
	n := &node{
		typ:         r.text("type"),
		nullable:    r.flag("nullable"),
		def:         in["default"],
		preserve:    r.flag("x-kubernetes-preserve-unknown-fields"),
		embedded:    r.flag("x-kubernetes-embedded-resource"),
		listType:    r.text("x-kubernetes-list-type"),
		listMapKeys: r.texts("x-kubernetes-list-map-keys"),
		mapType:     r.text("x-kubernetes-map-type"),
	}
	if len(r.list("x-kubernetes-validations")) > 0 {
		p.rules = append(p.rules, path.String())
	}

	var types spec.StringOrArray
	if n.typ != "" {
		types = spec.StringOrArray{n.typ}
	}
	if r.flag("x-kubernetes-int-or-string") {
		n.typ, types = "", spec.StringOrArray{"integer", "string"}
	}
	out := p.limits(r, types)
	out.Nullable = n.nullable
	n.format = out.Format

	p.children(r, n, &out)
	n.summarise()
	c := checker{reader: r, node: n, at: at}
	c.check(len(types) > 1)
	return n, out
}

func (p *parser) children(r reader, n *node, out *spec.Schema) {
	r.fields("properties", func(name string, in map[string]any, path *field.Path) {
		property, openAPI := p.node(in, path, fieldLevel)
		if n.properties == nil {
			n.properties = map[string]*node{}
		}
		n.properties[name] = property
		out.SetProperty(name, openAPI)
	})

	switch additional := r.in["additionalProperties"].(type) {
	case nil:
	case bool:
		n.open = true
		out.AdditionalProperties = &spec.SchemaOrBool{Allows: additional}
	case map[string]any:
		child, openAPI := p.node(additional, r.path.Child("additionalProperties"), fieldLevel)
		n.open, n.additional = true, child
		out.AdditionalProperties = &spec.SchemaOrBool{Allows: true, Schema: &openAPI}
	default:
		r.fail(field.TypeInvalid(r.path.Child("additionalProperties"), additional, "must be an object or a boolean"))
	}

	if in := r.object("items"); in != nil {
		child, openAPI := p.node(in, r.path.Child("items"), itemLevel)
		n.items = child
		out.Items = &spec.SchemaOrArray{Schema: &openAPI}
	}
}

// limits reads what a schema says about the value itself.
func (p *parser) limits(r reader, types spec.StringOrArray) spec.Schema {
	for _, name := range []string{"id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"} {
		if r.in[name] != nil {
			r.fail(field.Forbidden(r.path.Child(name), fmt.Sprintf("%s is not supported", name)))
		}
	}
	var out spec.Schema
	out.Type = types
	out.Format = checkedFormat(r.text("format"), types)
	out.Maximum = r.number("maximum")
	out.ExclusiveMaximum = r.flag("exclusiveMaximum")
	out.Minimum = r.number("minimum")
	out.ExclusiveMinimum = r.flag("exclusiveMinimum")
	out.MaxLength = r.integer("maxLength")
	out.MinLength = r.integer("minLength")
	out.MaxItems = r.integer("maxItems")
	out.MinItems = r.integer("minItems")
	out.UniqueItems = r.flag("uniqueItems")
	out.MultipleOf = r.number("multipleOf")
	out.Enum = r.list("enum")
	out.MaxProperties = r.integer("maxProperties")
	out.MinProperties = r.integer("minProperties")
	out.Required = r.texts("required")

	out.Pattern = r.text("pattern")
	if _, err := regexp.Compile(out.Pattern); err != nil {
		r.fail(field.Invalid(r.path.Child("pattern"), out.Pattern,
			fmt.Sprintf("must be a valid regular expression, but isn't: %v", err)))
	}

	out.AllOf = p.quantified(r, "allOf")
	out.AnyOf = p.quantified(r, "anyOf")
	out.OneOf = p.quantified(r, "oneOf")
	if in := r.object("not"); in != nil {
		not := p.nested(in, r.path.Child("not"), false)
		out.Not = &not
	}
	return out
}

func (p *parser) quantified(r reader, name string) []spec.Schema {
	typesAllowed := name == "anyOf" && reflect.DeepEqual(r.in[name], intOrString)
	var schemas []spec.Schema
	r.objects(name, func(_ int, in map[string]any, path *field.Path) {
		schemas = append(schemas, p.nested(in, path, typesAllowed))
	})
	return schemas
}

// intOrString is the one anyOf that may name types. Generators write it together
// with x-kubernetes-int-or-string.
var intOrString = []any{
	map[string]any{"type": "integer"},
	map[string]any{"type": "string"},
}

// nested reads a schema below a quantifier. It limits the value and what is in it,
// but says nothing about structure.
func (p *parser) nested(in map[string]any, path *field.Path, typesAllowed bool) spec.Schema {
	r := reader{in: in, path: path, errs: &p.errs}
	for _, name := range []string{
		"type", "default", "title", "description", "nullable", "additionalProperties",
		"x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
		"x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
		"x-kubernetes-map-type", "x-kubernetes-validations",
	} {
		value := in[name]
		if value == nil || value == "" || value == false || name == "type" && typesAllowed {
			continue
		}
		r.fail(field.Forbidden(path.Child(name), "must be empty to be structural"))
	}

	var types spec.StringOrArray
	if typesAllowed {
		types = spec.StringOrArray{r.text("type")}
	}
	out := p.limits(r, types)
	r.fields("properties", func(name string, in map[string]any, path *field.Path) {
		out.SetProperty(name, p.nested(in, path, false))
	})
	if items := r.object("items"); items != nil {
		openAPI := p.nested(items, path.Child("items"), false)
		out.Items = &spec.SchemaOrArray{Schema: &openAPI}
	}
	return out
}
