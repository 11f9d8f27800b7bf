package explore_test

import (
	"context"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/explore/kuberator"
	"github.com/kuberator/kuberator/test/sim"
)

// apps runs a Deployment behind a Service for each ReplicaSet, a kind that stands for one of its own, and
// says in the status how many Pods are available. mistake is what a test has it do wrong.
type apps struct {
	parents     *repository.Live[*appsv1.ReplicaSet]
	deployments *repository.Live[*appsv1.Deployment]
	services    *repository.Live[*corev1.Service]
	mistake     string
}

func (apps) Finalizer() string { return controller.NoFinalizer }

func (apps) Cleanup(context.Context, *appsv1.ReplicaSet) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func (a apps) Apply(ctx context.Context, app *appsv1.ReplicaSet) (controller.Action, error) {
	deployment, err := a.deployment(ctx, app)
	if err == nil {
		err = a.service(ctx, app)
	}
	if err != nil {
		if a.mistake == "gives up" && kerr.ClassOf(err) != kerr.ClassConflict {
			err = nil
		}
		return controller.AwaitChange(), err
	}
	want := app.Status
	want.ObservedGeneration, want.AvailableReplicas = app.Generation, deployment.Status.AvailableReplicas
	switch a.mistake {
	case "never clears":
		want.AvailableReplicas = max(want.AvailableReplicas, app.Status.AvailableReplicas)
	case "counts":
		want.FullyLabeledReplicas++
	}
	_, err = status.Patch(ctx, a.parents, app, want)
	return controller.AwaitChange(), err
}

func (a apps) deployment(ctx context.Context, app *appsv1.ReplicaSet) (*appsv1.Deployment, error) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}
	d.Spec.Replicas, d.Spec.Selector, d.Spec.Template = app.Spec.Replicas, app.Spec.Selector, app.Spec.Template
	if err := repository.SetController(app, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), d); err != nil {
		return nil, err
	}
	if a.mistake != "replaces" {
		return a.deployments.Apply(ctx, d, "apps")
	}
	// It deletes what differs, and creates it anew.
	got, err := a.deployments.Get(ctx, repository.Key(d))
	if err == nil && *got.Spec.Replicas == *d.Spec.Replicas {
		return got, nil
	}
	if err == nil {
		err = a.deployments.Delete(ctx, got)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	return a.deployments.Create(ctx, d)
}

func (a apps) service(ctx context.Context, app *appsv1.ReplicaSet) error {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: app.Name}}
	s.Spec.Selector, s.Spec.Ports = app.Spec.Selector.MatchLabels, []corev1.ServicePort{{Port: 80}}
	if err := repository.SetController(app, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"), s); err != nil {
		return err
	}
	_, err := a.services.Apply(ctx, s, "apps")
	return err
}

func newApps(env *explore.Env, mistake string) (explore.Process, error) {
	a := apps{mistake: mistake}
	var err error
	if a.parents, err = kuberator.Repository[appsv1.ReplicaSet](env); err != nil {
		return nil, err
	}
	if a.deployments, err = kuberator.Repository[appsv1.Deployment](env); err != nil {
		return nil, err
	}
	if a.services, err = kuberator.Repository[corev1.Service](env); err != nil {
		return nil, err
	}
	c, err := controller.New(a.parents, a, &controller.Options{Logger: env.Logger()})
	if err != nil {
		return nil, err
	}
	deployments, err := informer.New(a.deployments, nil)
	if err != nil {
		return nil, err
	}
	services, err := informer.New(a.services, nil)
	if err != nil {
		return nil, err
	}
	controller.Owns(c, deployments)
	controller.Owns(c, services)
	return c, nil
}

func app(name string, replicas int32) *appsv1.ReplicaSet {
	labels := map[string]string{"app": name}
	app := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Name: name}}
	app.Spec.Replicas, app.Spec.Selector = new(replicas), &metav1.LabelSelector{MatchLabels: labels}
	app.Spec.Template.Labels = labels
	app.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/app:1"}}
	return app
}

func appsCase(mistake string) explore.Case[*appsv1.ReplicaSet] {
	return explore.Case[*appsv1.ReplicaSet]{
		Kinds: sim.Core("replicasets.apps", "deployments.apps", "services", "pods"),
		New:   func(env *explore.Env) (explore.Process, error) { return newApps(env, mistake) },
		Script: []explore.Step{
			explore.Create(app("a", 1)), explore.Settle(),
			explore.DeploymentAvailable("a"), explore.Settle(),
			explore.Update("a", func(a *appsv1.ReplicaSet) { a.Spec.Replicas = new(int32(2)) }), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		},
	}
}

func TestApps(t *testing.T) {
	long(t)
	requireMistakes(t, appsCase, map[string]string{
		"gives up":     "apply deployments.apps default/a: rejected-500",
		"never clears": "step 3: revert",
		"replaces":     "step 5: revert",
		"counts":       "apply services default/a: committed+crash",
	})
}
