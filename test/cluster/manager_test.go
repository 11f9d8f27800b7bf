package cluster_test

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
)

// The controller manager that is built from Go modules says what it does not do, instead of
// running without it.
func TestManagerFlags(t *testing.T) {
	if testing.Short() {
		t.Skip("the control plane is not built with -short")
	}
	t.Setenv("KUBEBUILDER_ASSETS", "")
	program, err := cluster.Binary(t.Context(), nil)
	require.NoError(t, err)
	for _, c := range []struct{ flags, says string }{
		{"--allocate-node-cidrs", "unknown flag: --allocate-node-cidrs"},
		{"--controllers=job-controller", `--controllers: there is no "job-controller", but ["deployment-controller" "garbage-collector-controller"`},
		{"--controllers=-*", `--controllers: there is no "*"`},
		{"--leader-elect", "this control plane runs one controller manager"},
		{"namespace-controller", `there are only flags, and no arguments like "namespace-controller"`},
		{"--kubeconfig=/nonexistent", "reading --kubeconfig: "},
	} {
		out, err := exec.CommandContext(t.Context(), program, "kube-controller-manager", c.flags).CombinedOutput()
		require.Error(t, err, c.flags)
		require.Contains(t, string(out), "kube-controller-manager: ", c.flags)
		require.Contains(t, string(out), c.says)
	}
	out, err := exec.CommandContext(t.Context(), program, "kube-controller-manager", "--help").CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--concurrent-deployment-syncs")
}
