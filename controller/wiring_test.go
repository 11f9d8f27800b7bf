package controller_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
)

type configMaps = informer.Informer[*corev1.ConfigMap]

// idleSource does nothing until its ctx ends.
func idleSource(ctx context.Context, _ func(types.NamespacedName)) error {
	<-ctx.Done()
	return nil
}

// Kills: a wiring that cannot work, and panics or is silent when it runs.
func TestWiringThatCannotWorkIsAnErrorOfRun(t *testing.T) {
	var none informer.Predicate[*corev1.ConfigMap]
	for says, wire := range map[string]func(*harness, *configMaps){
		"Owns of *v1.ConfigMap: the informer is nil":       func(b *harness, _ *configMaps) { controller.Owns(b.c, (*configMaps)(nil)) },
		"OwnsShared of *v1.ConfigMap: the informer is nil": func(b *harness, _ *configMaps) { controller.OwnsShared(b.c, (*configMaps)(nil)) },
		"Watches of *v1.ConfigMap: the informer is nil":    func(b *harness, _ *configMaps) { controller.Watches(b.c, nil, toA) },
		"References of *v1.ConfigMap: the informer is nil": func(b *harness, _ *configMaps) { controller.References(b.c, (*configMaps)(nil)) },
		"Watches of *v1.ConfigMap: the function is nil":    func(b *harness, in *configMaps) { controller.Watches(b.c, in, nil) },
		"Source: the function is nil":                      func(b *harness, _ *configMaps) { b.c.Source(nil) },
		"Owns of *v1.ConfigMap: a predicate is nil":        func(b *harness, in *configMaps) { controller.Owns(b.c, in, none) },
		"Watches of *v1.ConfigMap: a predicate is nil":     func(b *harness, in *configMaps) { controller.Watches(b.c, in, toA, none) },
		"References of *v1.ConfigMap: a predicate is nil": func(b *harness, in *configMaps) {
			controller.References(b.c, in, informer.LabelsChanged[*corev1.ConfigMap], nil)
		},
		"Filter: a predicate is nil":    func(b *harness, _ *configMaps) { b.c.Filter(nil) },
		"Filter: it was called already": func(b *harness, _ *configMaps) { b.c.Filter(); b.c.Filter() },
		"Owns of *v1.ConfigMap: the informer was given to it already": func(b *harness, in *configMaps) {
			controller.Owns(b.c, in)
			controller.Owns(b.c, in)
		},
		"References of *v1.ConfigMap: the informer was given to it already": func(b *harness, in *configMaps) {
			controller.References(b.c, in)
			controller.References(b.c, in)
		},
	} {
		t.Run(says, func(t *testing.T) {
			inBubble(t, func(b *harness) {
				in, _ := b.children()
				b.make()
				wire(b, in)
				ctx, cancel := context.WithTimeout(b.t.Context(), time.Hour)
				defer cancel()
				for range 2 { // it does not become right by itself
					require.ErrorContains(t, b.c.Run(ctx), `run controller "deployment": it is wired wrongly: `+says)
				}
				require.ErrorContains(t, b.c.ReleaseAll(ctx), says)
				require.Empty(t, b.Requests(), "nothing was begun")
			})
		})
	}
}

// Kills: a second use that is taken for a mistake.
func TestOneInformerMayBeGivenToSeveralFunctions(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		controller.Owns(b.c, in)
		controller.OwnsShared(b.c, in)
		controller.References(b.c, in)
		controller.Watches(b.c, in, toA)
		controller.Watches(b.c, in, func(_, _ *corev1.ConfigMap) []types.NamespacedName { return []types.NamespacedName{nsName("b")} })
		controller.Owns(b.c, b.c.Informer())
		b.run()
		b.settle(time.Minute)
		b.write(repo, "c", data("k", "v"))
		require.ElementsMatch(t, []string{"apply a", "apply b"}, b.settle(time.Minute))
	}, newDeployment("a"), newDeployment("b"))
}

// Kills: a wiring that changes while the controller runs, in silence or in a race.
func TestWiringAfterRunHasNoEffectAndIsAnErrorOfTheNextRun(t *testing.T) {
	inBubble(t, func(b *harness) {
		in, repo := b.children()
		b.make()
		b.run()
		b.settle(time.Minute)
		var all sync.WaitGroup
		for _, wire := range []func(){
			func() { b.c.Filter(func(_, _ *deployment) bool { return false }) },
			func() { controller.Owns(b.c, in) },
			func() { controller.OwnsShared(b.c, in) },
			func() { controller.Watches(b.c, in, toA) },
			func() { controller.References(b.c, in) },
			func() { b.c.Source(idleSource) },
			func() { b.c.RequiredRules() },
			func() { b.edit("a", scale(2)) },
		} {
			all.Go(wire)
		}
		all.Wait()
		require.Equal(t, []string{"apply a"}, b.settle(time.Minute), "the filter is what it was")
		b.write(repo, "c", data("k", "v"))
		require.Empty(t, b.settle(time.Minute), "nobody watches ConfigMaps")
		logged := b.logs.FilterMessage("the controller is wired wrongly")
		require.Equal(t, 6, logged.Len())
		require.Equal(t, zapcore.ErrorLevel, logged.All()[0].Level)

		b.stop()
		require.NoError(t, <-b.done)
		controller.Owns(b.c, in) // an attempt that was abandoned may still read the wiring
		err := b.c.Run(b.t.Context())
		for _, function := range []string{"Filter", "Owns of *v1.ConfigMap", "OwnsShared of *v1.ConfigMap", "Watches of *v1.ConfigMap", "References of *v1.ConfigMap", "Source"} {
			require.ErrorContains(t, err, function+": it was called after Run or ReleaseAll, and has no effect")
		}
		b.stop = nil
	}, newDeployment("a"))
}

// Kills: a default of one worker.
func TestAnApplyThatHangsDoesNotKeepOtherObjects(t *testing.T) {
	inBubble(t, func(b *harness) {
		b.opts.Workers = 0
		leave := make(chan struct{})
		defer close(leave)
		b.user.ApplyFunc = func(_ context.Context, d *deployment) (action, error) {
			if d.Name == "hangs" {
				<-leave
			}
			return controller.AwaitChange(), nil
		}
		b.start()
		b.settle(time.Minute)
		b.create("other")
		require.Equal(t, []string{"apply other"}, b.settle(time.Minute))
	}, newDeployment("hangs"))
}
