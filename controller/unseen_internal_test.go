package controller

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/repository"
)

// lags is a cache that shows no write, until it has caught up.
type lags struct {
	cached // what is not asked

	caughtUp atomic.Bool
}

func (l *lags) Shows(journal.Write) bool { return l.caughtUp.Load() }

func (*lags) Overtaken(journal.Write) bool { return false }

// Skipped is what a cache says that caught up, and has no object.
func (l *lags) Skipped(w journal.Write) bool { return w.Outcome == journal.Stored && l.caughtUp.Load() }

func (*lags) view(types.NamespacedName) journal.Object { return nil }

func named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "ns", Name: name}
}

// writesOf returns writes to objects of that kind.
func writesOf(kind schema.GroupKind, names ...string) map[journal.Ref]journal.Write {
	writes := map[journal.Ref]journal.Write{}
	for _, name := range names {
		ref := journal.Ref{Kind: kind, Key: named(name)}
		writes[ref] = journal.Write{Ref: ref, ResourceVersion: "9", At: time.Now(), Since: time.Now()}
	}
	return writes
}

// TestG19AnObjectThatIsGoneWaitsForNothing: no cache will ever show what was written for
// it. Kills: own writes that outlive their key.
func TestG19AnObjectThatIsGoneWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, r := idle(t)
		kind := schema.GroupKind{Kind: "ConfigMap"}
		c.caches.add(kind, &lags{})
		r.queue.Add(named("a"), Reason{Verb: VerbDeleted}, queue.Change)
		it, reasons, more, _ := r.queue.Get()
		it.Record.unseen = r.own.Replace(nil, named("a"), writesOf(kind, "x"))
		c.process(t.Context(), r, 0, it, reasons, more)
		require.Zero(t, r.own.Open())
	})
}

// TestG5AKeyThatIsParkedTooLateIsWoken: the caches caught up after it was decided that it
// has to wait. Kills: no second look.
func TestG5AKeyThatIsParkedTooLateIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := idle(t)
		r.queue.Add(named("a"), Reason{Verb: VerbEnqueued}, queue.Change)
		it, reasons, more, _ := r.queue.Get()
		r.park(it, reasons, more, time.Hour)
		r.queue.Done(it)
		require.Equal(t, 1, r.queue.Len())
	})
}

// idle returns a controller whose informers do not run, and has it begin.
func idle(t *testing.T) (*Controller[*appsv1.Deployment, Funcs[*appsv1.Deployment]], *runState[*appsv1.Deployment]) {
	t.Helper()
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	c, err := New(repo, Funcs[*appsv1.Deployment]{FinalizerName: NoFinalizer}, nil)
	require.NoError(t, err)
	r, err := c.begin()
	require.NoError(t, err)
	t.Cleanup(func() {
		r.queue.ShutDown()
		r.own.Stop()
	})
	return c, r
}
