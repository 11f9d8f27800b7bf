package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDefault(t *testing.T) {
	for name, c := range map[string]struct{ spec, in, out string }{
		"missing and present": {
			spec: `{a: {type: string, default: x}, b: {type: string, default: x}, c: {type: integer, default: 3}}`,
			in:   `{a: w, b: ""}`,
			out:  `{a: w, b: "", c: 3}`,
		},
		"no defaults in what is not there": {
			spec: `{a: {type: object, properties: {b: {type: string, default: x}}}}`,
			in:   `{}`,
			out:  `{}`,
		},
		"defaults in what is there": {
			spec: `{a: {type: object, properties: {b: {type: string, default: x}}}}`,
			in:   `{a: {}}`,
			out:  `{a: {b: x}}`,
		},
		"defaults in a default": {
			spec: `{a: {type: object, default: {}, properties: {b: {type: string, default: x}}}}`,
			in:   `{}`,
			out:  `{a: {b: x}}`,
		},
		"defaults in lists": {
			spec: `{l: {type: array, items: {type: object, properties: {p: {type: string, default: TCP}}}}}`,
			in:   `{l: [{}, {p: UDP}]}`,
			out:  `{l: [{p: TCP}, {p: UDP}]}`,
		},
		"defaults in maps": {
			spec: `{m: {type: object, additionalProperties: {type: object, properties: {p: {type: string, default: x}}}}}`,
			in:   `{m: {a: {}, b: {p: w}}}`,
			out:  `{m: {a: {p: x}, b: {p: w}}}`,
		},
		"null becomes the default": {
			spec: `{a: {type: string, default: x}, l: {type: array, items: {type: string, default: x}}, m: {type: object, additionalProperties: {type: string, default: x}}}`,
			in:   `{a: null, l: [null, w], m: {num: null}}`,
			out:  `{a: x, l: [x, w], m: {num: x}}`,
		},
		"null that is allowed stays": {
			spec: `{a: {type: string, nullable: true, default: x}, b: {type: string, nullable: true, default: x}}`,
			in:   `{a: null}`,
			out:  `{a: null, b: x}`,
		},
		"null without a default stays": {
			spec: `{l: {type: array, items: {type: string}}}`,
			in:   `{l: [null]}`,
			out:  `{l: [null]}`,
		},
		"false and zero are defaults": {
			spec: `{a: {type: boolean, default: false}, b: {type: integer, default: 0}, c: {type: string, default: ""}}`,
			in:   `{}`,
			out:  `{a: false, b: 0, c: ""}`,
		},
		"what the schema does not know in a default": {
			spec: `{a: {type: object, default: {b: x, c: w}, properties: {b: {type: string}}}}`,
			in:   `{}`,
			out:  `{a: {b: x}}`,
		},
		"metadata in a default": {
			spec: `{r: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true,
				default: {apiVersion: v1, kind: X, metadata: {name: a, foo: b}, data: {c: d}}}}`,
			in:  `{}`,
			out: `{r: {apiVersion: v1, kind: X, metadata: {name: a}, data: {c: d}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			obj := object(t, `{spec: `+c.in+`}`)
			specSchema(t, c.spec).Default(obj)
			require.Equal(t, object(t, `{spec: `+c.out+`}`), obj)
		})
	}
}
