package kubectl_test

import (
	_ "embed"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

var (
	record = flag.Bool("record", false, "write what kubectl prints into the scripts")

	//go:embed testdata/files/crd.yaml
	crd []byte
)

// worded are the versions of kubectl that print what is in the scripts. Others may word some things
// otherwise: of them only the exit status of each command is compared.
var worded = []string{"1.32", "1.36"}

// differing are the scripts in which the simulator differs from a real server, and why.
var differing = map[string]string{}

// version returns the version of the kubectl on PATH. Without one the test is skipped.
func version(t *testing.T) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the commands of the scripts are run by sh")
	}
	for _, program := range []string{"kubectl", "sh", "sed", "diff"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("there is no %s on PATH, which the scripts run", program)
		}
	}
	out, err := exec.CommandContext(t.Context(), "kubectl", "version", "--client").Output()
	require.NoError(t, err)
	found := regexp.MustCompile(`Client Version: v(\d+\.\d+)`).FindSubmatch(out)
	require.NotNil(t, found, "%s", out)
	return string(found[1])
}

// TestSimulator shows that kubectl works with the simulator as the scripts say.
func TestSimulator(t *testing.T) {
	kubectl := version(t)
	srv, err := sim.New(sim.Options{Kinds: append(sim.StableCore(), sim.CRD(crd)...), GarbageCollection: true, NamespaceDeletion: true})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	served, err := loopback.Serve(srv, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, served.Close()) })
	compare(t, kubectl, served.Kubeconfig(), differing)
}

// TestRealServer shows that it works with a real server in the same way. With -record it makes the
// scripts say what that is.
func TestRealServer(t *testing.T) {
	kubectl := version(t)
	c := cluster.Start(t, &cluster.Options{
		// Without workers nothing but the scripts writes to their workloads.
		ControllerManagerFlags: []string{"--concurrent-deployment-syncs=0", "--concurrent-replicaset-syncs=0"},
	})
	require.NoError(t, cluster.InstallCRDs(t.Context(), c.Config(), crd))
	compare(t, kubectl, c.Kubeconfig(), nil)
}

// quick are the scripts that are run with -short: each takes a second or two.
var quick = []string{"apply", "custom", "get"}

// compare runs all scripts. Those that differ have to, so that the list stays true.
func compare(t *testing.T, kubectl, kubeconfig string, differing map[string]string) {
	t.Helper()
	known := slices.Contains(worded, kubectl)
	if !known {
		t.Logf("kubectl is of version %s, and the scripts are of the versions %v: only exit statuses are compared", kubectl, worded)
	}
	for _, s := range load(t) {
		t.Run(s.name, func(t *testing.T) {
			if testing.Short() && !slices.Contains(quick, s.name) {
				t.Skip("with -short only a few scripts are run")
			}
			t.Parallel()
			got := run(t, s, kubeconfig)
			switch {
			case *record:
				require.NoError(t, os.WriteFile("testdata/scripts/"+s.name+".txt", []byte(got.String()), 0o644))
			case differing[s.name] != "":
				require.NotEqual(t, s.String(), got.String(), "%s.txt is listed as differing: %s", s.name, differing[s.name])
			case known:
				require.Equal(t, s.String(), got.String())
			default:
				for i, st := range s.steps {
					require.Equal(t, st.failed(), got.steps[i].failed(), "%s: %v", st.line, got.steps[i].printed)
				}
			}
		})
	}
}
