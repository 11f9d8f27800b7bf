package informer_test

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

type refusing struct{ requests *int }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) {
	*r.requests++
	return nil, syscall.ECONNREFUSED
}

// Kills: an operator that needs a minute to end while its API server is away, and is killed; one that asks all
// the time whether it is back.
func TestG14AnInformerEndsAtOnceWhileTheServerIsAway(t *testing.T) {
	for _, away := range []time.Duration{time.Second, 10 * time.Second, 47 * time.Second, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			repo, err := repository.New[corev1.ConfigMap](&rest.Config{Host: "https://api", Transport: refusing{&requests}}, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
			require.NoError(t, err)
			in, err := informer.New(repo, nil)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			kept, err := in.Keep(ctx, func(error) {})
			require.NoError(t, err)
			time.Sleep(away)
			begun := time.Now()
			cancel()
			require.NoError(t, kept.Stop())
			require.Less(t, time.Since(begun), time.Second, "after %s", away)
			require.LessOrEqual(t, requests, 6+int(away/(15*time.Second)))
		})
	}
}
