package controllerruntime_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/clientgo"
)

// The controllers of the guide do the same: one writes nothing where the other has been.
func TestTheControllerFromClientGoChangesNothing(t *testing.T) {
	before := func(ctx context.Context, client kubernetes.Interface) error {
		factory := informers.NewSharedInformerFactory(client, 0)
		c, err := clientgo.NewController(client, factory)
		if err != nil {
			return err
		}
		factory.StartWithContext(ctx)
		defer factory.Shutdown()
		return c.Run(ctx, 2)
	}
	after := func(ctx context.Context, client kubernetes.Interface) error { return clientgo.Run(ctx, client, nil) }
	for name, order := range map[string][2]func(context.Context, kubernetes.Interface) error{"forth": {before, after}, "back": {after, before}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := &envtest.Environment{}
				cfg, err := env.Start()
				require.NoError(t, err)
				defer env.Stop()
				client, err := kubernetes.NewForConfig(cfg)
				require.NoError(t, err)
				labels := map[string]string{"app": "web"}
				web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}}}
				web.Spec.Template.Labels, web.Spec.Template.Spec.Containers = labels, []corev1.Container{{Name: "web", Image: "web:1"}}
				_, err = client.AppsV1().Deployments("default").Create(t.Context(), web, metav1.CreateOptions{})
				require.NoError(t, err)
				run := func(f func(context.Context, kubernetes.Interface) error) {
					runFor(t, func(ctx context.Context) error { return f(ctx, client) })
				}
				budgets := client.PolicyV1().PodDisruptionBudgets("default")
				run(order[0])
				_, err = budgets.Get(t.Context(), "web", metav1.GetOptions{})
				require.NoError(t, err)
				rv := env.Server().RV()
				run(order[1])
				require.Equal(t, rv, env.Server().RV(), "something was written")
				require.NoError(t, budgets.Delete(t.Context(), "web", metav1.DeleteOptions{}))
				run(order[1])
				_, err = budgets.Get(t.Context(), "web", metav1.GetOptions{})
				require.NoError(t, err)
			})
		})
	}
}
