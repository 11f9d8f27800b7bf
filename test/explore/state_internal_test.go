package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// TestObservedGenerationsCountFromTheObject: an operator that wrote the status of the newest
// generation did so, however often the spec was changed and changed back. One that did not is
// found.
func TestObservedGenerationsCountFromTheObject(t *testing.T) {
	flat := func(generation, observed, condition int64) map[string]string {
		return (&identities{}).known().flatten(&unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"name": "a", "generation": generation},
			"spec":     map[string]any{"observedGeneration": int64(0)},
			"status": map[string]any{
				"observedGeneration": observed,
				"conditions":         []any{map[string]any{"type": "Ready", "observedGeneration": condition}},
			},
		}})
	}
	require.Equal(t, flat(1, 1, 1), flat(3, 3, 3))
	require.NotEqual(t, flat(1, 1, 1), flat(3, 2, 3))
	require.NotEqual(t, flat(1, 1, 1), flat(3, 3, 1))
	require.Equal(t, "another than metadata.generation", flat(3, 3, 1)["status.conditions[0].observedGeneration"])
	require.Equal(t, "0", flat(3, 3, 1)["spec.observedGeneration"])
}

// TestGeneratedNamesAreTheSameInEachRun: what holds a name that the server has made up, holds it in each
// run, whichever name that was.
func TestGeneratedNamesAreTheSameInEachRun(t *testing.T) {
	flat := func(suffix, uid string) map[string]string {
		made := &unstructured.Unstructured{}
		made.SetGenerateName("a-")
		made.SetName("a-" + suffix)
		made.SetUID(types.UID(uid))
		known := &identities{}
		known.add(ref{resource: schema.GroupResource{Resource: "secrets"}, key: types.NamespacedName{Namespace: "default", Name: made.GetName()}}, made)
		return known.known().flatten(&unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"annotations": map[string]any{"secret": made.GetName(), "of": uid}},
		}})
	}
	require.Equal(t, flat("x7k2p", "1b4e28ba"), flat("9q8zn", "6fa459ea"))
	require.Equal(t, `"a-*"`, flat("x7k2p", "1b4e28ba")["metadata.annotations.secret"])
}

// TestAddressesOfServicesAreTheServers: which one a Service gets depends on nothing that an operator does.
// That it has one, or is to have none, does.
func TestAddressesOfServicesAreTheServers(t *testing.T) {
	flat := func(address string, port int64) map[string]string {
		return (&identities{}).known().flatten(&unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Service",
			"spec": map[string]any{
				"clusterIP": address, "clusterIPs": []any{address}, "ports": []any{map[string]any{"port": int64(80), "nodePort": port}},
			},
		}})
	}
	require.Equal(t, flat("10.0.0.1", 30001), flat("10.0.0.2", 30002))
	require.NotEqual(t, flat("10.0.0.1", 30001), flat("None", 30001))
}
