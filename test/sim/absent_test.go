package sim_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/kuberator/kuberator/test/sim"
)

// What belonged to an object goes, if the object went with the definition of its kind. What names an owner that never
// was, of a kind that is not served, stays.
func TestDependentsGoWithADefinition(t *testing.T) {
	crd, err := os.ReadFile("../../example/tutorial/step1/config/crd/web.example.com_websites.yaml")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: append(sim.Core("configmaps"), sim.CRD(crd)...), GarbageCollection: true})
		require.NoError(t, err)
		defer srv.Close()
		client := dynamic.NewForConfigOrDie(srv.Config())
		configMaps := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace("default")
		sites := client.Resource(schema.GroupVersionResource{Group: "web.example.com", Version: "v1", Resource: "websites"}).Namespace("default")

		owner, err := sites.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "web.example.com/v1", "kind": "Website", "metadata": map[string]any{"name": "home"},
			"spec": map[string]any{"host": "home", "pages": map[string]any{}},
		}}, metav1.CreateOptions{})
		require.NoError(t, err)
		for name, kind := range map[string]string{"its": "Website", "stray": "Webpage"} {
			child := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
			child.SetName(name)
			child.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "web.example.com/v1", Kind: kind, Name: "home", UID: owner.GetUID()}})
			_, err = configMaps.Create(t.Context(), child, metav1.CreateOptions{})
			require.NoError(t, err)
		}
		definitions := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
		require.NoError(t, definitions.Delete(t.Context(), "websites.web.example.com", metav1.DeleteOptions{}))
		time.Sleep(time.Second)

		_, err = configMaps.Get(t.Context(), "its", metav1.GetOptions{})
		require.True(t, apierrors.IsNotFound(err), "%v", err)
		_, err = configMaps.Get(t.Context(), "stray", metav1.GetOptions{})
		require.NoError(t, err)
	})
}
