package sim_test

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/sim"
)

func rv(t *testing.T, o metav1.Object) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
	require.NoError(t, err)
	return n
}

func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps")})
		maps := client.CoreV1().ConfigMaps("default")
		a := create(t, maps, "a")
		create(t, maps, "b")
		page, err := maps.List(t.Context(), metav1.ListOptions{Limit: 1})
		require.NoError(t, err)
		open, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: a.ResourceVersion})
		require.NoError(t, err)
		defer open.Stop()
		seen, _ := events(open)
		require.Equal(t, []string{"ADDED b"}, seen)

		create(t, maps, "c")
		synctest.Wait()
		srv.Expire()
		_, err = maps.List(t.Context(), metav1.ListOptions{Continue: page.Continue})
		require.True(t, apierrors.IsResourceExpired(err), err)
		_, err = maps.List(t.Context(), metav1.ListOptions{ResourceVersion: a.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
		require.True(t, apierrors.IsResourceExpired(err), err)
		late, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: a.ResourceVersion})
		require.NoError(t, err)
		seen, over := events(late)
		require.Equal(t, []string{"ERROR Expired"}, seen)
		require.True(t, over)

		create(t, maps, "d")
		seen, over = events(open)
		require.Equal(t, []string{"ADDED c", "ADDED d"}, seen, "an open watch goes on")
		require.False(t, over)
	})
}

func TestHistoryOverflows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := start(t, sim.Options{Kinds: sim.Core("configmaps"), History: 3})
		maps := client.CoreV1().ConfigMaps("default")
		first := create(t, maps, "first")
		for n := range 3 {
			create(t, maps, fmt.Sprintf("more-%d", n))
		}
		w, err := maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: first.ResourceVersion})
		require.NoError(t, err)
		seen, _ := events(w)
		require.Len(t, seen, 3, "three are remembered")
		w.Stop()

		for n := range 10 {
			create(t, maps, fmt.Sprintf("even-more-%d", n))
		}
		w, err = maps.Watch(t.Context(), metav1.ListOptions{ResourceVersion: first.ResourceVersion})
		require.NoError(t, err)
		seen, over := events(w)
		require.Equal(t, []string{"ERROR Expired"}, seen)
		require.True(t, over)
	})
}

// A kind that nobody has written has a past all the same, in which there was nothing.
func TestThePastOfAKindThatNobodyHasWritten(t *testing.T) {
	srv, client := start(t, sim.Options{Kinds: sim.Core("configmaps", "secrets")})
	then := strconv.FormatUint(srv.RV(), 10)
	_, err := client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("a"), metav1.CreateOptions{})
	require.NoError(t, err)
	past := metav1.ListOptions{ResourceVersion: then, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
	list, err := client.CoreV1().Secrets("default").List(t.Context(), past)
	require.NoError(t, err)
	require.Empty(t, list.Items)
	srv.Expire()
	_, err = client.CoreV1().Secrets("default").List(t.Context(), past)
	require.True(t, apierrors.IsResourceExpired(err), err)
}
