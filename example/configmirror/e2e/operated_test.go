package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/test/cluster"
)

// alone starts a replica that waits for no other.
func alone(t *testing.T, args ...string) *replica {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a program")
	}
	kubeconfig, err := env.cluster.KubeconfigFor(env.account, strings.ReplaceAll(t.Name(), "/", "-"))
	require.NoError(t, err)
	r := deploy(t, build(t), kubeconfig, append([]string{"--leader-elect=false"}, args...)...)
	r.address(t, true)
	r.address(t, false)
	return r
}

func (r *replica) end(t *testing.T) {
	t.Helper()
	require.NoError(t, r.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-r.ended)
}

// sockets counts where the process listens.
func (r *replica) sockets(t *testing.T) (n int) {
	t.Helper()
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", r.Process.Pid))
	require.NoError(t, err)
	own := map[string]bool{}
	for _, path := range descriptors {
		target, _ := os.Readlink(path) // it may be closed by now
		own[strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")] = true
	}
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", r.Process.Pid, table))
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) > 9 && fields[3] == "0A" && own[fields[9]] {
				n++
			}
		}
	}
	return n
}

// Kills: a socket that no flag asked for; content of objects, or a token, in the log of a process that is
// debugged, in its metrics, or on its page.
func TestS2S6AProcessTellsNothingOfContent(t *testing.T) {
	r := alone(t, "--log-level=debug")
	if _, err := os.Stat("/proc/self/net/tcp"); err == nil {
		require.Equal(t, 2, r.sockets(t))
	}
	s := newStory(t, "canary")
	s.w.configMap("source", map[string]string{"password": "canary-in-data"})
	s.w.label("a", s.w.name)
	s.w.mirror(nil)
	eventually(t, s.w.copies("a"))
	live, err := s.w.get(t.Context())
	require.NoError(t, err)
	_, err = env.mirrors.Patch(t.Context(), live, types.MergePatchType, []byte(`{"metadata":{"annotations":{"example.com/a":"canary-in-annotation"},"labels":{"l":"canary-in-label"}}}`))
	require.NoError(t, err)
	s.w.delete()
	s.trouble(t)
	look(t, r)
	prometheus, err := env.cluster.ServiceAccount(t.Context(), "default", "prometheus")
	require.NoError(t, err)
	_, metrics, err := answer(t.Context(), "https://"+r.address(t, true)+"/metrics", prometheus.BearerToken)
	require.NoError(t, err)
	_, page, err := answer(t.Context(), "http://"+r.address(t, false)+"/debug/controllers?key="+s.w.name, "")
	require.NoError(t, err)
	require.Contains(t, page, s.w.name)
	r.end(t)
	records, err := json.Marshal(r.records)
	require.NoError(t, err)
	require.Contains(t, string(records), `"level":"debug"`)
	for _, text := range []string{string(records), metrics, page} {
		for _, secret := range []string{"canary-in", prometheus.BearerToken, env.account.BearerToken} {
			require.False(t, strings.Contains(text, secret), secret) //nolint:testifylint // NotContains would print all
		}
	}
}

// Kills: a liveness probe that has all replicas restarted because the API server is away; a readiness probe
// that is good without a cache; a process that does not end while it waits for the server.
func TestG13G14AProcessWhoseServerIsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, cluster.WriteKubeconfig(kubeconfig, &rest.Config{Host: "https://127.0.0.1:1"}, "away"))
	r := deploy(t, build(t), kubeconfig)
	probes := "http://" + r.address(t, false)
	r.says(t, "the lease cannot be read or written")
	require.NoError(t, is(t.Context(), http.StatusServiceUnavailable, probes+"/readyz", ""))
	require.NoError(t, is(t.Context(), http.StatusOK, probes+"/livez", ""))
	begun := time.Now()
	require.NoError(t, r.Process.Signal(syscall.SIGTERM))
	require.NoError(t, <-r.ended)
	require.Less(t, time.Since(begun), 10*time.Second, "Kubernetes waits for 30")
}

// Kills: an uninstall that does not wait for the replica that works, or that leaves a finalizer or a copy.
func TestS8UninstallOfAProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	binary := build(t)
	kubeconfig, err := env.cluster.KubeconfigFor(env.account, "uninstall")
	require.NoError(t, err)
	r := deploy(t, binary, kubeconfig)
	r.says(t, "leading")
	s := newStory(t, "uninstall")
	s.w.configMap("source", map[string]string{"colour": "blue"})
	s.w.label("a", s.w.name)
	s.w.mirror(nil)
	eventually(t, s.w.copies("a"))
	uninstall := deploy(t, binary, kubeconfig, "--uninstall")
	uninstall.says(t, "uninstall: waiting for the lease: stop all replicas")
	require.NoError(t, s.w.copies("a")(t.Context()))
	r.end(t)
	require.NoError(t, <-uninstall.ended)
	uninstall.says(t, "uninstall: all objects are released")
	require.NoError(t, s.w.copies()(t.Context()))
	live, err := s.w.get(t.Context())
	require.NoError(t, err)
	require.Empty(t, live.Finalizers)
	require.NoError(t, env.mirrors.Delete(t.Context(), live))
}

// Kills: copies that stay for ever since somebody took the finalizer off by force while the operator stood still.
func TestG3xForcedWhileTheProcessStandsStill(t *testing.T) {
	r := alone(t)
	s := newStory(t, "forced")
	s.w.configMap("source", map[string]string{"colour": "blue"})
	s.w.label("a", s.w.name)
	s.w.mirror(nil)
	eventually(t, s.w.is(v1alpha1.ReasonMirrored, 1))
	require.NoError(t, r.Process.Signal(syscall.SIGSTOP))
	live, err := s.w.get(t.Context())
	require.NoError(t, err)
	require.NoError(t, env.mirrors.Delete(t.Context(), live))
	_, err = env.mirrors.Patch(t.Context(), live, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
	require.NoError(t, err)
	_, err = s.w.get(t.Context())
	require.True(t, apierrors.IsNotFound(err), "%v", err)
	require.NoError(t, s.w.copies("a")(t.Context()))
	require.NoError(t, r.Process.Signal(syscall.SIGCONT))
	eventually(t, s.w.copies())
	eventually(t, func(ctx context.Context) error {
		events, err := env.client.EventsV1().Events("default").List(ctx, metav1.ListOptions{FieldSelector: "reason=FinalizerBypassed,regarding.name=" + s.w.name})
		if err == nil && len(events.Items) != 1 {
			err = fmt.Errorf("there are %d events", len(events.Items))
		}
		return err
	})
	r.end(t)
}
