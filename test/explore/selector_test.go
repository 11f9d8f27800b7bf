package explore_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// politeGreeter greets only ConfigMaps that want it.
type politeGreeter struct{ greeter }

func (politeGreeter) Selects(cm *corev1.ConfigMap) bool { return cm.Labels["greet"] == "true" }

func wants(yes bool) func(*corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) {
		cm.Labels = nil
		if yes {
			cm.Labels = map[string]string{"greet": "true"}
		}
	}
}

// The label comes and goes: nothing of the operator stays behind, whatever fails.
func TestG22SelectorExplored(t *testing.T) {
	c := mapCase{
		Kinds: sim.Core("configmaps", "secrets"),
		New: func(env *explore.Env) (explore.Process, error) {
			configMaps, err := kuberator.Repository[corev1.ConfigMap](env)
			if err != nil {
				return nil, err
			}
			secrets, err := kuberator.Repository[corev1.Secret](env)
			if err != nil {
				return nil, err
			}
			return controller.New(configMaps, politeGreeter{greeter{secrets}}, &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(configMap("a", "name", "world")), explore.Settle(),
			explore.Update("a", wants(true)), explore.Settle(),
			explore.Update("a", wants(false)), explore.Settle(),
			explore.Update("a", wants(true)), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
	var opts []explore.Option
	if testing.Short() {
		opts = append(opts, explore.Crashes(1), explore.Transitions())
	}
	result, err := explore.Explore(t, c, opts...)
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
	require.Positive(t, result.Plans)
}
