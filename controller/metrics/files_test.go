package metrics_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/controller/metrics"
)

// inQueries is the name of a metric, as in a query.
var inQueries = regexp.MustCompile(`\b(kuberator|workqueue|controller_runtime|rest_client|leader_election)_[a-z_]+`)

func shipped(t *testing.T, name string) string {
	t.Helper()
	text, err := metrics.Files.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// TestWhatIsShippedAsksForMetricsThatExist, and each metric is on the dashboard, or is the same as
// one that is. test/observability evaluates the queries. Kills: a metric that is renamed, and an
// alert that can never fire.
func TestWhatIsShippedAsksForMetricsThatExist(t *testing.T) {
	inWorld(t, func(w *world) {
		everything(w)
		families := w.families()
		shown := map[string]bool{}
		for _, file := range []string{"dashboard.json", "alerts.yaml"} {
			for _, name := range inQueries.FindAllString(shipped(t, file), -1) {
				name = strings.TrimSuffix(name, "_bucket")
				require.Contains(t, families, name, file)
				shown[name] = true
			}
		}
		for _, same := range []string{ // as kuberator_attempts_total, and attempts
			"controller_runtime_reconcile_total", "controller_runtime_reconcile_errors_total", "controller_runtime_terminal_reconcile_errors_total",
			"workqueue_work_duration_seconds", "workqueue_unfinished_work_seconds", "kuberator_parked_seconds",
		} {
			shown[same] = true
		}
		for name := range families {
			require.True(t, shown[name], "%s is nowhere shown", name)
		}
	})
}

// TestWhatIsShippedIsExplained: each alert says what is wrong, and docs/operating.md what to do;
// each metric is in its table. Kills: an alert at night that nobody knows.
func TestWhatIsShippedIsExplained(t *testing.T) {
	doc, err := os.ReadFile("../../docs/operating.md")
	require.NoError(t, err)
	var alerts struct {
		Groups []struct {
			Rules []struct {
				Alert               string
				Labels, Annotations map[string]string
			}
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(shipped(t, "alerts.yaml")), &alerts))
	require.NotEmpty(t, alerts.Groups)
	for _, rule := range alerts.Groups[0].Rules {
		require.Contains(t, string(doc), "| `"+rule.Alert+"` |")
		require.Contains(t, []string{"warning", "critical"}, rule.Labels["severity"], rule.Alert)
		require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
		require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
	}
	require.True(t, json.Valid([]byte(shipped(t, "dashboard.json"))))
	inWorld(t, func(w *world) {
		everything(w)
		for name := range w.families() {
			if strings.HasPrefix(name, "controller_runtime_") {
				continue // written short
			}
			require.Contains(t, string(doc), "`"+name+"`")
		}
	})
}
