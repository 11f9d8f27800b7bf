package sim_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/test/sim"
)

func benched(b *testing.B) (*sim.Server, kubernetes.Interface) {
	b.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	require.NoError(b, err)
	b.Cleanup(srv.Close)
	client, err := kubernetes.NewForConfig(srv.Config())
	require.NoError(b, err)
	b.ReportAllocs()
	return srv, client
}

// The budget is 10,000 writes a second, with what the client does.
func BenchmarkWrite(b *testing.B) {
	_, client := benched(b)
	maps := client.CoreV1().ConfigMaps("default")
	b.RunParallel(func(pb *testing.PB) {
		for n := 0; pb.Next(); n++ {
			cm := configMap("")
			cm.GenerateName, cm.Data = "c-", map[string]string{"n": fmt.Sprint(n)}
			if _, err := maps.Create(b.Context(), cm, metav1.CreateOptions{}); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// ask sends a request as a client would, and reads the answer.
func ask(b *testing.B, srv *sim.Server, method, path, body string) int {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, "http://simulated"+path, strings.NewReader(body))
	require.NoError(b, err)
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := srv.Session("").RoundTrip(request)
	require.NoError(b, err)
	require.Less(b, response.StatusCode, 300)
	data, err := io.ReadAll(response.Body)
	require.NoError(b, err)
	require.NoError(b, response.Body.Close())
	return len(data)
}

const path = "/api/v1/namespaces/default/configmaps"

// What the server does for a write.
func BenchmarkServerWrite(b *testing.B) {
	for name, body := range map[string]func(n int) (method, path, body string){
		"create": func(n int) (string, string, string) {
			return http.MethodPost, path, fmt.Sprintf(`{"metadata":{"name":"c-%d"},"data":{"n":"%d"}}`, n, n)
		},
		"update": func(n int) (string, string, string) {
			return http.MethodPut, path + "/one", fmt.Sprintf(`{"metadata":{"name":"one"},"data":{"n":"%d"}}`, n)
		},
		"patch": func(n int) (string, string, string) {
			return http.MethodPatch, path + "/one", fmt.Sprintf(`{"data":{"n":"%d"}}`, n)
		},
	} {
		b.Run(name, func(b *testing.B) {
			srv, _ := benched(b)
			ask(b, srv, http.MethodPost, path, `{"metadata":{"name":"one"}}`)
			for n := 0; b.Loop(); n++ {
				method, path, body := body(n)
				ask(b, srv, method, path, body)
			}
		})
	}
}

// The budget is 100 ms. Most of it is the client, which decodes.
func BenchmarkList10000(b *testing.B) {
	srv, client := benched(b)
	for n := range 10_000 {
		ask(b, srv, http.MethodPost, path, fmt.Sprintf(`{"metadata":{"name":"c-%d"},"data":{"n":"%d"}}`, n, n))
	}
	b.Run("server", func(b *testing.B) {
		for b.Loop() {
			require.Greater(b, ask(b, srv, http.MethodGet, path, ""), 1_000_000)
		}
	})
	b.Run("client", func(b *testing.B) {
		for b.Loop() {
			list, err := client.CoreV1().ConfigMaps("default").List(b.Context(), metav1.ListOptions{})
			require.NoError(b, err)
			require.Len(b, list.Items, 10_000)
		}
	})
}
