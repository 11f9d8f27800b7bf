package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestKubernetesVersion holds the version that the API server is told to report
// against the one that is built.
func TestKubernetesVersion(t *testing.T) {
	goMod, err := os.ReadFile(filepath.Join("..", "controlplane", "go.mod"))
	require.NoError(t, err)
	require.Contains(t, string(goMod), "k8s.io/kubernetes "+kubernetesVersion)
	require.NotContains(t, string(goMod), "replace ", "go install refuses modules with replace directives")
}

func TestCompilerOutput(t *testing.T) {
	output := &compilerOutput{}
	require.Equal(t, "0 modules downloaded", output.progress())
	// Writes end anywhere.
	for _, part := range []string{"go: downloading k8s.io/a v1\ngo: down", "loading k8s.io/b v1\n"} {
		_, err := output.Write([]byte(part))
		require.NoError(t, err)
	}
	require.Equal(t, "2 modules downloaded", output.progress())
	_, err := output.Write([]byte("k8s.io/a\nk8s.io/b\n# k8s.io/b\nb.go:1:2: undefined: c\n"))
	require.NoError(t, err)
	require.Equal(t, "2 packages compiled", output.progress())

	_, err = output.Write([]byte(strings.Repeat("long/path\n", tailBytes)))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(output.tail(), "long/path\n"))
	require.LessOrEqual(t, len(output.tail()), tailBytes)
}
