package explore_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// greeter keeps a Secret with a greeting beside each ConfigMap.
type greeter struct {
	secrets *repository.Live[*corev1.Secret]
}

func (greeter) Finalizer() string { return "example.com/greeter" }

func (g greeter) secret(cm *corev1.ConfigMap) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name}}
	s.APIVersion, s.Kind = "v1", "Secret"
	s.Data = map[string][]byte{"greeting": []byte("hello, " + cm.Data["name"])}
	return s
}

func (g greeter) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	_, err := g.secrets.Apply(ctx, g.secret(cm), "greeter")
	return controller.AwaitChange(), err
}

func (g greeter) Cleanup(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	have, err := g.secrets.Get(ctx, repository.Key(cm))
	if apierrors.IsNotFound(err) {
		return controller.AwaitChange(), nil
	}
	if err == nil {
		err = g.secrets.Delete(ctx, have)
	}
	return controller.AwaitChange(), err
}

// newGreeter makes the operator as its main function does.
func newGreeter(env *explore.Env) (explore.Process, error) {
	configMaps, err := kuberator.Repository[corev1.ConfigMap](env)
	if err != nil {
		return nil, err
	}
	secrets, err := kuberator.Repository[corev1.Secret](env)
	if err != nil {
		return nil, err
	}
	return controller.New(configMaps, greeter{secrets}, &controller.Options{Logger: env.Logger()})
}

func TestGreeter(t *testing.T) {
	explore.Run(t, explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"),
		New:   newGreeter, // as main does, with env.Config()
		Script: []explore.Step{
			explore.Create(configMap("a", "name", "world")), explore.Settle(),
			explore.Update("a", set("name", "moon")), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	})
}
