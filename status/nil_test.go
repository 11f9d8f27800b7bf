package status_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kuberator/kuberator/status"
)

// observing is a status whose methods are on its pointer.
type observing struct {
	ObservedGeneration int64  `json:"observedGeneration,omitempty"`
	Error              string `json:"error,omitempty"`
}

func (o *observing) ObserveGeneration(generation int64) { o.ObservedGeneration = generation }

func (o *observing) ObserveError(err error) {
	if o.Error = ""; err != nil {
		o.Error = err.Error()
	}
}

// TestANilStatusIsAnEmptyOne, and is told nothing.
func TestANilStatusIsAnEmptyOne(t *testing.T) {
	b, d := setup(t, appsv1.DeploymentStatus{Replicas: 1})
	var none *observing
	got, err := status.Patch(t.Context(), b.repo, d, none)
	require.NoError(t, err)
	require.Zero(t, got.Status)
	_, err = status.PatchError(t.Context(), b.repo, got, none, runtime.NewMissingKindErr("x"))
	require.NoError(t, err)
}
