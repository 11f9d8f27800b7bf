package e2e_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/status"
)

// thousand is how many mirrors the load test has.
const thousand = 1000

// TestG9ThousandMirrors creates, changes and deletes a thousand mirrors of two
// copies each. Every mirror is written to exactly as often as needed, whatever the
// events of its copies suggest, and nobody ever loses a race.
func TestG9ThousandMirrors(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand mirrors take most of a minute")
	}
	l := newLoad(t)
	op := startAt(t, newWire(), controller.Options{Workers: 16}, zapcore.DebugLevel)

	l.timed("created", func() { l.each(l.create); l.all("b", 1, 2) })
	l.written(op, "PATCH", "PATCH status")
	l.timed("changed", func() { l.each(l.change); l.all("c", 2, 2) })
	l.written(op, "PATCH", "PATCH status", "PATCH status")
	l.timed("deleted", func() { l.each(l.delete); l.none() })
	l.written(op, "PATCH", "PATCH status", "PATCH status", "PATCH")

	op.stop(t)
	require.NoError(t, l.world.copies()(t.Context()), "copies are left")
	_, forbidden := op.wire.seen()
	require.Empty(t, forbidden)
	for _, entry := range op.log.All() {
		fields := entry.ContextMap()
		require.Less(t, entry.Level, zapcore.InfoLevel, "%v", fields)
		require.NotEqual(t, kerr.ClassConflict.String(), fields["class"], "%v", fields)
	}
}

// load is a thousand mirrors. Those of spec b have copies in namespaces a and b,
// those of spec c in a and c.
type load struct {
	t       *testing.T
	world   *world
	mirrors *informer.Informer[*v1alpha1.ConfigMirror]
}

func newLoad(t *testing.T) *load {
	w := newWorld(t, "load")
	w.configMap("source", map[string]string{"colour": "blue"})
	w.namespace("a", map[string]string{"b": "yes", "c": "yes"})
	w.namespace("b", map[string]string{"b": "yes"})
	w.namespace("c", map[string]string{"c": "yes"})
	mirrors, err := informer.New(env.mirrors, nil)
	require.NoError(t, err)
	sub, err := mirrors.Subscribe(t.Context(), eachEvent[*v1alpha1.ConfigMirror]{func() {}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sub.Stop()) })
	require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
	return &load{t, w, mirrors}
}

func (l *load) timed(what string, phase func()) {
	begin := time.Now()
	phase()
	l.t.Logf("%s %d mirrors in %s", what, thousand, time.Since(begin).Round(10*time.Millisecond))
}

func mirrorName(i int) string { return fmt.Sprintf("load-%03d", i) }

// each calls f for every mirror, for eight at the same time.
func (l *load) each(f func(ctx context.Context, i int) error) {
	l.t.Helper()
	numbers, errs := make(chan int), make(chan error, 8)
	for range cap(errs) {
		go func() {
			var failed error
			for i := range numbers {
				if err := f(l.t.Context(), i); err != nil {
					failed = err
				}
			}
			errs <- failed
		}()
	}
	for i := range thousand {
		numbers <- i
	}
	close(numbers)
	for range cap(errs) {
		require.NoError(l.t, <-errs)
	}
}

// create creates a mirror and a source of its own.
func (l *load) create(ctx context.Context, i int) error {
	source := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: mirrorName(i)}, Data: map[string]string{"i": mirrorName(i)}}
	namespace := l.world.full("source")
	if _, err := env.client.CoreV1().ConfigMaps(namespace).Create(ctx, source, metav1.CreateOptions{}); err != nil {
		return err
	}
	_, err := env.mirrors.Create(ctx, &v1alpha1.ConfigMirror{
		ObjectMeta: metav1.ObjectMeta{Name: mirrorName(i)},
		Spec: v1alpha1.ConfigMirrorSpec{
			Source:            v1alpha1.Source{Namespace: namespace, Name: mirrorName(i)},
			NamespaceSelector: metav1.LabelSelector{MatchLabels: map[string]string{"b": "yes"}},
		},
	})
	return err
}

// change moves one of a mirror's two copies to another namespace.
func (l *load) change(ctx context.Context, i int) error {
	before, err := l.mirrors.Get(ctx, l.key(i))
	if err != nil {
		return err
	}
	after := before.DeepCopy()
	after.Spec.NamespaceSelector.MatchLabels = map[string]string{"c": "yes"}
	_, err = env.mirrors.Update(ctx, before, after)
	return err
}

func (l *load) delete(ctx context.Context, i int) error {
	m, err := l.mirrors.Get(ctx, l.key(i))
	if err != nil {
		return err
	}
	return env.mirrors.Delete(ctx, m)
}

// all waits until every mirror is settled at the generation, and its copies are
// where its spec says.
func (l *load) all(selected string, generation int64, copies int32) {
	l.t.Helper()
	poll(l.t, 200*time.Millisecond, 3*time.Minute, func(ctx context.Context) error {
		mirrors, err := l.mirrors.List(ctx)
		if err != nil {
			return err
		}
		settled := 0
		for _, m := range mirrors {
			if m.Generation == generation && status.Observed(m, m.Status.ObservedGeneration) && m.Status.Copies == copies && reasonOf(m) == v1alpha1.ReasonMirrored {
				settled++
			}
		}
		if settled < thousand {
			return fmt.Errorf("%d of %d mirrors are settled", settled, thousand)
		}
		return nil
	})
	for _, namespace := range []string{"a", selected} {
		list, err := env.client.CoreV1().ConfigMaps(l.world.full(namespace)).List(l.t.Context(), metav1.ListOptions{})
		require.NoError(l.t, err)
		require.Len(l.t, list.Items, thousand, "copies in %s", namespace)
	}
}

func (l *load) none() {
	l.t.Helper()
	poll(l.t, 200*time.Millisecond, 3*time.Minute, func(ctx context.Context) error {
		left, err := l.mirrors.List(ctx)
		if len(left) > 0 {
			return fmt.Errorf("%d mirrors are left", len(left))
		}
		return err
	})
}
