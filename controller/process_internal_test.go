package controller

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// catchesUp is a cache that shows a write from the second time that it is asked, and
// lets something happen first.
type catchesUp struct {
	cached // what is not asked

	asked int
	first func()
}

func (c *catchesUp) Shows(journal.Write) bool {
	if c.asked++; c.asked == 2 {
		c.first()
	}
	return c.asked > 1
}

func (*catchesUp) Overtaken(journal.Write) bool { return false }

func (*catchesUp) Skipped(journal.Write) bool { return false }

// TestG5TheSnapshotIsNotOlderThanTheCheck has the cache catch up with the key's own
// write at the moment when it is asked whether it has. Kills: an object that is read
// from the cache before that, and worked on after it.
func TestG5TheSnapshotIsNotOlderThanTheCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"ns"}})
		require.NoError(t, err)
		t.Cleanup(srv.Close)
		cs, err := kubernetes.NewForConfig(srv.Config())
		require.NoError(t, err)
		_, err = cs.CoreV1().ConfigMaps("ns").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
		var got map[string]string
		c, err := New(repo, Funcs[*corev1.ConfigMap]{FinalizerName: NoFinalizer, ApplyFunc: func(_ context.Context, cm *corev1.ConfigMap) (Action, error) {
			got = cm.Labels
			return AwaitChange(), nil
		}}, nil)
		require.NoError(t, err)
		r, err := c.begin()
		require.NoError(t, err)
		sub, err := c.informer.Subscribe(t.Context(), primary[*corev1.ConfigMap, Funcs[*corev1.ConfigMap]]{c, r})
		require.NoError(t, err)
		synctest.Wait()

		key := types.NamespacedName{Namespace: "ns", Name: "a"}
		have, _ := c.informer.View(key)
		late := &catchesUp{first: func() {
			want := have.DeepCopy()
			want.Labels = map[string]string{"own": "write"}
			_, err := repo.Update(t.Context(), have, want)
			require.NoError(t, err)
			synctest.Wait() // now the cache has it
		}}
		kind := repo.Kind().GroupKind()
		c.caches[kind] = append([]cached{late}, c.caches[kind]...)
		ref := journal.Ref{Kind: kind, Key: key}
		unshown := r.own.Replace(nil, key, map[journal.Ref]journal.Write{ref: {Ref: ref, UID: have.UID, ResourceVersion: strconv.FormatUint(srv.RV()+1, 10), Since: time.Now()}})

		r.queue.Add(key, Reason{Verb: VerbEnqueued}, queue.Change)
		taken, reasons, more, _ := r.queue.Get()
		taken.Record.unseen = unshown
		c.process(t.Context(), r, 0, taken, reasons, more)
		r.queue.ShutDown()
		r.own.Stop()
		require.NoError(t, sub.Stop())
		require.Equal(t, map[string]string{"own": "write"}, got)
	})
}

// TestAGoroutineThatOutlivesItsAttemptLeavesTheStateAlone: by then it is in the hands
// of another worker. Kills: a state that two attempts read and write at once.
func TestAGoroutineThatOutlivesItsAttemptLeavesTheStateAlone(t *testing.T) {
	c, r := idle(t)
	key := types.NamespacedName{Namespace: "ns", Name: "a"}
	ref, applied := c.ref(key), journal.Applied{ResourceVersion: "1"}
	r.queue.Add(key, Reason{Verb: VerbEnqueued}, queue.Change)
	it, _, _, _ := r.queue.Get()
	old := &reconciliation[*appsv1.Deployment, Funcs[*appsv1.Deployment]]{c: c, r: r, it: it}
	old.journal.Settings, old.journal.Recorder = c.settings, old
	c.caches.add(ref.Kind, &lags{})
	old.journal.SetApplied(ref, applied)
	require.Equal(t, applied, old.journal.Applied(ref))

	old.journal.WorkOn(journal.State{Pristine: &appsv1.Deployment{}})
	old.learn()
	require.Equal(t, journal.Applied{}, old.journal.Applied(ref))
	old.journal.SetApplied(ref, journal.Applied{ResourceVersion: "2"})
	require.Equal(t, applied, it.Record.sent.Applied[ref], "what the attempt itself applied stays")
	r.queue.Done(it)
}
