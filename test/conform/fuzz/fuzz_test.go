package fuzz_test

import (
	"context"
	"flag"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/conform"
	"github.com/kuberator/kuberator/test/conform/fuzz"
	"github.com/kuberator/kuberator/test/sim"
)

// make fuzz sets these. Without them, the sequences are few, and always the same.
var (
	seed  = flag.Uint64("seed", 1, "the seed of the sequences")
	first = flag.Int("first", 0, "the number of the first sequence")
	count = flag.Int("n", 150, "how many sequences are compared")
	until = flag.Duration("for", 20*time.Second, "no sequence begins after this time")
	most  = flag.Int("most", 5, "after how many divergences it ends")
)

// TestSequences shows that the simulator answers random sequences as a real server does.
func TestSequences(t *testing.T) {
	c := cluster.Start(t, &cluster.Options{
		NoControllerManager: true,                                               // nothing but the sequences writes to their objects
		APIServerFlags:      []string{"--service-cluster-ip-range=10.0.0.0/12"}, // as no Service is ever deleted with its namespace
	})
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), crds(t)))
	compare(t, &fuzz.Pair{Real: fuzz.At(c.Config()), Simulated: simulated(t)}, fuzz.Run{})
}

// TestGarbage shows that what the simulated garbage collector leaves is what a real one does.
func TestGarbage(t *testing.T) {
	c := cluster.Start(t, &cluster.Options{
		ControllerManagerFlags: []string{"--controllers=garbage-collector-controller", "--kube-api-qps=500", "--kube-api-burst=500"},
	})
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), crds(t)))
	require.NoError(t, fuzz.AwaitCollector(t.Context(), c.Config()))
	compare(t, &fuzz.Pair{Real: fuzz.At(c.Config()), Simulated: collecting(t), Tries: 4}, fuzz.Run{Garbage: true})
}

// collecting is a simulated server with a garbage collector, a new one for each script, in a bubble:
// when nothing changes any more, it has no more to do.
func collecting(t *testing.T) fuzz.Server {
	t.Helper()
	kinds := kinds(t)
	var one sync.Mutex
	return func(_ context.Context, script *conform.Script, opts *conform.Options) (got *conform.Script, err error) {
		one.Lock()
		defer one.Unlock()
		synctest.Test(t, func(t *testing.T) {
			srv, failed := sim.New(sim.Options{Kinds: kinds, GarbageCollection: true})
			if failed != nil {
				err = failed
				return
			}
			defer srv.Close()
			got, err = script.Run(t.Context(), srv.Config(), opts)
		})
		return got, err
	}
}

// compare runs what the flags ask for.
func compare(t *testing.T, pair *fuzz.Pair, run fuzz.Run) {
	t.Helper()
	run.Seed, run.First, run.Count, run.For, run.Most = *seed, *first, *count, *until, *most
	begin := time.Now()
	done := pair.Run(t.Context(), run, func(d *fuzz.Divergence, err error) {
		if err != nil {
			t.Error(err)
		} else {
			t.Errorf("the servers do not agree:\n\n%s", d)
		}
	})
	require.Positive(t, done)
	t.Logf("seed %d: %d sequences, from %d on, in %v", *seed, done, *first, time.Since(begin).Round(time.Second))
}

// simulated returns a server with the kinds of the sequences.
func simulated(t *testing.T) fuzz.Server {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: kinds(t)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return fuzz.At(srv.Config())
}

func kinds(t *testing.T) []sim.Kind {
	t.Helper()
	return append(sim.Core("configmaps", "secrets", "services", "deployments.apps"), sim.CRD(crds(t))...)
}

func crds(t *testing.T) []byte {
	t.Helper()
	documents, err := os.ReadFile("../testdata/crds.yaml")
	require.NoError(t, err)
	return documents
}
