package informer_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
)

// TestNamespacesHandlersAreCalledOneAtATime has a goroutine for each of ten
// namespaces; the diary panics if two call it at once. Kills: no turns.
func TestNamespacesHandlersAreCalledOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin()
		var namespaces []string
		for n := range 10 {
			namespaces = append(namespaces, fmt.Sprint("n", n))
			for m := range 20 {
				o.set(cm(namespaces[n], fmt.Sprint("c", m)))
			}
		}
		_, d, _ := subscribed(t, o, &informer.Options{Namespaces: namespaces})
		require.Len(t, d.read(), 200)
	})
}

// TestG14StopWaitsForOnError, which another goroutine calls. Kills: calls that are not
// counted.
func TestG14StopWaitsForOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(cm("a", "1"))
		in, err := informer.New(o, nil)
		require.NoError(t, err)
		defer running(t, in)()
		returned := false
		sub, err := in.Subscribe(t.Context(), handler{onError: func(error) {
			time.Sleep(time.Minute)
			returned = true
		}})
		require.NoError(t, err)
		go o.bad(errors.New("does not fit"))
		synctest.Wait()
		require.NoError(t, sub.Stop())
		require.True(t, returned)
	})
}

// TestG8SyncedMeansThatTheHandlerWasTold, not that the cache is full, which it was long
// before this handler came. Kills: a sync that does not wait for the handler.
func TestG8SyncedMeansThatTheHandlerWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, err := informer.New(newOrigin(cm("a", "1"), cm("a", "2")), nil)
		require.NoError(t, err)
		defer running(t, in)()
		told := 0
		sub, err := in.Subscribe(t.Context(), handler{TypedResourceEventHandlerFuncs: cache.TypedResourceEventHandlerFuncs[*configMap]{
			AddFunc: func(*configMap) {
				time.Sleep(time.Second)
				told++
			},
		}})
		require.NoError(t, err)
		require.True(t, cache.WaitFor(t.Context(), "", sub.Synced()...))
		require.Equal(t, 2, told)
		require.NoError(t, sub.Stop())
	})
}
