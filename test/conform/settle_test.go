package conform_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/conform"
	"github.com/kuberator/kuberator/test/sim"
)

const collected = `# The owner goes, and then what it owns.
POST $configmaps as=o
  {$ConfigMap,"metadata":{"name":"o"}}

POST $configmaps
  {$ConfigMap,"metadata":{"name":"d","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"$o.uid"}]}}

DELETE $configmaps/o

SETTLE $configmaps -listrv show=none
`

// TestSettle shows that SETTLE outlasts the garbage collector, and that it waits for the answer that the
// script has, but not for ever, and not again.
func TestSettle(t *testing.T) {
	t.Run("without an answer", func(t *testing.T) {
		got, took := settled(t, collected)
		require.Equal(t, []string{"200 ConfigMapList: rv *"}, got.Steps[3].Answer)
		require.GreaterOrEqual(t, took, time.Second)
		require.Less(t, took, 2*time.Second)
	})
	t.Run("with the right answer", func(t *testing.T) {
		got, took := settled(t, collected+"< 200 ConfigMapList: rv *\n")
		require.Equal(t, []string{"200 ConfigMapList: rv *"}, got.Steps[3].Answer)
		require.Less(t, took, 2*time.Second)
	})
	t.Run("with another answer", func(t *testing.T) {
		again := strings.Repeat("\nSETTLE $configmaps -listrv show=none\n< 200 another\n", 3)
		got, took := settled(t, collected+"< 200 another\n"+again)
		require.Equal(t, []string{"200 ConfigMapList: rv *"}, got.Steps[3].Answer)
		require.Equal(t, 10*time.Second, took)
	})
}

// settled runs a script with a patience of ten seconds, and tells how long it took.
func settled(t *testing.T, text string) (got *conform.Script, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), GarbageCollection: true})
		require.NoError(t, err)
		defer srv.Close()
		script, err := conform.Parse("settle.txt", text)
		require.NoError(t, err)
		begin := time.Now()
		got, err = script.Run(t.Context(), srv.Config(), &conform.Options{Patience: 10 * time.Second})
		require.NoError(t, err)
		took = time.Since(begin)
	})
	return got, took
}
