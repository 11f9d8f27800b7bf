package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// lodging applies nothing to "stuck" objects at first, and fails to clean up after each
// "clumsy" one once.
type lodging struct {
	moved   atomic.Bool // to the new kind, where nothing is stuck
	mu      sync.Mutex
	tries   map[types.UID]int
	cleaned sets.Set[types.UID]
}

func (l *lodging) Finalizer() string { return ours }

func (l *lodging) Apply(_ context.Context, obj *Widget) (controller.Action, error) {
	if strings.HasPrefix(obj.Name, "stuck") && !l.moved.Load() {
		return controller.AwaitChange(), errors.New("stuck")
	}
	return controller.AwaitChange(), nil
}

func (l *lodging) Cleanup(_ context.Context, obj *Widget) (controller.Action, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tries[obj.UID]++; l.tries[obj.UID] == 1 && strings.HasPrefix(obj.Name, "clumsy") {
		return controller.AwaitChange(), kerr.After(20*time.Millisecond, errors.New("clumsy"))
	}
	l.cleaned.Insert(obj.UID)
	return controller.AwaitChange(), nil
}

func (l *lodging) done() sets.Set[types.UID] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cleaned.Clone()
}

// TestFault18KindDeletedUnderItsObjects deletes a CustomResourceDefinition while its
// objects carry the finalizer (row E12), 50 of them in a backoff of an hour, and makes
// it again with objects of the same names. Each object that still has the finalizer is
// cleaned up at once, the kind goes, that is told now and then and nothing else is, and
// the new objects are worked on although those of their names were failing.
// TestG20KindThatComesAndGoes does that with one object without a history.
//
// Red if the deletion does not end a backoff, if the backoff of a key outlives its
// object, if a kind that is not served is asked for in a busy loop or makes keys
// fail, or if it ends the controller.
func TestFault18KindDeletedUnderItsObjects(t *testing.T) {
	w := newWorld(t)
	kind := "Lodger" + strings.TrimPrefix(w.namespace, "e2e-") // of this run alone
	gvr := group.WithResource(strings.ToLower(kind) + "s")
	require.NoError(t, cluster.InstallCRDs(t.Context(), shared.Config(), definition(gvr, kind, true)))
	repo, err := repository.New[Widget](w.cfg, newScheme(kind), gvr, repository.InNamespaces(w.namespace))
	require.NoError(t, err)
	user := &lodging{tries: map[types.UID]int{}, cleaned: sets.New[types.UID]()}
	opts := w.options()
	opts.MinBackoff, opts.MaxBackoff = time.Hour, time.Hour
	c, err := controller.New(repo, user, opts)
	require.NoError(t, err)
	w.start(c)
	old := w.lodgers(repo, func(a controller.Attempt) bool {
		return a.Op == kerr.OpApply && (a.Err != nil) == strings.HasPrefix(a.Key.Name, "stuck")
	})

	bare, old := old[:5], old[5:]
	for _, obj := range bare { // they will be gone, still in their backoff, and are cleaned up after that
		_, err := repo.Patch(t.Context(), obj, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
		require.NoError(t, err)
	}
	crds := w.dynamic().Resource(crdResource)
	require.NoError(t, crds.Delete(t.Context(), gvr.GroupResource().String(), metav1.DeleteOptions{}))
	for _, obj := range old {
		w.until("cleaned up", func(a controller.Attempt) bool { return a.UID == obj.UID && isCleaned(w.key(obj.Name))(a) })
		require.True(t, user.done().Has(obj.UID))
	}
	for _, obj := range bare {
		w.until("cleaned up late", func(a controller.Attempt) bool { return a.UID == obj.UID && a.Bypassed && a.Err == nil })
	}
	require.Len(t, user.done(), len(old)+len(bare))
	w.forget()
	w.logs.TakeAll()
	gone := func(ctx context.Context) (bool, error) {
		_, err := crds.Get(ctx, gvr.GroupResource().String(), metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	}
	require.NoError(t, wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, gone))
	unserved := func(t controller.Trouble) bool { return t.Op == kerr.OpSync && errors.Is(t.Err, kerr.ErrNotServed) }
	w.troubled(unserved)
	first := time.Now()
	w.troubled(unserved)
	require.Greater(t, time.Since(first), 500*time.Millisecond, "now and then")
	require.Empty(t, w.drained(), "and nothing else")
	loud := w.logs.Filter(func(e observer.LoggedEntry) bool { return e.Level >= zapcore.InfoLevel })
	require.Equal(t, 2, loud.Len(), "%v", loud.All())

	user.moved.Store(true)
	require.NoError(t, cluster.InstallCRDs(t.Context(), shared.Config(), definition(gvr, kind, true)))
	for _, obj := range w.lodgers(repo, func(a controller.Attempt) bool { return a.Op == kerr.OpApply && a.Err == nil }) {
		require.False(t, user.done().Has(obj.UID))
	}
	require.Len(t, user.done(), len(old)+len(bare))
}

// lodgers creates 60 objects and waits for an attempt of each.
func (w *world) lodgers(repo *repository.Live[*Widget], wanted func(controller.Attempt) bool) []*Widget {
	w.t.Helper()
	var all []*Widget
	for i := range 60 {
		kind := "stuck"
		if i >= 50 {
			kind = []string{"clumsy", "plain"}[i%2]
		}
		obj, err := repo.Create(w.t.Context(), w.widget(fmt.Sprintf("%s-%d", kind, i)))
		require.NoError(w.t, err)
		all = append(all, obj)
	}
	for _, obj := range all {
		w.until("for it", func(a controller.Attempt) bool { return a.UID == obj.UID && wanted(a) })
	}
	return all
}
