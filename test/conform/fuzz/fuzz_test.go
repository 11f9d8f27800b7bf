package fuzz_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
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
	pair := servers(t)
	run := fuzz.Run{Seed: *seed, First: *first, Count: *count, For: *until, Most: *most}
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

func servers(t *testing.T) *fuzz.Pair {
	t.Helper()
	c := cluster.Start(t, &cluster.Options{
		NoControllerManager: true,                                               // nothing but the sequences writes to their objects
		APIServerFlags:      []string{"--service-cluster-ip-range=10.0.0.0/12"}, // as no Service is ever deleted with its namespace
	})
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), crds(t)))
	return &fuzz.Pair{Real: c.Config(), Simulated: simulated(t)}
}

// simulated returns a server with the kinds of the sequences.
func simulated(t *testing.T) *rest.Config {
	t.Helper()
	kinds := append(sim.Core("configmaps", "secrets", "services", "deployments.apps"), sim.CRD(crds(t))...)
	srv, err := sim.New(sim.Options{Kinds: kinds})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	return srv.Config()
}

func crds(t *testing.T) []byte {
	t.Helper()
	documents, err := os.ReadFile("../testdata/crds.yaml")
	require.NoError(t, err)
	return documents
}
