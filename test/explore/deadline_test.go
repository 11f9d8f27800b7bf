package explore_test

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

const envLong = "KUBERATOR_TEST_LONG_EXPLORATION"

// A long exploration stops before the deadline of its test, which fails, with what was not tried. It is run
// by a test binary that has little time.
func TestTheDeadline(t *testing.T) {
	if os.Getenv(envLong) != "" {
		explore.Run(t, mapCase{
			Kinds: sim.Core("configmaps", "secrets"), Script: script(), External: map[string]func() explore.External{"real time": newRealTime},
			New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, mirror) },
		})
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTheDeadline$", "-test.timeout", "4s")
	cmd.Env = append(os.Environ(), envLong+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "more were not tried before the deadline of the test")
	require.NotContains(t, string(out), "panic: test timed out")
}

// realTime takes real time in each run, as a large operator does.
type realTime struct{}

func newRealTime() explore.External {
	_ = sha256.Sum256(make([]byte, 64<<20))
	return realTime{}
}

func (realTime) Snapshot() any { return nil }
