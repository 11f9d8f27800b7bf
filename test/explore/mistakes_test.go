package explore_test

import (
	"flag"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
)

// long leaves a test to test-cluster, which runs all at full size.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes long with the race detector")
	}
}

var rounds = flag.Int("rounds", 1, "how often the operators of the tests are explored")

// requireMistakes explores an operator without a mistake, which must be clean, and with each of some
// mistakes, which must be found by the same plan each time; or, if it shows without any fault, by an
// error.
func requireMistakes[T explore.Object](t *testing.T, of func(mistake string) explore.Case[T], foundBy map[string]string) {
	t.Helper()
	mistakes := slices.Sorted(maps.Keys(foundBy))
	var opts []explore.Option
	if testing.Short() { // it takes ten times as long with the race detector
		mistakes, opts = nil, []explore.Option{explore.Crashes(1), explore.Stale()}
	}
	for range *rounds {
		result, err := explore.Explore(t, of(""), opts...)
		require.NoError(t, err)
		require.Empty(t, result.Failures, "%s", result)
		require.Zero(t, result.Idle, "%s", result)
		for _, mistake := range mistakes {
			plan := foundBy[mistake]
			result, err := explore.Explore(t, of(mistake))
			if _, noPlan := explore.ParsePlan(plan); noPlan != nil {
				require.ErrorContains(t, err, plan, mistake)
				continue
			}
			require.NoError(t, err, mistake)
			var found []string
			for _, f := range result.Failures {
				found = append(found, f.Plan.String())
			}
			require.Contains(t, found, plan, "%s: %s", mistake, result)
		}
	}
}

// mapsAndSecrets are what many an operator works with.
func mapsAndSecrets(env *explore.Env) (*repository.Live[*corev1.ConfigMap], *repository.Live[*corev1.Secret], error) {
	maps, err := kuberator.Repository[corev1.ConfigMap](env)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := kuberator.Repository[corev1.Secret](env)
	return maps, secrets, err
}
