package main

import (
	"context"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
)

func rolloutCase(newProcess func(env *explore.Env) (explore.Process, error)) explore.Case[*appsv1.Deployment] {
	return explore.Case[*appsv1.Deployment]{
		Kinds: kinds(),
		New:   newProcess,
		Script: []explore.Step{
			explore.Create(settings("red")), explore.Create(token("a")), explore.Create(web()), explore.Settle(),
			explore.UpdateObject(settings(""), func(cm *corev1.ConfigMap) { cm.Data["color"] = "blue" }), explore.Settle(),
			explore.DeleteObject(token("")), explore.Settle(), // nothing happens until it is there again
			explore.Create(token("b")), explore.Settle(),
		},
	}
}

func TestExplored(t *testing.T) {
	trial.Explored(t, rolloutCase(func(env *explore.Env) (explore.Process, error) {
		all, err := newControllers(env.Config(), &event.FakeRecorder{}, func() *controller.Options { return &controller.Options{Logger: env.Logger()} })
		return explore.RunFunc(func(ctx context.Context) error { return controller.RunAll(ctx, all...) }), err
	}))
}

// watchful restarts Pods when it sees a change, which it keeps in memory until then.
type watchful struct {
	roller[*appsv1.Deployment]
	mu      sync.Mutex
	changed bool
}

func (w *watchful) apply(ctx context.Context, have *appsv1.Deployment) (controller.Action, error) {
	w.mu.Lock()
	changed := w.changed
	w.changed = false
	w.mu.Unlock()
	hash, absent, err := w.config.hash(ctx, have.Namespace, usesOf(&have.Spec.Template.Spec))
	if err != nil || len(absent) > 0 {
		return controller.AwaitChange(), err
	}
	if !changed && have.Spec.Template.Annotations[AnnotationHash] != "" {
		return controller.AwaitChange(), nil
	}
	return controller.AwaitChange(), w.write(ctx, have, hash)
}

// see is called with each change of a ConfigMap or Secret.
func (w *watchful) see(before, after *unstructured.Unstructured) []types.NamespacedName {
	if before == nil || after == nil || !digestChanged(before, after) {
		return nil
	}
	w.mu.Lock()
	w.changed = true
	w.mu.Unlock()
	return []types.NamespacedName{{Namespace: "default", Name: "web"}}
}

// A process ends between the change that it has seen and the restart, and the next one knows nothing of it.
func TestAChangeThatIsKeptInMemoryIsLost(t *testing.T) {
	trial.Finds(t, rolloutCase(func(env *explore.Env) (explore.Process, error) {
		config, err := newCaches(env.Config(), nil)
		if err != nil {
			return nil, err
		}
		repo, err := repository.New[appsv1.Deployment](env.Config(), scheme.Scheme, appsv1.SchemeGroupVersion.WithResource("deployments"))
		if err != nil {
			return nil, err
		}
		w := &watchful{roller: roller[*appsv1.Deployment]{
			workloads: repo, config: config, events: &event.FakeRecorder{},
			template: func(d *appsv1.Deployment) *corev1.PodTemplateSpec { return &d.Spec.Template },
		}}
		c, err := controller.New(repo, controller.Funcs[*appsv1.Deployment]{FinalizerName: controller.NoFinalizer, ApplyFunc: w.apply}, &controller.Options{Logger: env.Logger()})
		if err != nil {
			return nil, err
		}
		for _, cache := range config {
			controller.References(c, cache, digestChanged)
			controller.Watches(c, cache, w.see)
		}
		return c, nil
	}), "patch deployments.apps default/web #2: not-sent+crash", explore.Crashes(1))
}
