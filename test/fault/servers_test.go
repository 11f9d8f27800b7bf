package fault_test

import (
	"context"
	"errors"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/fault"
)

// sameWords are tests for any server: see TestSimulated and TestCluster.
var sameWords = map[string]func(t *testing.T, w *world){
	"commit then EOF": func(t *testing.T, w *world) {
		w.create(t, "a")
		client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Named("a").In(w.namespace).Nth(2).Then(fault.CommitThenEOF())))
		require.NoError(t, w.patch(t.Context(), client, "a", "1"))
		require.ErrorIs(t, w.patch(t.Context(), client, "a", "2"), io.ErrUnexpectedEOF)
		require.Equal(t, "2", w.value(t, "a"))
		require.NoError(t, w.patch(t.Context(), client, "a", "3"))
	},

	"commit then hang": func(t *testing.T, w *world) {
		w.create(t, "a")
		committed := make(chan string, 1)
		look := fault.CallAfter(func() { committed <- w.value(t, "a") })
		client := w.client(t, fault.For(t, fault.On("patch", "configmaps").Times(1).Then(fault.CommitThenHang(), look)))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			defer cancel() // only then does the client stop waiting
			if got := <-committed; got != "1" {
				t.Errorf("the value is %q", got)
			}
		}()
		require.ErrorIs(t, w.patch(ctx, client, "a", "1"), context.Canceled)
		require.NoError(t, w.patch(t.Context(), client, "a", "2"))
	},

	"not sent, and dropped": func(t *testing.T, w *world) {
		client := w.client(t, fault.For(t,
			fault.On("create", "configmaps").Named("a").Then(fault.NotSent()),
			fault.On("create", "configmaps").Named("b").Then(fault.Drop())))
		_, err := client.CoreV1().ConfigMaps(w.namespace).Create(t.Context(), configMap("a"), metav1.CreateOptions{})
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err = client.CoreV1().ConfigMaps(w.namespace).Create(ctx, configMap("b"), metav1.CreateOptions{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.False(t, w.exists(t, "a"))
		require.False(t, w.exists(t, "b"))
		_, err = client.CoreV1().ConfigMaps(w.namespace).Create(t.Context(), configMap("c"), metav1.CreateOptions{})
		require.NoError(t, err)
	},

	"refused": func(t *testing.T, w *world) {
		object := w.create(t, "a")
		client := w.client(t, fault.For(t, fault.On("write", "configmaps").From(2).Then(fault.Conflict())))
		require.NoError(t, w.patch(t.Context(), client, "a", "1"))
		object.ResourceVersion = ""
		_, err := client.CoreV1().ConfigMaps(w.namespace).Update(t.Context(), object, metav1.UpdateOptions{})
		require.True(t, apierrors.IsConflict(err), err)
		require.Equal(t, "1", w.value(t, "a"))
	},

	"torn answer": func(t *testing.T, w *world) {
		w.create(t, "a")
		client := w.client(t, fault.For(t, fault.On("get", "configmaps").Nth(1).Then(fault.TearAnswer(20))))
		_, err := client.CoreV1().ConfigMaps(w.namespace).Get(t.Context(), "a", metav1.GetOptions{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		_, err = client.CoreV1().ConfigMaps(w.namespace).Get(t.Context(), "a", metav1.GetOptions{})
		require.NoError(t, err)
	},

	"watches held back": func(t *testing.T, w *world) {
		injector := fault.For(t)
		watching := w.watch(t, w.client(t, injector))
		watches := injector.Watches("configmaps")
		watches.Hold()
		a, b, c := w.create(t, "a"), w.create(t, "b"), w.create(t, "c")
		require.Less(t, fault.RV(a), fault.RV(b))
		watches.ReleaseTo(fault.RV(b))
		require.Equal(t, "ADDED a", next(watching))
		require.Equal(t, "ADDED b", next(watching))
		watches.Gone() // and not c
		require.Equal(t, "ERROR Expired", next(watching))
		require.Equal(t, "end", next(watching))

		watching, err := w.client(t, injector).CoreV1().ConfigMaps(w.namespace).Watch(t.Context(), metav1.ListOptions{ResourceVersion: b.ResourceVersion})
		require.NoError(t, err)
		watches.Release()
		require.Equal(t, "ADDED c", next(watching))
		watches.ReleaseTo(fault.RV(c))
		require.NoError(t, w.direct.CoreV1().ConfigMaps(w.namespace).Delete(t.Context(), "c", metav1.DeleteOptions{}))
		watches.Close()
		require.Equal(t, "end", next(watching))
	},

	"time travel": func(t *testing.T, w *world) {
		w.create(t, "a")
		past := w.create(t, "b")
		w.create(t, "c")
		require.NoError(t, w.direct.CoreV1().ConfigMaps(w.namespace).Delete(t.Context(), "a", metav1.DeleteOptions{}))

		injector := fault.For(t)
		travel := injector.TimeTravel("configmaps", fault.RV(past))
		heard := make(chan string, 10)
		ctx, cancel := context.WithCancel(t.Context())
		informer, ended := w.inform(ctx, t, injector, heard)
		defer ended()
		defer cancel()
		require.True(t, cache.WaitForCacheSync(ctx.Done(), informer.HasSynced))
		require.ElementsMatch(t, []string{"+a", "+b"}, []string{<-heard, <-heard})
		// Not the informer's LastSyncResourceVersion, which client-go sets after it told handlers.
		require.Equal(t, past.ResourceVersion, informer.GetStore().LastStoreSyncResourceVersion())

		travel.Release()
		require.Equal(t, "+c", <-heard)
		require.Equal(t, "-a", <-heard)
	},

	"a lease that expires": func(t *testing.T, w *world) {
		leases := w.direct.CoordinationV1().Leases(w.namespace)
		now := metav1.NowMicro()
		_, err := leases.Create(t.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "leader"}, Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("old"), LeaseDurationSeconds: new(int32(60)), RenewTime: &now,
		}}, metav1.CreateOptions{})
		require.NoError(t, err)
		require.NoError(t, fault.ExpireLease(t.Context(), w.cfg, w.namespace, "leader"))
		lease, err := leases.Get(t.Context(), "leader", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, "old", *lease.Spec.HolderIdentity)
		require.Equal(t, int32(1), *lease.Spec.LeaseDurationSeconds)
		require.True(t, lease.Spec.RenewTime.Add(time.Minute).Before(now.Time), lease.Spec.RenewTime)

		err = fault.ExpireLease(t.Context(), w.cfg, w.namespace, "other")
		require.True(t, errors.As(err, new(apierrors.APIStatus)) && apierrors.IsNotFound(err), err)
	},
}

func TestSimulated(t *testing.T) {
	for name, test := range sameWords {
		t.Run(name, func(t *testing.T) { simulated(t, test) })
	}
}
