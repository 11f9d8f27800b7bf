package explore_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

const envLong = "KUBERATOR_TEST_LONG_EXPLORATION"

// A long exploration stops before the deadline of its test, which fails, with what was not tried. It is run
// by a test binary that has little time.
func TestTheDeadline(t *testing.T) {
	long(t)
	if os.Getenv(envLong) != "" {
		explore.Run(t, mapCase{
			Kinds: sim.Core("configmaps", "secrets"), Script: script(), External: map[string]func() explore.External{"real time": newRealTime(time.Tick(500 * time.Millisecond))},
			New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, mirror) },
		})
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestTheDeadline$", "-test.timeout", "12s")
	cmd.Env = append(os.Environ(), envLong+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "more were not tried before the deadline of the test")
	require.NotContains(t, string(out), "panic: test timed out")
}

// realTime takes real time in each run, as a large operator does.
type realTime struct{}

// newRealTime waits for the ticks of a goroutine outside of the bubbles: 40 runs take longer than the test
// has, and one takes no time.
func newRealTime(ticks <-chan time.Time) func() explore.External {
	return func() explore.External {
		<-ticks
		return realTime{}
	}
}

func (realTime) Snapshot() any { return nil }
