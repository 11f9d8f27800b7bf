package informer_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
