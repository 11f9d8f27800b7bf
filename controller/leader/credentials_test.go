package leader_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/repository"
)

// TestS9TheLeaseIsWonAgainWithinSeconds: with a token that the server does not accept the lease is lost, which is
// visible, and 5 s after a good one is in the file this process works again, also if that takes half an hour.
func TestS9TheLeaseIsWonAgainWithinSeconds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	inBubble(t, func(w *world) {
		write := func(token string) { require.NoError(w.t, os.WriteFile(file, []byte(token), 0o600)) }
		write(w.srv.Token("operator", "system:masters"))
		p := w.process("a")
		p.cfg.BearerTokenFile = file
		var err error
		p.repo, err = repository.New[corev1.ConfigMap](p.cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(w.t, err)
		p.start()
		w.create("before")
		settle(time.Minute)
		require.Equal(w.t, []string{"apply before"}, p.called())

		write("not a token of this server")
		settle(2 * time.Minute)
		require.False(w.t, p.leads())
		require.True(w.t, apierrors.IsUnauthorized(p.elector.Status().Err), "%v", p.elector.Status().Err)
		require.Equal(w.t, 1, p.logs.FilterMessage("lease lost").Len())
		w.create("meanwhile")
		settle(30 * time.Minute)
		write(w.srv.Token("operator", "system:masters"))
		settle(5 * time.Second)
		require.True(w.t, p.leads())
		require.Contains(w.t, p.called(), "apply meanwhile")
		for _, entry := range p.logs.All() {
			require.NotContains(w.t, fmt.Sprint(entry.Message, entry.ContextMap()), "not a token")
		}
	})
}
