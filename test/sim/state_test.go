package sim_test

import (
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

const thing = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, kind: Thing, categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

func object(kind, name string, more map[string]any) *unstructured.Unstructured {
	o := map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name}}
	maps.Copy(o, more)
	return &unstructured.Unstructured{Object: o}
}

// What a server has, another one can have, with uids, statuses and definitions.
func TestStateGoesFromServerToServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kinds := sim.Core("configmaps", "pods", "events", "events.events.k8s.io")
		first, client := start(t, sim.Options{Kinds: append(kinds, sim.CRD([]byte(thing))...), Namespaces: []string{"other"}})
		one := object("Thing", "one", map[string]any{"apiVersion": "example.com/v1", "spec": "s", "status": "done"})
		pod := object("Pod", "p", map[string]any{
			"spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}}, "status": map[string]any{"phase": "Running"},
		})
		require.NoError(t, first.Load(one, pod, object("Event", "e", nil)))
		got, err := client.CoreV1().Pods("default").Get(t.Context(), "p", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, "Running", string(got.Status.Phase))
		require.NotEmpty(t, got.UID)
		require.NotEmpty(t, got.Spec.DNSPolicy, "it has its defaults")
		held := configMap("held")
		held.Finalizers = []string{"example.com/hold"}
		_, err = client.CoreV1().ConfigMaps("other").Create(t.Context(), held, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, client.CoreV1().ConfigMaps("other").Delete(t.Context(), "held", metav1.DeleteOptions{}))

		state := first.Objects()
		require.Equal(t, "CustomResourceDefinition", state[0].GetKind())
		require.Equal(t, "Namespace", state[1].GetKind())
		second, _ := start(t, sim.Options{Kinds: kinds})
		time.Sleep(time.Hour) // no time in it is that of the loading
		require.NoError(t, second.Load(state...))
		require.Equal(t, withoutVersions(state), withoutVersions(second.Objects()))
	})
}

func withoutVersions(objects []*unstructured.Unstructured) (out []map[string]any) {
	for _, o := range objects {
		o.SetResourceVersion("")
		out = append(out, o.Object)
	}
	return out
}

func TestStateThatCannotBeLoaded(t *testing.T) {
	srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
	err := srv.Load(object("Secret", "s", nil), object("ConfigMap", "Wrong", nil), object("ConfigMap", "right", nil))
	require.ErrorContains(t, err, "load Secret /s: /v1, Kind=Secret is not served")
	require.ErrorContains(t, err, `load ConfigMap /Wrong: ConfigMap "Wrong" is invalid`)
	_, err = client.CoreV1().ConfigMaps("default").Get(t.Context(), "right", metav1.GetOptions{})
	require.NoError(t, err)
	require.ErrorContains(t, srv.Load(object("ConfigMap", "right", nil)), "already exists")
}

// Kinds of a definition are in the categories that it names.
func TestCategories(t *testing.T) {
	_, client := start(t, sim.Options{Kinds: append(sim.Core("pods", "configmaps"), sim.CRD([]byte(thing))...)})
	for path, all := range map[string][]string{"v1": {"pods"}, "example.com/v1": {"things"}} {
		list, err := client.(*kubernetes.Clientset).Discovery().ServerResourcesForGroupVersion(path)
		require.NoError(t, err)
		var found []string
		for _, r := range list.APIResources {
			if len(r.Categories) > 0 {
				require.Equal(t, []string{"all"}, r.Categories)
				found = append(found, r.Name)
			}
		}
		require.Equal(t, all, found)
	}
}
