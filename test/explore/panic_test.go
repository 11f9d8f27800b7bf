package explore_test

import (
	"context"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

const envPanic = "KUBERATOR_TEST_PANIC_OF_AN_OPERATOR"

// A panic of the operator, in a goroutine of its own, ends the test process. What is printed names the plan.
func TestAPanicNamesThePlan(t *testing.T) {
	if os.Getenv(envPanic) != "" {
		reconcile := func(l *loop, ctx context.Context, key cache.ObjectName) error {
			if err := mirror(l, ctx, key); err != nil {
				panic(err)
			}
			return nil
		}
		explore.Run(t, mapCase{
			Kinds: sim.Core("configmaps", "secrets"), Script: script(),
			New: func(env *explore.Env) (explore.Process, error) { return newLoop(env, reconcile) },
		}, explore.Errors(), explore.Parallel(1))
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestAPanicNamesThePlan$", "-test.timeout", "1m")
	cmd.Env = append(os.Environ(), envPanic+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), `{"explore.plan": "create secrets default/a: committed+error"}`)
}
