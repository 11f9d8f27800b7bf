package clientgo

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

var deployment = appsv1.SchemeGroupVersion.WithKind("Deployment")

// Run gives each Deployment a PodDisruptionBudget, until ctx ends.
func Run(ctx context.Context, client kubernetes.Interface, opts *controller.Options) error {
	deployments := repository.FromClient(client, deployment, client.AppsV1().Deployments)
	budgets := repository.FromClient(client, policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), client.PolicyV1().PodDisruptionBudgets)
	cache, err := informer.New(budgets, nil)
	if err != nil {
		return err
	}
	c, err := controller.New(deployments, controller.Funcs[*appsv1.Deployment]{
		FinalizerName: controller.NoFinalizer, // the budget goes with its owner
		ApplyFunc: func(ctx context.Context, d *appsv1.Deployment) (controller.Action, error) {
			budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name}}
			_, err := budgets.Ensure(ctx, budget, func(budget *policyv1.PodDisruptionBudget) error {
				budget.Spec = policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(1)), Selector: d.Spec.Selector}
				return repository.SetController(d, deployment, budget) // an error if it is somebody else's
			})
			return controller.AwaitChange(), err
		},
	}, opts)
	if err != nil {
		return err
	}
	controller.Owns(c, cache)
	return c.Run(ctx)
}
