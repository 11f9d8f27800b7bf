package fault_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/cluster"
)

// On a real server, over TLS and HTTP/2, rules mean the same.
func TestCluster(t *testing.T) {
	c := cluster.Start(t, &cluster.Options{NoControllerManager: true})
	admin := newWorld(t, c.Config(), metav1.NamespaceDefault).direct
	number := 0
	for name, test := range sameWords {
		number++
		t.Run(name, func(t *testing.T) {
			namespace := fmt.Sprintf("fault-%d", number)
			_, err := admin.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
			require.NoError(t, err)
			test(t, newWorld(t, c.Config(), namespace))
		})
	}
}
