package conform_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/conform"
	"github.com/kuberator/kuberator/test/sim"
)

// differing are the scripts in which the simulator does not answer as a real server, and why.
var differing = map[string]string{}

// simulated are the kinds of Kubernetes that the scripts use.
var simulated = sim.Core("configmaps", "secrets", "services", "pods", "serviceaccounts", "deployments.apps",
	"leases.coordination.k8s.io", "events", "events.events.k8s.io", "endpoints", "poddisruptionbudgets.policy", "jobs.batch", "nodes",
	"roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
	"clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")

// TestSimulator shows that the simulator answers as the scripts say.
func TestSimulator(t *testing.T) {
	srv, err := sim.New(sim.Options{Kinds: simulated, GarbageCollection: true, NamespaceDeletion: true})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	conformTo(t, srv.Config(), func(t *testing.T, script, got *conform.Script) {
		t.Helper()
		reason, differs := differing[script.Name]
		if !differs {
			agree(t, script, got)
			return
		}
		require.NotEmpty(t, strings.Join(script.Differences(got), ""), "%s.txt is listed as differing: %s", script.Name, reason)
	})
}
