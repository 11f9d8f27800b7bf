package status_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/status"
)

// TestG9AStatusThatIsThereIsNotEncoded: most attempts have nothing to change. It looks at the allocations: to encode the two
// takes dozens. Kills: no comparison of the Go values.
func TestG9AStatusThatIsThereIsNotEncoded(t *testing.T) {
	want := appsv1.DeploymentStatus{Replicas: 3, Conditions: []appsv1.DeploymentCondition{{Type: "Available", Status: corev1.ConditionTrue}}}
	b, d := setup(t, want)
	ctx := t.Context()
	require.LessOrEqual(t, testing.AllocsPerRun(20, func() {
		if got, err := status.Patch(ctx, b.repo, d, want); err != nil || got != d {
			t.Error(got, err)
		}
	}), 10.0)
	require.Equal(t, b.began, b.RV())
}
