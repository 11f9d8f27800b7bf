package main

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// seen labels each ConfigMap.
type seen struct {
	configMaps *repository.Live[*corev1.ConfigMap]
}

func (seen) Finalizer() string { return controller.NoFinalizer }

func (s seen) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	want := cm.DeepCopy()
	metav1.SetMetaDataLabel(&want.ObjectMeta, "example.com/seen", "true")
	_, err := s.configMaps.Update(ctx, cm, want)
	return controller.AwaitChange(), err
}

func (seen) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func TestSeenExplored(t *testing.T) {
	newSeen := func(env *explore.Env) (controller.Context[*corev1.ConfigMap], error) {
		repo, err := repository.New[corev1.ConfigMap](env.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		return seen{repo}, err
	}
	kuberator.Reconcile(t, explore.Case[*corev1.ConfigMap]{Kinds: sim.Core("configmaps")}, newSeen,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "world"}})
}
