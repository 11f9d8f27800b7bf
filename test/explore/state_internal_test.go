package explore

import (
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestObservedGenerationsCountFromTheObject: an operator that wrote the status of the newest
// generation did so, however often the spec was changed and changed back. One that did not is
// found.
func TestObservedGenerationsCountFromTheObject(t *testing.T) {
	flat := func(generation, observed, condition int64) map[string]string {
		return newNames(identities{}).flatten(&unstructured.Unstructured{Object: map[string]any{
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
