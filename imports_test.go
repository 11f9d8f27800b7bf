package kuberator_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheLoopImportsNoTelemetry, not even by way of others: who does not measure pays nothing, and
// is not tied to a version. Kills: an import of Prometheus or OpenTelemetry outside of the two
// packages that are for it.
func TestTheLoopImportsNoTelemetry(t *testing.T) {
	telemetry := []string{"github.com/prometheus/", "go.opentelemetry.io/"}
	for of, may := range map[string]string{
		"./controller": "", "./test/sim/...": "", "./example/hello": "",
		"./controller/metrics": "github.com/prometheus/", "./controller/trace": "go.opentelemetry.io/otel",
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", of).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "k8s.io/apimachinery")
		for path := range strings.Lines(string(out)) {
			for _, prefix := range telemetry {
				require.False(t, strings.HasPrefix(path, prefix) && (may == "" || !strings.HasPrefix(path, may)), "%s imports %s", of, path)
			}
			require.False(t, strings.HasPrefix(path, "go.opentelemetry.io/otel/sdk"), of)
		}
	}
}
