package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/foo/api/v1alpha1"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func aFoo(name, deployment string) *v1alpha1.Foo {
	foo := &v1alpha1.Foo{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	foo.Spec.DeploymentName, foo.Spec.Replicas = deployment, new(int32(1))
	return foo
}

// foreign is a Deployment that somebody else made.
func foreign(name string) *appsv1.Deployment {
	labels := map[string]string{"app": "other"}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "other", Image: "other"}}
	return d
}

func kinds() []sim.Kind { return append(sim.Core("deployments.apps"), sim.CRD(crd)...) }

// With the rights of the manifests. A Deployment that is not the Foo's is left alone, and told of; when it
// is gone, the Foo gets its own.
func TestAForeignDeploymentIsLeftAlone(t *testing.T) {
	p := trial.Of(program())
	synctest.Test(t, func(t *testing.T) {
		events := &event.FakeRecorder{}
		trial.Run(t, kinds(), p, func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
			return newController(cfg, events, opts)
		}, func(ctx context.Context, cfg *rest.Config) {
			foos, err := repository.New[v1alpha1.Foo](cfg, types(), v1alpha1.GroupVersion().WithResource("foos"))
			require.NoError(t, err)
			deployments := kubernetes.NewForConfigOrDie(cfg).AppsV1().Deployments("default")
			_, err = deployments.Create(ctx, foreign("web"), metav1.CreateOptions{})
			require.NoError(t, err)
			foo, err := foos.Create(ctx, aFoo("a", "web"))
			require.NoError(t, err)
			time.Sleep(time.Second)

			require.NoError(t, deployments.Delete(ctx, "web", metav1.DeleteOptions{}))
			time.Sleep(time.Second)
			d, err := deployments.Get(ctx, "web", metav1.GetOptions{})
			require.NoError(t, err)
			require.True(t, metav1.IsControlledBy(d, foo))
			require.Equal(t, image, d.Spec.Template.Spec.Containers[0].Image)

			foo, err = foos.Get(ctx, repository.Key(foo))
			require.NoError(t, err)
			after := foo.DeepCopy()
			after.Spec.DeploymentName = "api"
			_, err = foos.Update(ctx, foo, after)
			require.NoError(t, err)
			time.Sleep(time.Second)
			list, err := deployments.List(ctx, metav1.ListOptions{})
			require.NoError(t, err)
			require.Len(t, list.Items, 1)
			require.Equal(t, "api", list.Items[0].Name)
		})
		var told []string
		for _, e := range events.Events() {
			told = append(told, e.String())
		}
		// How often is not determined: if the cache shows the foreign Deployment late, that is another attempt.
		require.Equal(t, []string{
			"Warning ErrResourceExists default/a: Deployment web: " + errNotOurs.Error(), "Normal Synced default/a: Foo synced successfully",
		}, slices.Compact(told))
	})
}

func fooCase(apply func(*keeper) func(context.Context, *v1alpha1.Foo) (controller.Action, error)) explore.Case[*v1alpha1.Foo] {
	return explore.Case[*v1alpha1.Foo]{
		Kinds: kinds(), Scheme: types(),
		New: func(env *explore.Env) (explore.Process, error) {
			k, err := newKeeper(env.Config(), &event.FakeRecorder{}, nil)
			if err != nil {
				return nil, err
			}
			return k.controller(apply(k), &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(foreign("old")), explore.Create(aFoo("a", "web")), explore.Create(aFoo("b", "old")), explore.Settle(),
			explore.Update("a", func(foo *v1alpha1.Foo) { foo.Spec.DeploymentName = "api" }), explore.Settle(),
			explore.DeploymentAvailable("api"), explore.Settle(),
			explore.DeleteObject(foreign("old")), explore.Settle(), // b gets its Deployment
			explore.Update("b", func(foo *v1alpha1.Foo) { foo.Spec.Replicas = new(int32(2)) }), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

func TestExplored(t *testing.T) {
	trial.Explored(t, fooCase(func(k *keeper) func(context.Context, *v1alpha1.Foo) (controller.Action, error) { return k.apply }))
}

// forgetful does what sample-controller does.
type forgetful struct{ *keeper }

func (f forgetful) apply(ctx context.Context, foo *v1alpha1.Foo) (controller.Action, error) {
	deployment, err := f.ensure(ctx, foo)
	switch {
	case errors.Is(err, errNotOurs):
		return controller.AwaitChange(), nil
	case err != nil:
		return controller.AwaitChange(), err
	}
	return controller.AwaitChange(), f.report(ctx, foo, deployment)
}

// A Foo is given another name for its Deployment, and the one of before stays.
func TestADeploymentThatIsLeftBehindIsFound(t *testing.T) {
	trial.Finds(t, fooCase(func(k *keeper) func(context.Context, *v1alpha1.Foo) (controller.Action, error) {
		return forgetful{k}.apply
	}),
		"step 5: revert", explore.Transitions())
}
