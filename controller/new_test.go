package controller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/kubernetes/fake"
	typedappsv1 "k8s.io/client-go/kubernetes/typed/apps/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// hello is the smallest context: New infers both type arguments.
type hello struct{ name string }

func (h hello) Finalizer() string { return h.name }

func (hello) Apply(context.Context, *deployment) (action, error) {
	return controller.AwaitChange(), nil
}

func (hello) Cleanup(context.Context, *deployment) (action, error) {
	return controller.AwaitChange(), nil
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	cs := fake.NewClientset()
	gvk := appsv1.SchemeGroupVersion.WithKind("Deployment")
	repo := repository.FromClient(cs, gvk, cs.AppsV1().Deployments)
	good := hello{"example.com/hello"}
	_, err := controller.New(repo, good, nil)
	require.NoError(t, err)

	_, err = controller.New[*deployment](nil, good, nil)
	require.ErrorContains(t, err, "the repository is nil")
	_, err = controller.New((*repository.Live[*deployment])(nil), good, nil)
	require.ErrorContains(t, err, "the repository is nil")
	_, err = controller.New[*deployment](repo, (*hello)(nil), nil)
	require.ErrorContains(t, err, "the context is nil")
	var none func(string) typedappsv1.DeploymentInterface
	_, err = controller.New(repository.FromClient(cs, gvk, none), good, nil)
	require.ErrorContains(t, err, "the client is nil")
	require.ErrorContains(t, controller.Run(t.Context(), repo, hello{}, nil), `finalizer name ""`)

	for name, says := range map[string]string{"": "it is empty", "cleanup": "needs a domain", "kubernetes.io/x": "reserved"} {
		_, err = controller.New(repo, hello{name}, nil)
		require.ErrorContains(t, err, "new controller of Deployment: finalizer name")
		require.ErrorContains(t, err, says)
	}
	_, err = controller.New(repo, controller.Funcs[*deployment]{}, nil)
	require.ErrorContains(t, err, "it is empty")
	_, err = controller.New(repo, controller.Funcs[*deployment]{FinalizerName: controller.NoFinalizer, CleanupFunc: good.Cleanup}, nil)
	require.ErrorContains(t, err, "never be called")
	for _, opts := range []controller.Options{
		{Workers: -1}, {MinBackoff: -1}, {MinBackoff: time.Hour, MaxBackoff: time.Minute}, {Grace: -1}, {SlowDeletion: -1},
	} {
		_, err = controller.New(repo, good, &opts)
		require.ErrorContains(t, err, "options: ")
	}
	confined := repository.FromClient(cs, gvk, cs.AppsV1().Deployments, repository.InNamespaces("a"))
	_, err = controller.New(confined, good, &controller.Options{Informer: informer.Options{Namespaces: []string{"b"}}})
	require.ErrorContains(t, err, "confined to [a]")
}

func TestDefaults(t *testing.T) {
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	c, err := controller.New(repo, hello{"example.com/hello"}, &controller.Options{MinBackoff: time.Hour})
	require.NoError(t, err, "a MinBackoff above the default MaxBackoff raises it")
	require.Equal(t, "deployment", c.Name())
	require.NotNil(t, c.Informer())
}

func TestActions(t *testing.T) {
	require.Equal(t, controller.Action{}, controller.AwaitChange())
	_, ok := controller.AwaitChange().After()
	require.False(t, ok)
	d, ok := controller.Requeue(-time.Second).After()
	require.True(t, ok)
	require.Zero(t, d)
	require.Equal(t, "await change", controller.AwaitChange().String())
	require.Equal(t, "requeue after 1m0s", controller.Requeue(time.Minute).String())
}
