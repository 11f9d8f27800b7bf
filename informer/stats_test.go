package informer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/informer"
)

// TestStatsCountWhatTheHandlerKnows with one watch and with several, also when a namespace is
// added or taken away. Kills: a count that only grows, and the namespaces that are left out.
func TestStatsCountWhatTheHandlerKnows(t *testing.T) {
	modes(t, func(t *testing.T, o *origin) {
		o.serve(t)
		o.set(cm("b", "1"))
		in, _, sub := subscribed(t, o, &informer.Options{Namespaces: []string{"a", "b"}})
		settle(time.Minute)
		require.Equal(t, informer.Stats{Kind: in.Kind(), Objects: 3, Full: true}, sub.Stats())

		o.set(cm("b", "2"))
		o.set(cm("b", "2"))
		o.remove("a", "1")
		o.remove("a", "2")
		settle(time.Minute)
		require.Equal(t, 2, sub.Stats().Objects)

		require.NoError(t, in.SetNamespaces("a"))
		settle(time.Minute)
		require.Zero(t, sub.Stats().Objects)
		require.NoError(t, in.SetNamespaces())
		settle(time.Minute)
		require.Equal(t, 2, sub.Stats().Objects)
	})
}
