package explore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

var lamps = []byte(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: lamps, singular: lamp, kind: Lamp, listKind: LampList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: ["color"]
            properties:
              color: {type: string, enum: [red, green]}
              watts: {type: integer, default: 40}
          status:
            type: object
            properties:
              shines: {type: string}
`)

func lamp(color string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Lamp", "metadata": map[string]any{"name": "a", "namespace": "home"},
		"spec": map[string]any{"color": color},
	}}
}

// lampLighter says in the status how a lamp shines.
type lampLighter struct {
	lamps *repository.Live[*unstructured.Unstructured]
}

func (lampLighter) Finalizer() string { return controller.NoFinalizer }

func (l lampLighter) Apply(ctx context.Context, lamp *unstructured.Unstructured) (controller.Action, error) {
	color, _, _ := unstructured.NestedString(lamp.Object, "spec", "color")
	shines, _, _ := unstructured.NestedString(lamp.Object, "status", "shines")
	if color == shines {
		return controller.AwaitChange(), nil
	}
	_, err := l.lamps.Patch(ctx, lamp, types.MergePatchType, []byte(`{"status":{"shines":"`+color+`"}}`), "status")
	return controller.AwaitChange(), err
}

func (lampLighter) Cleanup(context.Context, *unstructured.Unstructured) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// Objects without a Go type, of a kind that a CRD defines, in a namespace of their own.
func TestUnstructured(t *testing.T) {
	c := explore.Case[*unstructured.Unstructured]{
		Kinds: sim.CRD(lamps),
		New: func(env *explore.Env) (explore.Process, error) {
			client, err := dynamic.NewForConfig(env.Config())
			if err != nil {
				return nil, err
			}
			repo := repository.FromDynamic(client, schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "lamps"},
				schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Lamp"})
			return controller.New(repo, lampLighter{repo}, &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(lamp("red")), explore.Settle(),
			explore.Update("home/a", func(o *unstructured.Unstructured) {
				_ = unstructured.SetNestedField(o.Object, "green", "spec", "color")
			}),
			explore.Settle(),
			explore.Delete("home/a"),
		},
	}
	explore.Run(t, c)

	c.Script = []explore.Step{explore.Create(lamp("blue"))}
	_, err := explore.Explore(t, c)
	require.ErrorContains(t, err, `step 1 of the script, create Lamp home/a: Lamp.example.com "a" is invalid: spec.color: Unsupported value: "blue"`)
}
