package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// Faults of the test's own come on top of those of the plans.
func TestOwnFaults(t *testing.T) {
	c := explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"), Script: script(),
		New: func(env *explore.Env) (explore.Process, error) {
			if err := env.Faults().Add(fault.On("create", "secrets").Nth(1).Then(fault.InternalError())); err != nil {
				return nil, err
			}
			return newLoop(env, mirror)
		},
	}
	result, err := explore.Explore(t, c, explore.Crashes(1))
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
	require.NotZero(t, result.Plans)
}
