package sim_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/test/sim"
)

func TestScale(t *testing.T) {
	_, client := start(t, sim.Options{Kinds: sim.Core("deployments.apps")})
	deployments := client.AppsV1().Deployments("default")
	apply := []byte(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},
		"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}`)
	_, err := deployments.Patch(t.Context(), "d", types.ApplyPatchType, apply, metav1.PatchOptions{FieldManager: "one"})
	require.NoError(t, err)
	scale, err := deployments.GetScale(t.Context(), "d", metav1.GetOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 1, scale.Spec.Replicas)
	require.Equal(t, "a=b", scale.Status.Selector)

	scale.Spec.Replicas = 3
	next, err := deployments.UpdateScale(t.Context(), "d", scale, metav1.UpdateOptions{})
	require.NoError(t, err)
	require.NotEqual(t, scale.ResourceVersion, next.ResourceVersion)
	_, err = deployments.UpdateScale(t.Context(), "d", scale, metav1.UpdateOptions{})
	require.True(t, apierrors.IsConflict(err), err)
	_, err = deployments.Patch(t.Context(), "d", types.MergePatchType, []byte(`{"spec":{"replicas":4}}`), metav1.PatchOptions{}, "scale")
	require.NoError(t, err)
	d, err := deployments.Get(t.Context(), "d", metav1.GetOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 4, *d.Spec.Replicas)
	require.EqualValues(t, 3, d.Generation)
	_, err = deployments.GetScale(t.Context(), "missing", metav1.GetOptions{})
	require.True(t, apierrors.IsNotFound(err), err)
}
