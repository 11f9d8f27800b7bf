package sim_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/sim"
)

func configMaps(t *testing.T, config *rest.Config) typedcorev1.ConfigMapInterface {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	require.NoError(t, err)
	return client.CoreV1().ConfigMaps("default")
}

func create(t *testing.T, maps typedcorev1.ConfigMapInterface, name string) *corev1.ConfigMap {
	t.Helper()
	cm, err := maps.Create(t.Context(), configMap(name), metav1.CreateOptions{})
	require.NoError(t, err)
	return cm
}

// events returns what a watch shows until nothing more comes, as "ADDED a", and whether it is
// over. It works in a bubble.
func events(w watch.Interface) (seen []string, over bool) {
	for {
		synctest.Wait()
		select {
		case e, ok := <-w.ResultChan():
			if !ok {
				return seen, true
			}
			seen = append(seen, string(e.Type)+" "+nameOf(e))
		default:
			return seen, false
		}
	}
}

func nameOf(e watch.Event) string {
	switch o := e.Object.(type) {
	case *corev1.ConfigMap:
		return o.Name
	case *metav1.Status:
		return string(o.Reason)
	}
	return "?"
}

// A watch whose answer is lost since its session is severed leaves no goroutine behind that writes to
// nobody: in a bubble, that would be a deadlock.
func TestAWatchThatIsSeveredWhileItOpensEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps"), Latency: time.Second})
		create(t, client.CoreV1().ConfigMaps("default"), "a")
		session := srv.Session("victim")
		maps := configMaps(t, session.Config())
		opened := make(chan error, 1)
		go func() {
			_, err := maps.Watch(t.Context(), metav1.ListOptions{})
			opened <- err
		}()
		time.Sleep(time.Second / 2)
		session.Sever()
		time.Sleep(time.Hour)
		require.Empty(t, opened)
		srv.Close()
		require.Error(t, <-opened)
	})
}

func TestSeveredSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps"), Latency: time.Second})
		other := client.CoreV1().ConfigMaps("default")
		session := srv.Session("victim")
		maps := configMaps(t, session.Config())
		create(t, maps, "before")
		w, err := maps.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		seen, _ := events(w)
		require.Equal(t, []string{"ADDED before"}, seen)

		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { // on its way when the connection is cut
			_, err := maps.Create(ctx, configMap("in-flight"), metav1.CreateOptions{})
			results <- err
		}()
		time.Sleep(time.Second / 2)
		session.Sever()
		go func() {
			_, err := maps.Create(ctx, configMap("after"), metav1.CreateOptions{})
			results <- err
		}()
		time.Sleep(time.Hour)
		require.Empty(t, results, "calls of a severed session wait")
		list, err := other.List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, list.Items, 1, "nothing of a severed session takes effect")
		require.NoError(t, other.Delete(t.Context(), "before", metav1.DeleteOptions{}))
		seen, over := events(w)
		require.Empty(t, seen, "nothing comes back")
		require.False(t, over, "not even an end")

		cancel()
		require.ErrorIs(t, <-results, context.Canceled)
		require.ErrorIs(t, <-results, context.Canceled)
		w.Stop()
	})
}

func TestCloseEndsCallsOfASeveredSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		session := srv.Session("victim")
		maps := configMaps(t, session.Config())
		session.Sever()
		result := make(chan error, 1)
		go func() {
			_, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
			result <- err
		}()
		synctest.Wait()
		require.Empty(t, result)
		srv.Close()
		require.Error(t, <-result)
	})
}

func TestHeldWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
		writer := client.CoreV1().ConfigMaps("default")
		session := srv.Session("behind")
		maps := configMaps(t, session.Config())
		watches := session.Watches("configmaps")
		w, err := maps.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer w.Stop()
		free, err := writer.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer free.Stop()

		watches.Hold()
		a := create(t, writer, "a")
		create(t, writer, "b")
		seen, _ := events(w)
		require.Empty(t, seen, "a hold")
		seen, _ = events(free)
		require.Equal(t, []string{"ADDED a", "ADDED b"}, seen, "of one session touches no other")

		cached, err := maps.List(t.Context(), metav1.ListOptions{ResourceVersion: "0"})
		require.NoError(t, err)
		require.Empty(t, cached.Items, "a cached read sees what watches see")
		_, err = maps.Get(t.Context(), "a", metav1.GetOptions{ResourceVersion: "0"})
		require.True(t, apierrors.IsNotFound(err), err)
		newest, err := maps.List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, newest.Items, 2)
		_, err = maps.List(t.Context(), metav1.ListOptions{ResourceVersion: a.ResourceVersion})
		require.True(t, apierrors.IsTimeout(err), "the cache has not come so far: %v", err)

		watches.ReleaseTo(rv(t, a))
		seen, _ = events(w)
		require.Equal(t, []string{"ADDED a"}, seen)
		watches.Release()
		seen, _ = events(w)
		require.Equal(t, []string{"ADDED b"}, seen)
	})
}

func TestClosedAndGoneWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps", "secrets")})
		maps := client.CoreV1().ConfigMaps("default")
		closed, err := maps.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		secrets, err := client.CoreV1().Secrets("default").Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer secrets.Stop()
		srv.Watches("configmaps").Close()
		seen, over := events(closed)
		require.Empty(t, seen)
		require.True(t, over)

		gone, err := maps.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		srv.Watches("configmaps").Gone()
		seen, over = events(gone)
		require.Equal(t, []string{"ERROR Expired"}, seen)
		require.True(t, over)

		_, over = events(secrets)
		require.False(t, over, "another kind's")
		later, err := maps.Watch(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		defer later.Stop()
		_, over = events(later)
		require.False(t, over, "a watch that begins afterwards")
	})
}
