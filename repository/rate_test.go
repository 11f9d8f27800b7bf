package repository_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/flowcontrol"

	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// TestRequestsAreNotLimitedUnlessAskedFor: the server has priorities and fairness, and
// client-go's default of 5 requests/s is for people. Kills: client-go's default, a limit
// that is ignored.
func TestRequestsAreNotLimitedUnlessAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		defer srv.Close()
		for name, c := range map[string]struct {
			set  func(*rest.Config)
			want time.Duration // for 101 requests
		}{
			"nothing is said": {func(*rest.Config) {}, 0},
			"QPS and Burst":   {func(cfg *rest.Config) { cfg.QPS, cfg.Burst = 10, 1 }, 10 * time.Second},
			"a RateLimiter":   {func(cfg *rest.Config) { cfg.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(100, 1) }, time.Second},
		} {
			cfg := srv.Config()
			c.set(cfg)
			repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
			require.NoError(t, err)
			began := time.Now()
			for range 101 {
				_, err := repo.Get(t.Context(), types.NamespacedName{Namespace: "default", Name: "a"})
				require.Error(t, err)
			}
			require.InDelta(t, c.want, time.Since(began), float64(c.want/50), name)
		}
	})
}
