package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateEmbeddedResources(t *testing.T) {
	s := specSchema(t, `{l: {type: array, items: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}}`)
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"good":     {in: `{apiVersion: v1, kind: ConfigMap, metadata: {name: a.b}, data: {a: b}}`},
		"no name":  {in: `{apiVersion: apps/v1, kind: Deployment}`},
		"no types": {in: `{}`, want: []string{`spec.l[0].apiVersion: Required value`, `spec.l[0].kind: Required value`}},
		"empty": {
			in: `{apiVersion: "", kind: ""}`,
			want: []string{
				`spec.l[0].apiVersion: Invalid value: "": must not be empty`,
				`spec.l[0].kind: Invalid value: "": must not be empty`,
			},
		},
		"not text": {
			in: `{apiVersion: 1, kind: X}`, want: []string{`spec.l[0].apiVersion: Invalid value: 1: must be a string`},
		},
		"impossible": {
			in:   `{apiVersion: a/b/c, kind: X}`,
			want: []string{`spec.l[0].apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c`},
		},
		"name": {
			in:   `{apiVersion: v1, kind: X, metadata: {name: a/b}}`,
			want: []string{`spec.l[0].metadata.name: Invalid value: "a/b": may not contain '/'`},
		},
		"labels": {
			in: `{apiVersion: v1, kind: X, metadata: {labels: 5}}`,
			want: []string{`spec.l[0].metadata: Invalid value: {"labels":5}: json: cannot unmarshal number into Go struct field ` +
				`ObjectMeta.labels of type map[string]string`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			obj := object(t, `{metadata: {}, spec: {l: [`+c.in+`]}}`)
			require.Equal(t, c.want, messages(s.Validate(obj, nil)))
		})
	}
}
