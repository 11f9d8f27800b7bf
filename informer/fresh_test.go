package informer_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/fault"
	"github.com/kuberator/kuberator/test/sim"
)

// kept is an informer that runs, in virtual time, with a watch that is held back, and the server.
type kept struct {
	t       *testing.T
	srv     *sim.Server
	admin   kubernetes.Interface
	session *sim.Session
	faults  *fault.Injector
	in      *informer.Informer[*corev1.ConfigMap]

	mu   sync.Mutex
	errs []error
}

func (k *kept) failed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.errs = append(k.errs, err)
}

func (k *kept) failures() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.errs
}

// inAStandby runs f with an informer that has no object yet, and whose watch is held.
func inAStandby(t *testing.T, f func(k *kept)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"one", "two"}, Latency: time.Millisecond})
		require.NoError(t, err)
		defer srv.Close()
		k := &kept{t: t, srv: srv, admin: kubernetes.NewForConfigOrDie(srv.Config()), session: srv.Session("standby")}
		k.faults, err = fault.New()
		require.NoError(t, err)
		repo, err := repository.New[corev1.ConfigMap](k.faults.Config(k.session.Config()), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		k.in, err = informer.New(repo, &informer.Options{Namespaces: []string{"one", "two"}, Probe: -1})
		require.NoError(t, err)
		s, err := k.in.Keep(t.Context(), k.failed)
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Stop()) }()
		time.Sleep(time.Second)
		require.True(t, s.Full(""))
		k.session.Watches("configmaps").Hold()
		f(k)
	})
}

func (k *kept) create(namespace, name string) {
	k.t.Helper()
	_, err := k.admin.CoreV1().ConfigMaps(namespace).Create(k.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	require.NoError(k.t, err)
}

func (k *kept) subscribe() *informer.Subscription[*corev1.ConfigMap] {
	k.t.Helper()
	s, err := k.in.SubscribeFresh(k.t.Context(), handler{cache.TypedResourceEventHandlerFuncs[*configMap]{}, k.failed})
	require.NoError(k.t, err)
	time.Sleep(time.Second)
	synctest.Wait()
	return s
}

// Kills: a subscription that is full although the cache is behind.
func TestG6ASubscriptionWaitsForAWatchThatIsBehind(t *testing.T) {
	inAStandby(t, func(k *kept) {
		k.create("one", "a")
		fresh := k.subscribe()
		require.False(t, fresh.Full("one"))
		require.True(t, fresh.Full("two"), "there is nothing to wait for")
		any, err := k.in.Subscribe(k.t.Context(), handler{})
		require.NoError(t, err)
		synctest.Wait()
		require.True(t, any.Full("one"))
		require.NoError(t, any.Stop())
		k.session.Watches("configmaps").Release()
		require.True(t, cache.WaitFor(k.t.Context(), "", fresh.Synced()...))
		require.True(t, fresh.Full(""))
		_, ok := k.in.View(types.NamespacedName{Namespace: "one", Name: "a"})
		require.True(t, ok)
		require.NoError(t, fresh.Stop())
		require.Empty(t, k.failures())
	})
}

// A watch that does not catch up is replaced.
func TestG6AWatchThatStaysBehindIsReplaced(t *testing.T) {
	inAStandby(t, func(k *kept) {
		k.create("one", "a")
		var lists atomic.Int64
		require.NoError(t, k.faults.Add(fault.On("watch", "configmaps").Then(fault.Call(func() {
			if lists.Add(1) == 1 {
				k.session.Watches("configmaps").Release()
			}
		}))))
		fresh := k.subscribe()
		time.Sleep(8 * time.Second)
		require.Zero(t, lists.Load())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.True(t, fresh.Full(""))
		require.EqualValues(t, 1, lists.Load())
		var stale *informer.StaleError
		require.ErrorAs(t, k.failures()[0], &stale)
		require.NoError(t, fresh.Stop())
	})
}

// The list has metadata only; it is repeated if it fails, and one that goes on does not keep the
// subscription from ending.
func TestSubscribeFreshAsksForMetadata(t *testing.T) {
	inAStandby(t, func(k *kept) {
		var asked atomic.Int64
		metadata := func(r *http.Request) bool {
			return strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList")
		}
		require.NoError(t, k.faults.Add(
			fault.On("list", "configmaps").In("one").Matching(metadata).Nth(1).Then(fault.Call(func() { asked.Add(1) }), fault.InternalError()),
			fault.On("list", "configmaps").In("two").Matching(metadata).Then(fault.Drop())))
		fresh := k.subscribe()
		require.False(t, fresh.Full("one"))
		time.Sleep(time.Second)
		synctest.Wait()
		require.True(t, fresh.Full("one"))
		require.EqualValues(t, 1, asked.Load())
		require.ErrorContains(t, k.failures()[0], "find out whether the cache is fresh")
		require.False(t, fresh.Full("two"))
		require.NoError(t, k.in.SetNamespaces("one"))
		require.True(t, fresh.Full(""), "what is not watched is not waited for")
		require.NoError(t, k.in.SetNamespaces("one", "two"))
		require.NoError(t, fresh.Stop())
		failed, ok := kerr.Request(k.failures()[0])
		require.True(t, ok)
		require.Equal(t, kerr.OpList, failed.Op)
	})
}

func TestKeepNeedsAFunction(t *testing.T) {
	inAStandby(t, func(k *kept) {
		_, err := k.in.Keep(context.Background(), nil)
		require.ErrorContains(t, err, "the function is nil")
	})
}
