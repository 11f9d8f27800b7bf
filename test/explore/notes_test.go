package explore_test

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
)

var (
	configMaps = corev1.SchemeGroupVersion.WithResource("configmaps")
	secrets    = corev1.SchemeGroupVersion.WithResource("secrets")
)

// notes keeps a Secret beside each ConfigMap, with its data.
type notes struct {
	secrets *repository.Live[*corev1.Secret]
	cache   *informer.Informer[*corev1.Secret]
}

func (notes) Finalizer() string { return "example.com/notes" }

func (n notes) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	want := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name}, StringData: map[string]string{}}
	want.Data = map[string][]byte{}
	for k, v := range cm.Data {
		want.Data[k] = []byte(v)
	}
	want.StringData = nil
	if err := repository.SetController(cm, corev1.SchemeGroupVersion.WithKind("ConfigMap"), want); err != nil {
		return controller.AwaitChange(), err
	}
	have, err := n.cache.Get(ctx, repository.Key(want))
	switch {
	case apierrors.IsNotFound(err):
		_, err = n.secrets.Create(ctx, want)
		return controller.AwaitChange(), err
	case err != nil:
		return controller.AwaitChange(), err
	}
	next := have.DeepCopy()
	next.Data = want.Data
	_, err = n.secrets.Update(ctx, have, next)
	return controller.AwaitChange(), err
}

func (n notes) Cleanup(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	have, err := n.cache.Get(ctx, repository.Key(cm))
	switch {
	case apierrors.IsNotFound(err):
		return controller.AwaitChange(), nil
	case err != nil:
		return controller.AwaitChange(), err
	}
	return controller.AwaitChange(), n.secrets.Delete(ctx, have)
}

func newNotes(env *explore.Env) (explore.Process, error) {
	maps, err := repository.New[corev1.ConfigMap](env.Config(), scheme.Scheme, configMaps)
	if err != nil {
		return nil, err
	}
	secrets, err := repository.New[corev1.Secret](env.Config(), scheme.Scheme, secrets)
	if err != nil {
		return nil, err
	}
	cache, err := informer.New(secrets, nil)
	if err != nil {
		return nil, err
	}
	c, err := controller.New(maps, notes{secrets, cache}, &controller.Options{Logger: env.Logger()})
	if err != nil {
		return nil, err
	}
	controller.References(c, cache)
	return c, nil
}

func configMap(name string, data ...string) *corev1.ConfigMap {
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{}}
	for i := 0; i+1 < len(data); i += 2 {
		cm.Data[data[i]] = data[i+1]
	}
	return cm
}

func set(key, value string) func(*corev1.ConfigMap) {
	return func(cm *corev1.ConfigMap) { cm.Data = map[string]string{key: value} }
}

var _ = schema.GroupVersionKind{}
