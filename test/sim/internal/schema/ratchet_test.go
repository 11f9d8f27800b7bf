package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateForgivesWhatHasNotChanged(t *testing.T) {
	const fields = `{num: {type: integer, maximum: 5}, m: {type: integer, maximum: 5}}`
	const items = `{type: object, required: [name], properties: {name: {type: string}, num: {type: integer, maximum: 5}, l: {type: array, maxItems: 0, items: {type: integer}}}}`
	const byName = `{l: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: ` + items + `}}`
	const atomic = `{l: {type: array, items: ` + items + `}}`
	for name, c := range map[string]struct {
		spec, old, in string
		want          []string // fields
	}{
		"unchanged":                     {spec: fields, old: `{num: 9}`, in: `{num: 9}`},
		"unchanged next to a change":    {spec: fields, old: `{num: 9, m: 1}`, in: `{num: 9, m: 2}`},
		"unchanged next to a bad":       {spec: fields, old: `{num: 9, m: 1}`, in: `{num: 9, m: 9}`, want: []string{"spec.m"}},
		"changed":                       {spec: fields, old: `{num: 9}`, in: `{num: 8}`, want: []string{"spec.num"}},
		"new":                           {spec: fields, old: `{}`, in: `{num: 8}`, want: []string{"spec.num"}},
		"required":                      {spec: `{o: ` + items + `}`, old: `{o: {num: 1}}`, in: `{o: {num: 1}}`},
		"required, and something else":  {spec: `{o: ` + items + `}`, old: `{o: {num: 1}}`, in: `{o: {num: 2}}`, want: []string{"spec.o.name"}},
		"item of a map":                 {spec: byName, old: `{l: [{name: a, num: 9}]}`, in: `{l: [{name: b}, {name: a, num: 9}]}`},
		"field of an item of a map":     {spec: byName, old: `{l: [{name: a, num: 9}]}`, in: `{l: [{name: a, num: 9, l: []}]}`},
		"item of a map under a new key": {spec: byName, old: `{l: [{name: a, num: 9}]}`, in: `{l: [{name: b, num: 9}]}`, want: []string{"spec.l[0].num"}},
		"other list, unchanged":         {spec: atomic, old: `{l: [{name: a, num: 9}]}`, in: `{l: [{name: a, num: 9}]}`},
		"other list, changed":           {spec: atomic, old: `{l: [{name: a, num: 9}]}`, in: `{l: [{name: a, num: 9}, {name: b}]}`, want: []string{"spec.l[0].num"}},
		"values of a map": {
			spec: `{m: {type: object, additionalProperties: {type: integer, maximum: 5}}}`,
			old:  `{m: {a: 9, b: 9}}`, in: `{m: {a: 9, b: 8}}`, want: []string{"spec.m.b"},
		},
		"places in a map changed": {
			spec: `{l: {type: array, maxItems: 1, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [name], items: ` + items + `}}`,
			old:  `{l: [{name: a}, {name: b}]}`, in: `{l: [{name: b}, {name: a}]}`,
		},
		"places in another list changed": {
			spec: `{l: {type: array, maxItems: 1, items: ` + items + `}}`,
			old:  `{l: [{name: a}, {name: b}]}`, in: `{l: [{name: b}, {name: a}]}`, want: []string{"spec.l"},
		},
		"a quantifier as a whole": {
			spec: `{s: {type: string, anyOf: [{pattern: "^a"}, {pattern: "^b"}]}, num: {type: integer}}`,
			old:  `{s: c, num: 1}`, in: `{s: c, num: 2}`,
		},
		"duplicates in a set that had some": {
			spec: `{l: {type: array, x-kubernetes-list-type: set, items: {type: string}}}`,
			old:  `{l: [a, a]}`, in: `{l: [a, a, b, b]}`,
		},
		"duplicates in a set that had none": {
			spec: `{l: {type: array, x-kubernetes-list-type: set, items: {type: string}}}`,
			old:  `{l: [a]}`, in: `{l: [a, a]}`, want: []string{"spec.l[1]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := specSchema(t, c.spec)
			obj, old := object(t, `{metadata: {name: a}, spec: `+c.in+`}`), object(t, `{metadata: {name: a}, spec: `+c.old+`}`)
			var fields []string
			for _, err := range s.Validate(obj, old) {
				fields = append(fields, err.Field)
			}
			require.Equal(t, c.want, fields)
		})
	}
}
