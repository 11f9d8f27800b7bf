package cel_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/cel"
)

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ranges.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: ranges, singular: range, kind: Range, listKind: RangeList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        required: [spec]
        properties:
          spec:
            type: object
            required: [least, most]
            x-kubernetes-validations:
            - {rule: self.least <= self.most, message: least is more than most}
            properties:
              least: {type: integer}
              most: {type: integer}
              kind:
                type: string
                x-kubernetes-validations:
                - {rule: self == oldSelf, message: the kind does not change, fieldPath: "", reason: FieldValueForbidden}
              words:
                type: array
                maxItems: 10
                items:
                  type: string
                  maxLength: 10
                  x-kubernetes-validations:
                  - {rule: self.startsWith('a'), messageExpression: "'the word ' + self + ' does not begin with a'"}
`

// step is a write, and what the server says.
type step struct {
	spec map[string]any
	says string // empty: it is right
}

var steps = []step{
	{map[string]any{"least": int64(3), "most": int64(2)}, "least is more than most"},
	{map[string]any{"least": int64(3)}, "some validation rules were not checked because the object was invalid"},
	{map[string]any{"least": int64(1), "most": int64(2), "words": []any{"ab", "b"}}, "spec.words[1]: Invalid value: \"b\": the word b does not begin with a"},
	{map[string]any{"least": int64(1), "most": int64(2), "kind": "x"}, ""},
	{map[string]any{"least": int64(1), "most": int64(2), "kind": "y"}, "spec.kind: Forbidden: the kind does not change"},
	{map[string]any{"least": int64(1), "most": int64(3), "kind": "x"}, ""},
	{map[string]any{"least": int64(4), "most": int64(3), "kind": "x"}, "least is more than most"},
}

// write creates an object until that succeeds, and then updates it.
func write(t *testing.T, cfg *rest.Config) {
	t.Helper()
	ranges := dynamic.NewForConfigOrDie(cfg).Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "ranges"}).Namespace("default")
	var now *unstructured.Unstructured
	for _, s := range steps {
		next := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Range", "metadata": map[string]any{"name": "r"}}}
		send := func() (*unstructured.Unstructured, error) {
			return ranges.Create(t.Context(), next, metav1.CreateOptions{})
		}
		if now != nil {
			next = now.DeepCopy()
			send = func() (*unstructured.Unstructured, error) {
				return ranges.Update(t.Context(), next, metav1.UpdateOptions{})
			}
		}
		next.Object["spec"] = s.spec
		got, err := send()
		if s.says != "" {
			require.ErrorContains(t, err, s.says)
			continue
		}
		require.NoError(t, err)
		now = got
	}
}

func TestSimulator(t *testing.T) {
	srv, err := sim.New(sim.Options{Kinds: sim.CRD([]byte(definition)), Rules: cel.Rules})
	require.NoError(t, err)
	defer srv.Close()
	write(t, srv.Config())
}

func TestRealServer(t *testing.T) {
	c := cluster.Start(t, nil)
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), []byte(definition)))
	write(t, c.Config())
}

// A definition whose rules are wrong is refused.
func TestWrongRules(t *testing.T) {
	for rule, says := range map[string]string{
		"self.absent > 1": "undefined field 'absent'",
		"self.":           "Syntax error",
		"1 + 1":           "must evaluate to a bool",
	} {
		_, err := cel.Rules(map[string]any{
			"type": "object", "properties": map[string]any{"spec": map[string]any{
				"type": "object", "x-kubernetes-validations": []any{map[string]any{"rule": rule}},
			}},
		})
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule")
	}
	none, err := cel.Rules(map[string]any{"type": "object"})
	require.NoError(t, err)
	require.Nil(t, none)
}
