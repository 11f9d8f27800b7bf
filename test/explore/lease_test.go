package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// underLease is the greeter of processes of which one leads.
func underLease() explore.Case[*corev1.ConfigMap] {
	return explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"),
		New: func(env *explore.Env) (explore.Process, error) {
			c, err := newGreeter(env)
			if err != nil {
				return nil, err
			}
			elector, err := leader.New(env.Config(), types.NamespacedName{Namespace: "default", Name: "greeter"}, &leader.Options{Identity: env.Name(), Logger: env.Logger()})
			if err != nil {
				return nil, err
			}
			elector.Lead(c.(controller.Runner))
			return elector, nil
		},
		Script: []explore.Step{
			explore.Create(configMap("a", "name", "world")), explore.Settle(),
			explore.Update("a", set("name", "moon")), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

// An operator under a lease stands whatever happens to it.
func TestGreeterUnderALease(t *testing.T) {
	result, err := explore.Explore(t, underLease())
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
	leases, err := explore.Explore(t, underLease(), explore.Leases())
	require.NoError(t, err)
	require.Greater(t, leases.Plans, 10)
	require.Zero(t, leases.Idle, "%s", leases)
}
