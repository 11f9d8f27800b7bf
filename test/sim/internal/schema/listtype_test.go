package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateListTypes(t *testing.T) {
	const set = `{l: {type: array, x-kubernetes-list-type: set, items: {type: string}}}`
	const byName = `{l: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name],
		items: {type: object, properties: {name: {type: string}, port: {type: integer}}}}}`
	const byBoth = `{l: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name, port],
		items: {type: object, properties: {name: {type: string}, port: {type: integer}}}}}`
	for name, c := range map[string]struct {
		spec, in string
		want     []string
	}{
		"set": {spec: set, in: `{l: [a, b]}`},
		"set, three times the same": {
			spec: set, in: `{l: [a, b, a, a]}`,
			want: []string{`spec.l[2]: Duplicate value: "a"`},
		},
		"set of objects": {
			spec: `{l: {type: array, x-kubernetes-list-type: set, items: {type: object, x-kubernetes-map-type: atomic, properties: {a: {type: string}, b: {type: string}}}}}`,
			in:   `{l: [{a: x, b: w}, {b: w, a: x}]}`,
			want: []string{`spec.l[1]: Duplicate value: {"a":"x","b":"w"}`},
		},
		"map": {spec: byName, in: `{l: [{name: a}, {name: b}]}`},
		"map, same key": {
			spec: byName, in: `{l: [{name: a, port: 1}, {name: a, port: 2}]}`,
			want: []string{`spec.l[1]: Duplicate value: {"name":"a"}`},
		},
		"map, no key twice": {
			spec: byName, in: `{l: [{port: 1}, {port: 2}]}`,
			want: []string{`spec.l[1]: Duplicate value: {}`},
		},
		"map, two keys": {spec: byBoth, in: `{l: [{name: a, port: 1}, {name: a, port: 2}]}`},
		"map, same two keys": {
			spec: byBoth, in: `{l: [{name: a, port: 1}, {name: a, port: 1}]}`,
			want: []string{`spec.l[1]: Duplicate value: {"name":"a","port":1}`},
		},
		"map of what are no objects": {
			spec: byName, in: `{l: [a]}`,
			want: []string{
				`spec.l[0]: Invalid value: "string": spec.l[0] in body must be of type object: "string"`,
				`spec.l[0]: Invalid value: "a": must be an object for an array of list-type map`,
			},
		},
		"in a map in a list": {
			spec: `{o: {type: array, items: {type: object, additionalProperties: {type: array, x-kubernetes-list-type: set, items: {type: integer}}}}}`,
			in:   `{o: [{x: [1, 2, 1]}]}`,
			want: []string{`spec.o[0][x][2]: Duplicate value: 1`},
		},
		"other lists": {spec: `{l: {type: array, items: {type: string}}}`, in: `{l: [a, a]}`},
	} {
		t.Run(name, func(t *testing.T) {
			obj := object(t, `{spec: `+c.in+`}`)
			require.Equal(t, c.want, messages(specSchema(t, c.spec).Validate(obj, nil)))
		})
	}
}
