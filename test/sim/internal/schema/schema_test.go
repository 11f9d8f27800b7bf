package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/kuberator/kuberator/test/sim/internal/schema"
)

// object decodes YAML as a server decodes an object: whole numbers are int64.
func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &out))
	return out
}

func newSchema(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.New(object(t, text))
	require.NoError(t, err)
	return s
}

// specSchema is the schema of a kind whose spec has the given properties.
func specSchema(t testing.TB, properties string) *schema.Schema {
	t.Helper()
	return newSchema(t, "{type: object, properties: {spec: {type: object, properties: "+properties+"}}}")
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"empty": {
			schema: `{}`,
			want:   `openAPIV3Schema.type: Required value: must not be empty at the root`,
		},
		"root is no object": {
			schema: `{type: string}`,
			want:   `openAPIV3Schema.type: Invalid value: "string": must be object at the root`,
		},
		"field without type": {
			schema: `{type: object, properties: {spec: {properties: {}}}}`,
			want:   `openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields`,
		},
		"item without type": {
			schema: `{type: object, properties: {l: {type: array, items: {}}}}`,
			want:   `openAPIV3Schema.properties[l].items.type: Required value: must not be empty for specified array items`,
		},
		"unknown type": {
			schema: `{type: object, properties: {num: {type: int}}}`,
			want:   `openAPIV3Schema.properties[num].type: Unsupported value: "int": supported values: "array", "boolean", "integer", "number", "object", "string"`,
		},
		"array without items": {
			schema: `{type: object, properties: {l: {type: array}}}`,
			want:   `openAPIV3Schema.properties[l].items: Required value: must be specified`,
		},
		"wrong type of a keyword": {
			schema: `{type: object, properties: {s: {type: string, maxLength: many}}}`,
			want:   `openAPIV3Schema.properties[s].maxLength: Invalid value: "many": must be a number`,
		},
		"fraction for a count": {
			schema: `{type: object, properties: {s: {type: string, maxLength: 1.5}}}`,
			want:   `openAPIV3Schema.properties[s].maxLength: Invalid value: 1.5: must be an integer`,
		},
		"property that is no schema": {
			schema: `{type: object, properties: {s: string}}`,
			want:   `openAPIV3Schema.properties[s]: Invalid value: "string": must be an object`,
		},
		"required that is no text": {
			schema: `{type: object, required: [spec, 1]}`,
			want:   `openAPIV3Schema.required[1]: Invalid value: 1: must be a string`,
		},
		"pattern": {
			schema: `{type: object, properties: {s: {type: string, pattern: "a("}}}`,
			want:   `openAPIV3Schema.properties[s].pattern: Invalid value: "a(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): ` + "`a(`",
		},
		"reference": {
			schema: `{type: object, properties: {s: {type: object, $ref: "#/definitions/x"}}}`,
			want:   `openAPIV3Schema.properties[s].$ref: Forbidden: $ref is not supported`,
		},
		"preserving said not to be": {
			schema: `{type: object, x-kubernetes-preserve-unknown-fields: false}`,
			want:   `openAPIV3Schema.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`,
		},
		"properties and additionalProperties": {
			schema: `{type: object, properties: {m: {type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}}}`,
			want:   `openAPIV3Schema.properties[m].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`,
		},
		"additionalProperties at the root": {
			schema: `{type: object, additionalProperties: {type: string}}`,
			want:   `openAPIV3Schema.additionalProperties: Forbidden: must not be used at the root`,
		},
		"structure below a quantifier": {
			schema: `{type: object, anyOf: [{type: object}]}`,
			want:   `openAPIV3Schema.anyOf[0].type: Forbidden: must be empty to be structural`,
		},
		"embedded resource that is no object": {
			schema: `{type: object, properties: {r: {x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}}`,
			want:   `openAPIV3Schema.properties[r].type: Required value: must be object if x-kubernetes-embedded-resource is true`,
		},
		"list type": {
			schema: `{type: object, properties: {l: {type: array, items: {type: string}, x-kubernetes-list-type: bag}}}`,
			want:   `openAPIV3Schema.properties[l].x-kubernetes-list-type: Unsupported value: "bag": supported values: "atomic", "set", "map"`,
		},
		"map without keys": {
			schema: `{type: object, properties: {l: {type: array, items: {type: object}, x-kubernetes-list-type: map}}}`,
			want:   `openAPIV3Schema.properties[l].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
		},
		"key that is no property": {
			schema: `{type: object, properties: {l: {type: array, items: {type: object}, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name]}}}`,
			want:   `openAPIV3Schema.properties[l].x-kubernetes-list-map-keys: Invalid value: ["name"]: entries must all be names of item properties`,
		},
		"keys without map": {
			schema: `{type: object, properties: {l: {type: array, items: {type: object}, x-kubernetes-list-map-keys: [name]}}}`,
			want:   `openAPIV3Schema.properties[l].x-kubernetes-list-type: Required value: must be map if x-kubernetes-list-map-keys is non-empty`,
		},
		"map type": {
			schema: `{type: object, properties: {m: {type: string, x-kubernetes-map-type: atomic}}}`,
			want:   `openAPIV3Schema.properties[m].type: Invalid value: "string": must be object if x-kubernetes-map-type is specified`,
		},
		"quantifier that is no list of schemas": {
			schema: `{type: object, oneOf: [a]}`,
			want:   `openAPIV3Schema.oneOf[0]: Invalid value: "a": must be an object`,
		},
		"additionalProperties of an embedded resource": {
			schema: `{type: object, properties: {r: {type: object, x-kubernetes-embedded-resource: true, additionalProperties: {type: string}}}}`,
			want:   `openAPIV3Schema.properties[r].additionalProperties: Forbidden: must not be used if x-kubernetes-embedded-resource is set`,
		},
		"additionalProperties that are no schema": {
			schema: `{type: object, properties: {m: {type: object, additionalProperties: 1}}}`,
			want:   `openAPIV3Schema.properties[m].additionalProperties: Invalid value: 1: must be an object or a boolean`,
		},
		"several": {
			schema: `{type: object, properties: {a: {}, b: {type: array}}}`,
			want: `[openAPIV3Schema.properties[a].type: Required value: must not be empty for specified object fields, ` +
				`openAPIV3Schema.properties[b].items: Required value: must be specified]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := schema.New(object(t, c.schema))
			require.EqualError(t, err, c.want)
		})
	}
}

// What encoding/json and Go literals make of numbers is as good as int64.
func TestNewTakesAnyNumbers(t *testing.T) {
	s, err := schema.New(map[string]any{"type": "object", "properties": map[string]any{
		"replicas": map[string]any{"type": "integer", "minimum": 1, "default": float64(3)},
	}})
	require.NoError(t, err)
	obj := map[string]any{}
	s.Default(obj)
	require.Equal(t, map[string]any{"replicas": int64(3)}, obj)

	_, err = schema.New(map[string]any{"type": make(chan int)})
	require.ErrorContains(t, err, "openAPIV3Schema: ")
}

func TestNewKeepsNothingOfItsArgument(t *testing.T) {
	in := object(t, `{type: object, properties: {a: {type: object, default: {b: 1}, x-kubernetes-preserve-unknown-fields: true}}}`)
	s, err := schema.New(in)
	require.NoError(t, err)
	a := in["properties"].(map[string]any)["a"].(map[string]any)
	a["default"].(map[string]any)["b"] = "changed"

	for range 2 { // nor does an object share anything with the schema
		obj := map[string]any{}
		s.Default(obj)
		require.Equal(t, object(t, `{a: {b: 1}}`), obj)
		obj["a"].(map[string]any)["b"] = "changed"
	}
}

func TestNoSchemaPreservesEverything(t *testing.T) {
	s, err := schema.New(nil)
	require.NoError(t, err)
	obj := object(t, `{apiVersion: a/v1, kind: A, metadata: {name: a}, spec: {a: [1, {b: null}]}, foo: null}`)
	want := object(t, `{apiVersion: a/v1, kind: A, metadata: {name: a}, spec: {a: [1, {b: null}]}, foo: null}`)
	require.Empty(t, s.Prune(obj))
	s.Default(obj)
	require.Equal(t, want, obj)
	require.Empty(t, s.Validate(obj, nil))
	require.Empty(t, s.Unsupported())
}

func TestUnsupported(t *testing.T) {
	s := newSchema(t, `
type: object
x-kubernetes-validations: [{rule: "self.metadata.name != 'x'"}]
properties:
  spec:
    type: object
    properties:
      z: {type: string, x-kubernetes-validations: [{rule: "self != ''"}]}
      none: {type: string, x-kubernetes-validations: []}
      list: {type: array, items: {type: string, x-kubernetes-validations: [{rule: "self != ''"}]}}
      map: {type: object, additionalProperties: {type: string, x-kubernetes-validations: [{rule: "self != ''"}]}}
`)
	want := []string{
		"openAPIV3Schema",
		"openAPIV3Schema.properties[spec].properties[list].items",
		"openAPIV3Schema.properties[spec].properties[map].additionalProperties",
		"openAPIV3Schema.properties[spec].properties[z]",
	}
	require.Equal(t, want, s.Unsupported())
	s.Unsupported()[0] = "changed"
	require.Equal(t, want, s.Unsupported())
}
