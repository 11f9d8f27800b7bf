package fuzz_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/conform"
	"github.com/kuberator/kuberator/test/conform/fuzz"
	"github.com/kuberator/kuberator/test/sim"
)

// TestShrinking shows that a divergence is shrunk to what it needs: here, to the one request that
// one of the servers does not serve.
func TestShrinking(t *testing.T) {
	withoutSecrets, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	require.NoError(t, err)
	t.Cleanup(withoutSecrets.Close)
	pair := &fuzz.Pair{Real: simulated(t), Simulated: fuzz.At(withoutSecrets.Config())}
	sequence := fuzz.Sequence{
		"POST $configmaps as=x\n  {$ConfigMap,\"metadata\":{\"name\":\"a\"}}",
		"POST $secrets?fieldManager=m as=y\n  {$Secret,\"metadata\":{\"labels\":{\"l\":\"1\"},\"name\":\"a\"},\"data\":{\"a\":\"eA==\"}}",
		"GET $configmaps/a",
	}
	d, err := pair.Compare(t.Context(), sequence, "a test")
	require.NoError(t, err)
	require.NotNil(t, d)
	d = pair.Shrink(t.Context(), d)
	require.Equal(t, fuzz.Sequence{"POST $secrets\n  {$Secret,\"metadata\":{\"name\":\"a\"}}"}, d.Sequence)
	require.Contains(t, d.String(), "real        type \"Opaque\"\nsimulated 404 NotFound\n")
}

// TestEqualServersAgree shows that a sequence has the same answers on two servers that are the same,
// with other namespaces, uids, resource versions and addresses.
func TestEqualServersAgree(t *testing.T) {
	pair := &fuzz.Pair{Real: simulated(t), Simulated: simulated(t)}
	done := pair.Run(t.Context(), fuzz.Run{Seed: 7, Count: 40}, func(d *fuzz.Divergence, err error) {
		t.Errorf("%v\n%v", d, err)
	})
	require.Equal(t, 40, done)
}

// TestEqualCollectorsAgree shows that a sequence leaves the same on two servers with garbage collectors.
func TestEqualCollectorsAgree(t *testing.T) {
	pair := &fuzz.Pair{Real: collecting(t), Simulated: collecting(t)}
	done := pair.Run(t.Context(), fuzz.Run{Seed: 7, Count: 6, Garbage: true}, func(d *fuzz.Divergence, err error) {
		t.Errorf("%v\n%v", d, err)
	})
	require.Equal(t, 6, done)
}

// TestSequencesRepeat shows that a seed and a number are enough to see a sequence again, and that
// each sequence is a script.
func TestSequencesRepeat(t *testing.T) {
	for name, generate := range map[string]func(uint64, int) fuzz.Sequence{"all": fuzz.New, "garbage": fuzz.NewGarbage} {
		different := map[string]bool{}
		for number := range 200 {
			text := generate(3, number).Text("a test")
			require.Equal(t, text, generate(3, number).Text("a test"))
			_, err := conform.Parse("test.txt", text)
			require.NoError(t, err, name)
			different[text] = true
		}
		require.Len(t, different, 200, name)
	}
}
