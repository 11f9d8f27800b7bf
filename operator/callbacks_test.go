package operator

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// Kills: a Service or a NetworkPolicy of docs/howto/outside.md that does not reach the Pods of an operator.
func TestTheManifestsForCallbacksReachTheOperator(t *testing.T) {
	text, err := os.ReadFile("testdata/callbacks.yaml")
	require.NoError(t, err)
	parts := bytes.Split(text, []byte("---\n"))
	require.Len(t, parts, 2)
	var service corev1.Service
	require.NoError(t, yaml.UnmarshalStrict(parts[0], &service))
	var policy networkingv1.NetworkPolicy
	require.NoError(t, yaml.UnmarshalStrict(parts[1], &policy))

	deployment := the[*appsv1.Deployment](t, manifests(t, nil)["base/deployment.yaml"])
	pods := labels.Set(deployment.Spec.Template.Labels)
	require.Equal(t, deployment.Namespace, service.Namespace)
	require.Equal(t, deployment.Namespace, policy.Namespace)
	require.NotEmpty(t, service.Spec.Selector)
	require.True(t, labels.SelectorFromSet(service.Spec.Selector).Matches(pods))
	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	require.NoError(t, err)
	require.False(t, selector.Empty())
	require.True(t, selector.Matches(pods))
	port := service.Spec.Ports[0].TargetPort
	require.Equal(t, 8090, port.IntValue(), "that of serve")
	require.Equal(t, port, *policy.Spec.Ingress[0].Ports[0].Port)
}
