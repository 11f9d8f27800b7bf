package kuberator_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// labeller writes a Secret for each ConfigMap.
func labeller(secrets *repository.Live[*corev1.Secret]) controller.Context[*corev1.ConfigMap] {
	return controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
			s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name}}
			s.APIVersion, s.Kind = "v1", "Secret"
			if err := repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), s); err != nil {
				return controller.AwaitChange(), err
			}
			_, err := secrets.Apply(ctx, s, "labeller")
			return controller.AwaitChange(), err
		},
	}
}

func newLabeller(env *explore.Env) (controller.Context[*corev1.ConfigMap], error) {
	secrets, err := kuberator.Repository[corev1.Secret](env)
	return labeller(secrets), err
}

// Without a script, an object is created and deleted.
func ExampleReconcile() {
	_ = func(t *testing.T) { // func TestLabeller(t *testing.T) {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
		kuberator.Reconcile(t, explore.Case[*corev1.ConfigMap]{Kinds: sim.Core("configmaps", "secrets")}, newLabeller, object)
	}
}

func TestReconcile(t *testing.T) {
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
	kuberator.Reconcile(t, explore.Case[*corev1.ConfigMap]{Kinds: sim.Core("configmaps", "secrets")}, newLabeller, object)
}

func TestRepositoryOfAKindThatIsNotServed(t *testing.T) {
	_, err := explore.Explore(t, explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps"), Script: []explore.Step{explore.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}})},
		New: func(env *explore.Env) (explore.Process, error) {
			_, err := kuberator.Repository[corev1.Secret](env)
			return nil, err
		},
	})
	require.ErrorContains(t, err, "add it to Case.Kinds")
}
