package schema_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPrune(t *testing.T) {
	for name, c := range map[string]struct {
		spec, in, out string
		pruned        []string
	}{
		"unknown fields at all depths": {
			spec:   `{a: {type: object, properties: {b: {type: string}}}}`,
			in:     `{a: {b: x, c: w}, z: {x: 1}}`,
			out:    `{a: {b: x}}`,
			pruned: []string{"spec.a.c", "spec.z"},
		},
		"objects in lists": {
			spec:   `{l: {type: array, items: {type: object, properties: {a: {type: string}}}}}`,
			in:     `{l: [{a: x}, {a: x, b: w}, {c: z}]}`,
			out:    `{l: [{a: x}, {a: x}, {}]}`,
			pruned: []string{"spec.l[1].b", "spec.l[2].c"},
		},
		"lists in lists": {
			spec:   `{l: {type: array, items: {type: array, items: {type: object, properties: {a: {type: string}}}}}}`,
			in:     `{l: [[{a: x, b: w}]]}`,
			out:    `{l: [[{a: x}]]}`,
			pruned: []string{"spec.l[0][0].b"},
		},
		"additionalProperties": {
			spec:   `{m: {type: object, additionalProperties: {type: object, properties: {a: {type: string}}}}}`,
			in:     `{m: {any: {a: x, b: w}, other.name/x: {c: 1}}}`,
			out:    `{m: {any: {a: x}, other.name/x: {}}}`,
			pruned: []string{"spec.m.any.b", "spec.m.other.name/x.c"},
		},
		// As the server has it: the fields are known, but nothing in them is.
		"additionalProperties without a schema": {
			spec:   `{m: {type: object, additionalProperties: true}}`,
			in:     `{m: {a: 1, b: {c: 1}}}`,
			out:    `{m: {a: 1, b: {}}}`,
			pruned: []string{"spec.m.b.c"},
		},
		"preserved fields": {
			spec: `{m: {type: object, x-kubernetes-preserve-unknown-fields: true}}`,
			in:   `{m: {a: {b: [{c: 1}]}}}`,
			out:  `{m: {a: {b: [{c: 1}]}}}`,
		},
		"known fields among preserved ones": {
			spec:   `{m: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: object, properties: {b: {type: string}}}}}}`,
			in:     `{m: {a: {b: x, c: w}, d: {e: 1}}}`,
			out:    `{m: {a: {b: x}, d: {e: 1}}}`,
			pruned: []string{"spec.m.a.c"},
		},
		"items of a preserved list": {
			spec: `{l: {type: array, x-kubernetes-preserve-unknown-fields: true, items: {type: object, properties: {a: {type: string}}}}}`,
			in:   `{l: [{a: x, b: {c: 1}}]}`,
			out:  `{l: [{a: x, b: {c: 1}}]}`,
		},
		"anything of any type": {
			spec: `{x: {x-kubernetes-preserve-unknown-fields: true}}`,
			in:   `{x: [1, {a: {b: 2}}]}`,
			out:  `{x: [1, {a: {b: 2}}]}`,
		},
		"embedded resource": {
			spec:   `{r: {type: object, x-kubernetes-embedded-resource: true, properties: {data: {type: string}}}}`,
			in:     `{r: {apiVersion: v1, kind: X, metadata: {name: a, labels: {a: b}, foo: bar, creationTimestamp: null}, data: x, zoo: w}}`,
			out:    `{r: {apiVersion: v1, kind: X, metadata: {name: a, labels: {a: b}}, data: x}}`,
			pruned: []string{"spec.r.zoo", "spec.r.metadata.foo"},
		},
		"metadata that is no metadata": {
			spec:   `{metadata: {type: object, properties: {labels: {type: object, additionalProperties: {type: string}}}}}`,
			in:     `{kind: X, metadata: {name: a, labels: {a: b}}}`,
			out:    `{metadata: {labels: {a: b}}}`,
			pruned: []string{"spec.kind", "spec.metadata.name"},
		},
		"nulls": {
			spec: `{a: {type: string}, b: {type: string, default: x}, c: {type: string, nullable: true},
				l: {type: array, items: {type: object, properties: {d: {type: integer}}}},
				m: {type: object, additionalProperties: {type: string}},
				p: {type: object, x-kubernetes-preserve-unknown-fields: true}}`,
			in:  `{a: null, b: null, c: null, l: [null, {d: null}], m: {x: null}, p: {q: null}}`,
			out: `{b: null, c: null, l: [null, {}], m: {}, p: {q: null}}`,
		},
		"values of other types stay": {
			spec: `{a: {type: object, properties: {b: {type: string}}}, l: {type: array, items: {type: string}}}`,
			in:   `{a: text, l: 5}`,
			out:  `{a: text, l: 5}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			obj := object(t, `{spec: `+c.in+`}`)
			require.Equal(t, c.pruned, specSchema(t, c.spec).Prune(obj))
			require.Equal(t, object(t, `{spec: `+c.out+`}`), obj)
		})
	}
}

func TestPruneKeepsWhatEveryResourceHas(t *testing.T) {
	s := newSchema(t, `{type: object, properties: {metadata: {type: object, properties: {name: {type: string}}}}}`)
	obj := object(t, `
apiVersion: example.com/v1
kind: Widget
metadata:
  name: a
  labels: {a: b}
  creationTimestamp: null
  lables: {a: b}
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u, controlled: true}]
  managedFields: [{manager: m, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:a": {}}}}]
status: {}
data: x
`)
	require.Equal(t, []string{
		"metadata.lables", "metadata.ownerReferences[0].controlled",
		"data", "status",
	}, s.Prune(obj))
	require.Equal(t, object(t, `
apiVersion: example.com/v1
kind: Widget
metadata:
  name: a
  labels: {a: b}
  creationTimestamp: null
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]
  managedFields: [{manager: m, fieldsType: FieldsV1, fieldsV1: {"f:spec": {"f:a": {}}}}]
`), obj)
}

// No field that the types of this version of Kubernetes have may be taken for unknown.
func TestPruneKnowsAllFieldsOfMetadata(t *testing.T) {
	metadata := zeroes(reflect.TypeFor[metav1.ObjectMeta]()).(map[string]any)
	require.Contains(t, metadata, "managedFields")
	require.Empty(t, newSchema(t, `{type: object}`).Prune(map[string]any{"metadata": metadata}))
}

// zeroes returns a value for the JSON of a type, with all of its fields and one item
// in each list.
func zeroes(typ reflect.Type) any {
	switch typ.Kind() {
	case reflect.Pointer:
		return zeroes(typ.Elem())
	case reflect.Slice:
		return []any{zeroes(typ.Elem())}
	case reflect.Map:
		return map[string]any{"any": zeroes(typ.Elem())}
	case reflect.Struct:
		if typ == reflect.TypeFor[metav1.Time]() || typ == reflect.TypeFor[metav1.FieldsV1]() {
			return "text"
		}
		fields := map[string]any{}
		for field := range typ.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields[name] = zeroes(field.Type)
		}
		return fields
	default:
		return reflect.Zero(typ).Interface()
	}
}
