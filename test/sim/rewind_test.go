package sim_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/sim"
)

func TestRewind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps"), OnChange: func(sim.Change) { told++ }})
		maps := client.CoreV1().ConfigMaps("default")
		changed, gone := create(t, maps, "changed"), create(t, maps, "gone")
		backup := srv.RV()
		edited := changed.DeepCopy()
		edited.Data = map[string]string{"k": "v"}
		edited, err := maps.Update(t.Context(), edited, metav1.UpdateOptions{})
		require.NoError(t, err)
		require.NoError(t, maps.Delete(t.Context(), "gone", metav1.DeleteOptions{}))
		create(t, maps, "new")
		now := srv.RV()
		open, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: gone.ResourceVersion})
		require.NoError(t, err)
		seen, _ := events(open)
		require.Equal(t, []string{"MODIFIED changed", "DELETED gone", "ADDED new"}, seen)
		writes := told

		require.NoError(t, srv.Rewind(backup))
		require.Equal(t, backup, srv.RV())
		list, err := maps.List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Equal(t, gone.ResourceVersion, list.ResourceVersion)
		require.Len(t, list.Items, 2)
		require.Equal(t, *changed, list.Items[0])
		require.Equal(t, *gone, list.Items[1], "with the uid that it had")
		seen, over := events(open)
		require.Empty(t, seen)
		require.True(t, over, "no watch survives it")
		require.Equal(t, writes, told, "it is no write")

		_, err = maps.Update(t.Context(), edited, metav1.UpdateOptions{})
		require.True(t, apierrors.IsConflict(err), "a resourceVersion of a future that was not: %v", err)
		_, err = maps.List(t.Context(), metav1.ListOptions{ResourceVersion: edited.ResourceVersion})
		require.True(t, apierrors.IsTimeout(err), err)
		late, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: strconv.FormatUint(now, 10)})
		require.NoError(t, err)
		defer late.Stop()
		require.Equal(t, edited.ResourceVersion, create(t, maps, "other").ResourceVersion, "numbers are given again")
		create(t, maps, "another")
		create(t, maps, "third")
		seen, _ = events(late)
		require.Empty(t, seen, "until the server is there again")
		create(t, maps, "fourth")
		seen, _ = events(late)
		require.Equal(t, []string{"ADDED fourth"}, seen)

		past, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: changed.ResourceVersion})
		require.NoError(t, err)
		defer past.Stop()
		seen, _ = events(past)
		require.Equal(t, []string{"ADDED gone", "ADDED other", "ADDED another", "ADDED third", "ADDED fourth"}, seen, "there is one history")
	})
}

func TestRewindWithWatchesHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
		maps := client.CoreV1().ConfigMaps("default")
		before := create(t, maps, "a")
		w, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: before.ResourceVersion})
		require.NoError(t, err)
		srv.Watches("configmaps").Hold()
		create(t, maps, "b")
		require.NoError(t, srv.Rewind(rv(t, before)))
		seen, over := events(w)
		require.Empty(t, seen, "what nobody has seen is never shown")
		require.True(t, over)
	})
}

// A deletion that has not been ends no namespace, and one that has been goes on.
func TestRewindAndTheServersOwnControllers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"n"}, NamespaceDeletion: true})
		spaces := client.CoreV1().Namespaces()
		alive := srv.RV()
		require.NoError(t, spaces.Delete(t.Context(), "n", metav1.DeleteOptions{}))
		deleted := srv.RV()
		time.Sleep(time.Minute)
		require.NoError(t, srv.Rewind(deleted))
		_, err := spaces.Get(t.Context(), "n", metav1.GetOptions{})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		_, err = spaces.Get(t.Context(), "n", metav1.GetOptions{})
		require.True(t, apierrors.IsNotFound(err), err)
		require.NoError(t, srv.Rewind(alive))
		time.Sleep(time.Minute)
		_, err = spaces.Get(t.Context(), "n", metav1.GetOptions{})
		require.NoError(t, err)
	})
}

func TestRewindRefusesWhatIsNotRemembered(t *testing.T) {
	srv, client := start(t, sim.Options{Kinds: append(sim.Core("configmaps"), widgets(t)...)})
	served := srv.RV()
	maps := client.CoreV1().ConfigMaps("default")
	a := create(t, maps, "a")
	require.ErrorContains(t, srv.Rewind(srv.RV()+1), "the newest resourceVersion is")
	require.ErrorContains(t, srv.Rewind(served-3), "a CustomResourceDefinition has changed since")
	srv.Expire()
	require.ErrorContains(t, srv.Rewind(rv(t, a)-1), "rewind the simulated API server to")
	_, err := maps.Get(t.Context(), "a", metav1.GetOptions{})
	require.NoError(t, err, "an error changes nothing")
	require.NoError(t, srv.Rewind(rv(t, a)), "now is no past")
}
