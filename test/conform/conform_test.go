package conform_test

import (
	_ "embed"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/cluster"
	"github.com/kuberator/kuberator/test/conform"
)

var (
	record   = flag.Bool("record", false, "write the answers of the real control plane into the scripts, where they differ")
	patience = flag.Duration("patience", 0, "how long a step waits for an event, instead of a minute")

	//go:embed testdata/crds.yaml
	crds []byte
)

const scripts = "testdata/scripts"

// TestRealServer shows that the answers in the scripts are those of a real control
// plane. With -record it makes them so.
func TestRealServer(t *testing.T) {
	c := cluster.Start(t, &cluster.Options{
		// Without workers nothing but the scripts writes to their Deployments.
		ControllerManagerFlags: []string{"--concurrent-deployment-syncs=0"},
	})
	conformTo(t, c.Config(), func(t *testing.T, script, got *conform.Script) {
		t.Helper()
		if *record {
			require.NoError(t, os.WriteFile(filepath.Join(scripts, script.Name+".txt"), []byte(got.String()), 0o644))
			return
		}
		agree(t, script, got)
	})
}

// conformTo runs all scripts on a server and hands what it answered to check.
func conformTo(t *testing.T, config *rest.Config, check func(t *testing.T, script, got *conform.Script)) {
	t.Helper()
	require.NoError(t, cluster.InstallCRDs(t.Context(), config, crds))
	all, err := conform.Load(os.DirFS("."), scripts)
	require.NoError(t, err)
	for _, script := range all {
		t.Run(script.Name, func(t *testing.T) {
			t.Parallel()
			check(t, script, run(t, config, script))
		})
	}
}

func run(t *testing.T, config *rest.Config, script *conform.Script) *conform.Script {
	t.Helper()
	got, err := script.Run(t.Context(), config, &conform.Options{Patience: *patience})
	if err != nil && got != nil && !*record {
		t.Log(strings.Join(script.Differences(got), "\n\n"))
	}
	require.NoError(t, err)
	return got
}

func agree(t *testing.T, script, got *conform.Script) {
	t.Helper()
	require.Empty(t, strings.Join(script.Differences(got), "\n\n"), "the server answers otherwise than %s.txt says", script.Name)
}
