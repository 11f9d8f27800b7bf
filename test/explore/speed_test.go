package explore_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// many writes a number of Secrets for each ConfigMap.
type many struct {
	secrets *repository.Live[*corev1.Secret]
	n       int
}

func (many) Finalizer() string { return "example.com/many" }

func (m many) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	for i := range m.n {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: fmt.Sprintf("%s-%d", cm.Name, i)}}
		s.APIVersion, s.Kind = "v1", "Secret"
		if err := repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s); err != nil {
			return controller.AwaitChange(), err
		}
		if _, err := m.secrets.Apply(ctx, s, "many"); err != nil {
			return controller.AwaitChange(), err
		}
	}
	return controller.AwaitChange(), nil
}

func (many) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// The budget for a reconciler with 20 writes is 10 s, without the race detector; with -short
// there are 8 writes.
func TestTwentyWrites(t *testing.T) {
	writes, plans := 20, 150
	if testing.Short() {
		writes, plans = 8, 60
	}
	result, err := explore.Explore(t, mapCase{
		Kinds: sim.Core("configmaps", "secrets"), Script: []explore.Step{explore.Create(configMap("a")), explore.Settle(), explore.Delete("a")},
		New: func(env *explore.Env) (explore.Process, error) {
			repo, secrets, err := mapsAndSecrets(env)
			if err != nil {
				return nil, err
			}
			return controller.New(repo, many{secrets, writes - 2}, &controller.Options{Logger: env.Logger()})
		},
	})
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
	require.Equal(t, writes, result.Writes)
	require.Greater(t, result.Plans, plans)
	t.Logf("%s", result)
}
