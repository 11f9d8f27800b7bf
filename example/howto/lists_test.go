package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

// Kills: an index on the page that finds the wrong Pods, and Pods whose changes wake no Node.
func TestLoadsFollowThePods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := server(t, sim.Core("configmaps", "nodes", "pods"))
		defer srv.Close()
		client := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1()
		pod := func(name, node string) {
			p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
			p.Spec.NodeName, p.Spec.Containers = node, []corev1.Container{{Name: "main", Image: "main"}}
			_, err := client.Pods("default").Create(t.Context(), p, metav1.CreateOptions{})
			require.NoError(t, err)
		}
		loaded := func(node, pods string) {
			time.Sleep(time.Minute)
			n, err := client.Nodes().Get(t.Context(), node, metav1.GetOptions{})
			require.NoError(t, err)
			require.Equal(t, pods, n.Annotations["example.com/pods"])
		}
		for _, name := range []string{"n1", "n2"} {
			_, err := client.Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
			require.NoError(t, err)
		}
		pod("a", "n1")
		c, err := newLoads(srv.Config(), nil)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.Run(ctx) }()
		loaded("n1", "1")
		loaded("n2", "0")
		pod("b", "n2")
		loaded("n2", "1")
		cancel()
		require.NoError(t, <-ended)
	})
}
