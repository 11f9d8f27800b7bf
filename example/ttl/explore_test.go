package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func reapCase(newProcess func(env *explore.Env) (explore.Process, error)) explore.Case[*corev1.ConfigMap] {
	return explore.Case[*corev1.ConfigMap]{
		Kinds:      sim.Core("configmaps"),
		New:        newProcess,
		Invariants: []explore.Invariant{{Name: "an object lives as long as its annotation says", Check: inTime}},
		Script: []explore.Step{
			explore.Create(expiring("a", "10m")), explore.Create(expiring("b", "5m")), explore.Wait(9 * time.Minute),
			explore.Update("a", func(cm *corev1.ConfigMap) { cm.Annotations[Annotation] = "20m" }), explore.Wait(12 * time.Minute),
			explore.Settle(),
		},
	}
}

func inTime(_ *explore.View, e explore.Event) error {
	if e.Change == nil || e.Change.Type != watch.Deleted || e.Change.Resource.Resource != "configmaps" {
		return nil
	}
	before := e.Change.Before
	at, err := deadline(before, before.GetAnnotations()[Annotation])
	if err == nil && e.Change.Time.Before(at) {
		err = fmt.Errorf("%s was deleted %s too early", before.GetName(), at.Sub(e.Change.Time))
	}
	return err
}

func TestExplored(t *testing.T) {
	trial.Explored(t, reapCase(func(env *explore.Env) (explore.Process, error) {
		return newController(env.Config(), configMaps, &event.FakeRecorder{}, &controller.Options{Logger: env.Logger()})
	}))
}

// hasty deletes the object whatever its annotation says by now.
type hasty struct{ objects *repository.Live[object] }

func (h hasty) apply(ctx context.Context, obj object) (controller.Action, error) {
	at, err := deadline(obj, obj.Annotations[Annotation])
	if err != nil {
		return controller.AwaitChange(), err
	}
	if left := time.Until(at); left > 0 {
		return controller.Requeue(left), nil
	}
	return controller.AwaitChange(), h.objects.Delete(ctx, obj)
}

// The time is extended while the cache is behind, and the object is deleted all the same.
func TestADeletionWithoutAPreconditionIsFound(t *testing.T) {
	trial.Finds(t, reapCase(func(env *explore.Env) (explore.Process, error) {
		client, err := metadata.NewForConfig(env.Config())
		if err != nil {
			return nil, err
		}
		objects := repository.FromMetadata(client, resource(configMaps), configMaps)
		return controller.New(objects, controller.Funcs[object]{FinalizerName: controller.NoFinalizer, ApplyFunc: hasty{objects}.apply},
			&controller.Options{Logger: env.Logger()})
	}), "step 4: gap", explore.Gaps())
}
