package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

// The budget is 10,000 writes a second.
func BenchmarkWrite(b *testing.B) {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	require.NoError(b, err)
	b.Cleanup(srv.Close)
	client := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("default")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			cm := configMap("")
			cm.GenerateName, cm.Data = "c-", map[string]string{"n": fmt.Sprint(n)}
			if _, err := client.Create(b.Context(), cm, metav1.CreateOptions{}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// The budget is 100 ms.
func BenchmarkList10000(b *testing.B) {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	require.NoError(b, err)
	b.Cleanup(srv.Close)
	client := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("default")
	for n := range 10_000 {
		cm := configMap(fmt.Sprintf("c-%d", n))
		cm.Data = map[string]string{"n": fmt.Sprint(n)}
		_, err := client.Create(b.Context(), cm, metav1.CreateOptions{})
		require.NoError(b, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		list, err := client.List(b.Context(), metav1.ListOptions{})
		require.NoError(b, err)
		require.Len(b, list.Items, 10_000)
		_ = began
	}
}
