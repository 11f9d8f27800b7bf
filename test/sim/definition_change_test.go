package sim_test

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/sim"
)

type heard []string

func (h *heard) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	*h = append(*h, text)
}

// Each answer about a version that is deprecated has a warning, in the words of the definition or the server's.
func TestDeprecatedVersionsWarn(t *testing.T) {
	srv, err := sim.New(sim.Options{})
	require.NoError(t, err)
	defer srv.Close()
	version := func(name string, more map[string]any) any {
		v := map[string]any{"name": name, "served": true, "storage": name == "v2", "schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}
		maps.Copy(v, more)
		return v
	}
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": map[string]any{"name": "things.example.com"},
		"spec": map[string]any{
			"group": "example.com", "scope": "Namespaced", "names": map[string]any{"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"},
			"versions": []any{
				version("v1alpha1", map[string]any{"deprecated": true}), version("v1beta1", map[string]any{"deprecated": true, "deprecationWarning": "go on to v2"}),
				version("v1", nil), version("v2", nil),
			},
		},
	}}
	require.NoError(t, srv.Load(definition))
	for name, want := range map[string]heard{
		"v1alpha1": {"example.com/v1alpha1 Thing is deprecated; use example.com/v2 Thing"}, "v1beta1": {"go on to v2"}, "v1": nil,
	} {
		var said heard
		cfg := rest.CopyConfig(srv.Config())
		cfg.WarningHandlerWithContext = &said
		client, err := dynamic.NewForConfig(cfg)
		require.NoError(t, err)
		_, err = client.Resource(schema.GroupVersionResource{Group: "example.com", Version: name, Resource: "things"}).List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Equal(t, want, said, name)
	}
}
