package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

// family makes every kind of write: for each widget a child that says its size, by
// Create and Update, and while the size is zero an extra one, by server-side apply.
type family struct {
	widgets  *repository.Live[*Widget]
	live     *repository.Live[*corev1.ConfigMap]
	children *informer.Informer[*corev1.ConfigMap]
	mu       sync.Mutex
	applied  map[string]int64 // the generation
}

func (f *family) Finalizer() string { return ours }

func (f *family) Apply(ctx context.Context, obj *Widget) (controller.Action, error) {
	for _, step := range []func(context.Context, *Widget) error{f.child, f.extra} {
		if err := step(ctx, obj); err != nil {
			return controller.AwaitChange(), err
		}
	}
	if _, err := status.Patch(ctx, f.widgets, obj, WidgetStatus{Size: obj.Spec.Size, Note: "seen"}); err != nil {
		return controller.AwaitChange(), err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.applied[obj.Name] = obj.Generation
	return controller.AwaitChange(), nil
}

func (f *family) child(ctx context.Context, obj *Widget) error {
	want, err := childOf(obj, obj.Name)
	if err != nil {
		return err
	}
	want.Data = map[string]string{"size": fmt.Sprint(obj.Spec.Size)}
	have, err := f.children.Get(ctx, repository.Key(want))
	switch {
	case apierrors.IsNotFound(err):
		_, err = f.live.Create(ctx, want)
		return err
	case err != nil:
		return err
	}
	after := have.DeepCopy()
	after.Data = want.Data
	_, err = f.live.Update(ctx, have, after)
	return err
}

func (f *family) extra(ctx context.Context, obj *Widget) error {
	want, err := childOf(obj, obj.Name+"-extra")
	if err != nil {
		return err
	}
	have, err := f.children.Get(ctx, repository.Key(want))
	switch found := err == nil; {
	case !found && !apierrors.IsNotFound(err):
		return err
	case obj.Spec.Size == 0:
		if found {
			want.UID = have.UID
		}
		_, err = f.live.Apply(ctx, want, "e2e")
		return err
	case found:
		return f.live.Delete(ctx, have)
	default:
		return nil
	}
}

func (f *family) Cleanup(ctx context.Context, obj *Widget) (controller.Action, error) {
	have, err := f.children.Get(ctx, repository.Key(obj))
	switch {
	case apierrors.IsNotFound(err):
		return controller.AwaitChange(), nil
	case err != nil:
		return controller.AwaitChange(), err
	}
	return controller.AwaitChange(), f.live.Delete(ctx, have)
}

func (f *family) reached(name string, generation int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.applied[name] >= generation
}

// history is what happened to each object, as the server tells whoever watches.
type history struct {
	mu     sync.Mutex
	events map[string][]watch.EventType
	ends   chan string // the objects that were deleted
}

func (h *history) follow(t *testing.T, kind string, lw cache.ListerWatcher, from string) {
	events, err := cache.ToListerWatcherWithContext(lw).WatchWithContext(t.Context(), metav1.ListOptions{ResourceVersion: from})
	require.NoError(t, err)
	t.Cleanup(events.Stop)
	go func() {
		for event := range events.ResultChan() {
			obj, ok := event.Object.(metav1.Object)
			if !ok {
				continue
			}
			h.mu.Lock()
			name := kind + " " + obj.GetName()
			h.events[name] = append(h.events[name], event.Type)
			h.mu.Unlock()
			if event.Type == watch.Deleted {
				h.ends <- name
			}
		}
	}()
}

func (h *history) of(name string) []watch.EventType {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.events[name]
}

// TestFault11AnswersThatGetLost takes a widget for each kind of write and each kind of
// bad answer through its life: created, edited, deleted. The write happens and its
// answer is replaced, or it does not happen. Where nobody can know, the attempt fails
// with class Ambiguous; the object is read from the server; and in the end everything
// that ever happened to the widget and its children, as a watch tells, is what happened
// to a widget without faults: nothing created, changed or deleted twice.
//
// Red if such an answer is of another class (and a write is not noted as unknown, so
// that the cache is believed), if Create does not read back, if the finalizer or the
// status is written without a look at what is there, if a lost removal is taken for a
// failure of Cleanup.
func TestFault11AnswersThatGetLost(t *testing.T) {
	w, l := newWorld(t), newLossy()
	cfg := passing(w.cfg, l.pass)
	f := &family{widgets: w.widgets(cfg), live: w.configMaps(cfg), applied: map[string]int64{}}
	var err error
	f.children, err = informer.New(f.live, nil)
	require.NoError(t, err)
	opts := w.options()
	c, err := controller.New(f.widgets, f, opts)
	require.NoError(t, err)
	controller.Owns(c, f.children)
	h := &history{events: map[string][]watch.EventType{}, ends: make(chan string, 3*len(l.plans))}
	from, err := w.admin.CoreV1().ConfigMaps(w.namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	h.follow(t, "widget", w.widgets(w.cfg).ListerWatcher(), from.ResourceVersion)
	h.follow(t, "child", w.configMaps(w.cfg).ListerWatcher(), from.ResourceVersion)
	w.start(c)
	admin := w.widgets(w.cfg)
	for name := range l.plans {
		_, err := admin.Create(t.Context(), w.widget(name))
		require.NoError(t, err)
	}
	reached := func(generation int64) {
		for name := range l.plans {
			w.until("applied", func(a controller.Attempt) bool { return isApplied(w.key(name))(a) && f.reached(name, generation) })
		}
	}
	reached(1)
	l.phase.Store(editing)
	for name := range l.plans {
		_, err := admin.Patch(t.Context(), w.widget(name), types.MergePatchType, []byte(`{"spec":{"size":1}}`))
		require.NoError(t, err)
	}
	reached(2)
	l.phase.Store(deleting)
	for name := range l.plans {
		require.NoError(t, admin.Delete(t.Context(), w.widget(name)))
	}
	h.wait(t, 3*len(l.plans))
	for name := range l.plans {
		w.until("cleaned up", isCleaned(w.key(name)))
	}
	for name, p := range l.plans {
		if p != nil {
			t.Run(name, func(t *testing.T) { w.judge(t, name, p, h) })
		}
	}
}

func (h *history) wait(t *testing.T, n int) {
	t.Helper()
	ended := map[string]bool{}
	deadline := time.After(time.Minute)
	for len(ended) < n {
		select {
		case name := <-h.ends:
			ended[name] = true
		case <-deadline:
			require.FailNow(t, "timeout", "%d of %d objects are gone", len(ended), n)
		}
	}
}

// judge compares a widget with the reference.
func (w *world) judge(t *testing.T, name string, p *plan, h *history) {
	require.True(t, p.fired.Load(), "the write was never made")
	for _, object := range []string{"widget *", "child *", "child *-extra"} {
		want := h.of(strings.ReplaceAll(object, "*", "reference"))
		require.NotEmpty(t, want)
		require.Equal(t, want, h.of(strings.ReplaceAll(object, "*", name)), object)
	}
	var failures []controller.Attempt
	for _, a := range w.drained() {
		if a.Key.Name == name && a.Err != nil {
			failures = append(failures, a)
		}
	}
	switch {
	case p.again: // after an answer 503 to the first; then there is nothing to do, or a conflict with that
		for _, a := range failures {
			require.Contains(t, []kerr.Class{kerr.ClassAmbiguous, kerr.ClassConflict}, kerr.ClassOf(a.Err), "%v", a.Err)
		}
		return
	case p.surfaces():
		require.Len(t, failures, 1)
		require.Equal(t, kerr.ClassAmbiguous, kerr.ClassOf(failures[0].Err), "%v", failures[0].Err)
	default:
		require.Empty(t, failures)
	}
	if p.name != "delete" || !p.ok {
		require.NotZero(t, p.reads.Load(), "it was read")
	}
}
