package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/example/configmirror"
)

// decoded reads a manifest.
func decoded[T any](t *testing.T, path string) *T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../config", path))
	require.NoError(t, err)
	obj, _, err := scheme.Codecs.UniversalDeserializer().Decode(text, nil, nil)
	require.NoError(t, err)
	return any(obj).(*T)
}

// TestS1TheManifestsAreAccepted asks the API server, which also admits their Pods to a namespace with
// restricted Pod security. Kills: a field that no Kubernetes knows; a Pod that may do more than it must.
func TestS1TheManifestsAreAccepted(t *testing.T) {
	if testing.Short() {
		t.Skip("runs kubectl")
	}
	if _, err := exec.LookPath("kubectl"); err != nil {
		t.Skip("there is no kubectl")
	}
	for _, folder := range []string{"base", "uninstall"} {
		out, err := exec.CommandContext(t.Context(), "kubectl", "--kubeconfig", env.cluster.Kubeconfig(),
			"apply", "--server-side", "--force-conflicts", "--validate=strict", "--dry-run=server", "-k", "../config/"+folder).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NotContains(t, string(out), "Warning", "of Pod security, or of what will not be there for long")
		t.Logf("%s", out)
	}
	out, err := exec.CommandContext(t.Context(), "kubectl", "kustomize", "../config/monitoring").CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, kind := range []string{"ServiceMonitor", "PrometheusRule", "ConfigMap", "Deployment"} {
		require.Contains(t, string(out), "\nkind: "+kind+"\n")
	}
}

func TestS1ThePodsOfTheManifestsAreRestricted(t *testing.T) {
	namespace, err := env.client.CoreV1().Namespaces().Get(t.Context(), configmirror.Namespace, metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, "restricted", namespace.Labels["pod-security.kubernetes.io/enforce"])
	for name, template := range map[string]corev1.PodTemplateSpec{
		"deployment": decoded[appsv1.Deployment](t, "base/deployment.yaml").Spec.Template,
		"job":        decoded[batchv1.Job](t, "uninstall/job.yaml").Spec.Template,
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: template.Labels}, Spec: template.Spec}
		_, err := env.client.CoreV1().Pods(configmirror.Namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		require.NoError(t, err, name)
		pod.Spec.Containers[0].SecurityContext = nil
		_, err = env.client.CoreV1().Pods(configmirror.Namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		require.ErrorContains(t, err, "violates PodSecurity", name)
	}
}
