package controller

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
)

// TestS9OneOfThoseRefusedIsTried: one every 3 s, whatever becomes of the one before; all when one is accepted; and
// none that is gone, nor after the end.
func TestS9OneOfThoseRefusedIsTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		woken := map[string]int{}
		r := &refusals{wake: func(key types.NamespacedName, failures int) {
			mu.Lock()
			defer mu.Unlock()
			woken[key.Name] = failures
		}}
		named := func(name string) types.NamespacedName { return types.NamespacedName{Name: name} }
		after := func(d time.Duration) (names []string) {
			time.Sleep(d)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			names = slices.Sorted(maps.Keys(woken))
			clear(woken)
			return names
		}
		for n, name := range []string{"a", "b", "c", "d"} {
			r.add(named(name), n+1)
		}
		require.Empty(t, after(tryRefused-1))
		first := after(1)
		require.Len(t, first, 1)
		require.Len(t, after(tryRefused), 1, "the first one is gone, without a word")
		require.Len(t, after(tryRefused), 1)
		require.Len(t, after(tryRefused), 1)
		require.Empty(t, after(time.Hour), "none is left")

		for _, name := range []string{"a", "b", "c", "d"} {
			r.add(named(name), 7)
		}
		tried := after(tryRefused)
		require.Len(t, tried, 1)
		rest := slices.DeleteFunc([]string{"a", "b", "c", "d"}, func(name string) bool { return name == tried[0] })
		r.forget(named(rest[2]))
		r.accepted(named("stranger"))
		require.Empty(t, after(1), "it was not one of them")
		r.accepted(named(tried[0]))
		require.Equal(t, rest[:2], after(0), "and not the one that is gone")
		require.Empty(t, after(time.Hour))

		for _, name := range []string{"a", "b", "c", "d"} {
			r.add(named(name), 1)
		}
		tried = append(after(tryRefused), after(tryRefused)...)
		require.Len(t, tried, 2, "the second one while the first one is tried")
		r.accepted(named(tried[0]))
		require.Len(t, after(0), 2)
		r.accepted(named(tried[1]))
		require.Empty(t, r.tried, "all have reported")
		require.Empty(t, after(time.Hour))

		r.add(named("a"), 1)
		require.Equal(t, []string{"a"}, after(tryRefused))
		r.forget(named("a"))
		require.Empty(t, r.tried, "it is gone while it is tried")

		r.add(named("a"), 1)
		r.stop()
		r.add(named("b"), 1)
		require.Empty(t, after(time.Hour))
	})
}
