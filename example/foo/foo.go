// Command foo is the operator of Kubernetes' sample-controller, which many know: a Foo has a Deployment with a
// name and a number of replicas, and shows in its status how many of them are available.
package main

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/foo/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

const (
	labelFoo = "foo.kuberator.dev/foo-uid" // the name of a Foo may be too long for a label
	image    = "nginx:1.29"
	byOwner  = "owner" // the index of Deployments by the UID of their controller
)

var (
	synced         = event.Normal("Synced", "Deploy")
	resourceExists = event.Warning("ErrResourceExists", "Deploy")
)

// errNotOurs is why a Deployment is left alone.
var errNotOurs = errors.New("there is a Deployment of this name that this Foo does not control")

// keeper keeps the Deployments of Foos.
type keeper struct {
	foos        *repository.Live[*v1alpha1.Foo]
	deployments *repository.Live[*appsv1.Deployment]
	cache       *informer.Informer[*appsv1.Deployment]
	events      event.Recorder
}

// apply makes the Deployment as the Foo asks for, and says what there is of it.
func (k *keeper) apply(ctx context.Context, foo *v1alpha1.Foo) (controller.Action, error) {
	deployment, err := k.ensure(ctx, foo)
	if errors.Is(err, errNotOurs) {
		k.events.Eventf(foo, nil, resourceExists, "Deployment %s: %v", foo.Spec.DeploymentName, errNotOurs)
		return controller.AwaitChange(), nil // when it is gone, that is a change of what was read
	}
	if err == nil {
		err = k.prune(ctx, foo)
	}
	if err == nil {
		err = k.report(ctx, foo, deployment)
	}
	if err == nil {
		k.events.Eventf(foo, deployment, synced, "Foo synced successfully")
	}
	return controller.AwaitChange(), err
}

// ensure creates or updates the Deployment. It writes only what differs.
func (k *keeper) ensure(ctx context.Context, foo *v1alpha1.Foo) (*appsv1.Deployment, error) {
	named := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: foo.Namespace, Name: foo.Spec.DeploymentName}}
	return k.deployments.Ensure(ctx, named, func(d *appsv1.Deployment) error {
		if d.UID != "" && !metav1.IsControlledBy(d, foo) {
			return errNotOurs
		}
		labels := map[string]string{labelFoo: string(foo.UID)}
		if d.UID == "" {
			d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		}
		d.Spec.Replicas, d.Spec.Template.Labels = foo.Spec.Replicas, labels
		pod := &d.Spec.Template.Spec
		if len(pod.Containers) != 1 {
			pod.Containers = make([]corev1.Container, 1)
		}
		pod.Containers[0].Name, pod.Containers[0].Image = "nginx", image // the rest are defaults of the server
		return repository.SetController(foo, v1alpha1.GroupVersion().WithKind("Foo"), d)
	})
}

// prune deletes the Deployments that the Foo had under other names.
func (k *keeper) prune(ctx context.Context, foo *v1alpha1.Foo) error {
	owned, err := k.cache.ByIndex(ctx, byOwner, string(foo.UID))
	for _, d := range owned {
		if err == nil && d.Name != foo.Spec.DeploymentName {
			err = k.deployments.Delete(ctx, d, repository.IfUnchanged())
		}
	}
	return err
}

func (k *keeper) report(ctx context.Context, foo *v1alpha1.Foo, d *appsv1.Deployment) error {
	foo.Status.AvailableReplicas = d.Status.AvailableReplicas
	_, err := status.Patch(ctx, k.foos, foo, foo.Status)
	return err
}
