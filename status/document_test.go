package status_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	clienttesting "k8s.io/client-go/testing"

	"github.com/kuberator/kuberator/status"
)

// patches returns what was sent, also where it changed nothing.
func (b *harness) patches() (sent []string) {
	for _, action := range b.Clientset.Actions() {
		if patch, ok := action.(clienttesting.PatchAction); ok {
			sent = append(sent, string(patch.GetPatch()))
		}
	}
	return sent
}

// Kills: a write of one field that takes the others along.
func TestG4OnlyTheFieldsThatDifferAreSent(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 3, ReadyReplicas: 2})
	_, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{Replicas: 4, ReadyReplicas: 2})
	require.NoError(t, err)
	require.Len(t, b.patches(), 1)
	require.Contains(t, b.patches()[0], "/status/replicas")
	require.NotContains(t, b.patches()[0], "/status/readyReplicas")
}

// TestG9ANullFieldIsNoChange: the server drops it, so that it would differ for ever.
// Kills: a null that is a field.
func TestG9ANullFieldIsNoChange(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 3})
	_, err := status.Patch(t.Context(), b.repo, d, map[string]any{"replicas": 3, "conditions": nil})
	require.NoError(t, err)
	require.Empty(t, b.patches())
}

// TestG9LargeNumbersThatDifferAreWritten has two that are one as a float64. Kills:
// numbers that are rounded before they are compared.
func TestG9LargeNumbersThatDifferAreWritten(t *testing.T) {
	const large = 1 << 53
	b, d := setup(t, appsv1.DeploymentStatus{ObservedGeneration: large})
	_, err := status.Patch(t.Context(), b.repo, d, appsv1.DeploymentStatus{ObservedGeneration: large + 1})
	require.NoError(t, err)
	require.Len(t, b.patches(), 1)
	require.Contains(t, b.patches()[0], "9007199254740993")
}

// TestG4AFieldWithASlashIsOneField: a JSON pointer would lead to a field in a field.
// Kills: a pointer that is not escaped.
func TestG4AFieldWithASlashIsOneField(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 3})
	_, err := status.Patch(t.Context(), b.repo, d, map[string]any{"replicas": 3, "example.com/a~b": true})
	require.NoError(t, err)
	require.Len(t, b.patches(), 1)
	require.Contains(t, b.patches()[0], `"/status/example.com~1a~0b"`)
}
