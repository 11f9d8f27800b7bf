package observability

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/controller/metrics"
)

// manifest reads one of those that package operator writes, into the type that its reader has.
func manifest[T any](t *testing.T, path string) *T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../example/configmirror/config", path))
	require.NoError(t, err)
	obj := new(T)
	require.NoError(t, yaml.UnmarshalStrict(text, obj), path)
	return obj
}

// Kills: a field that the Prometheus operator does not know, or a name by which the parts miss each other.
func TestTheManifestsForThePrometheusOperator(t *testing.T) {
	monitor := manifest[monitoring.ServiceMonitor](t, "monitoring/servicemonitor.yaml")
	service := manifest[corev1.Service](t, "base/service.yaml")
	require.Equal(t, "ServiceMonitor", monitor.Kind)
	require.Equal(t, service.Namespace, monitor.Namespace)
	for key, value := range monitor.Spec.Selector.MatchLabels {
		require.Equal(t, value, service.Labels[key])
	}
	require.Equal(t, service.Spec.Ports[0].Name, monitor.Spec.Endpoints[0].Port)
	require.Equal(t, "https", strings.ToLower(monitor.Spec.Endpoints[0].Scheme.String()))

	rule := manifest[monitoring.PrometheusRule](t, "monitoring/prometheusrule.yaml")
	text, err := yaml.Marshal(rule.Spec)
	require.NoError(t, err)
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, promQL, slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	alerts, err := metrics.Files.ReadFile("alerts.yaml")
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(alerts), "- alert:"), len(groups.Groups[0].Rules))

	dashboard, err := metrics.Files.ReadFile("dashboard.json")
	require.NoError(t, err)
	require.JSONEq(t, string(dashboard), manifest[corev1.ConfigMap](t, "monitoring/dashboard.yaml").Data["configmirror.json"])
}
