//go:build unix

package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/test/cluster"
)

// alive reports whether the process is there and more than a zombie, which stays
// until somebody asks how it ended.
func alive(pid int) bool {
	if pid == 0 || syscall.Kill(pid, 0) != nil {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, after, _ := strings.Cut(string(status), ") ")
	return !strings.HasPrefix(after, "Z")
}

// TestProcess takes the processes of one cluster away and gives them back. It is long
// because its steps share the cluster, each starting where the last one left it.
func TestProcess(t *testing.T) {
	c := cluster.Start(t, nil)
	configMaps := clientFor(t, c.Config()).CoreV1().ConfigMaps("default")
	_, err := configMaps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	stillThere := func(t *testing.T) {
		t.Helper()
		_, err := configMaps.Get(t.Context(), "kept", metav1.GetOptions{})
		require.NoError(t, err)
	}

	for _, process := range []*cluster.Process{c.APIServer(), c.Etcd(), c.ControllerManager()} {
		t.Run("restart "+process.Name(), func(t *testing.T) {
			before := process.PID()
			require.NoError(t, process.Restart(t.Context()))
			require.NotEqual(t, before, process.PID())
			require.False(t, alive(before))
			require.True(t, alive(process.PID()))
			stillThere(t)
		})
	}
	// First: a controller manager that is just starting ends when the API server does.
	t.Run("stop while paused", func(t *testing.T) {
		require.NoError(t, c.ControllerManager().Pause())
		begun := time.Now()
		require.NoError(t, c.ControllerManager().Stop())
		require.Less(t, time.Since(begun), 8*time.Second)
	})
	t.Run("kill", func(t *testing.T) {
		pid := c.APIServer().PID()
		require.NoError(t, c.APIServer().Kill())
		require.NoError(t, c.APIServer().Kill(), "a second Kill is harmless")
		require.False(t, alive(pid))
		require.Error(t, ready(t, c.Config(), time.Second))
		require.NoError(t, c.APIServer().Err(), "it was asked for")
		require.ErrorIs(t, c.APIServer().Pause(), os.ErrProcessDone)
		require.NoError(t, c.APIServer().Restart(t.Context()))
		stillThere(t)
	})
	t.Run("pause", func(t *testing.T) {
		require.NoError(t, c.APIServer().Pause())
		require.ErrorIs(t, ready(t, c.Config(), 300*time.Millisecond), context.DeadlineExceeded)
		require.NoError(t, c.APIServer().Resume())
		require.NoError(t, c.APIServer().Resume(), "resuming what runs is harmless")
		require.NoError(t, ready(t, c.Config(), patience))
		stillThere(t)
	})
	t.Run("not ready in time", func(t *testing.T) {
		require.NoError(t, c.Etcd().Pause())
		require.NoError(t, c.APIServer().Kill())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := c.APIServer().Restart(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "waiting for kube-apiserver to be ready")
		require.NoError(t, c.Etcd().Resume())
		require.NoError(t, c.APIServer().Restart(t.Context()))
		stillThere(t)
	})
	require.NoError(t, c.Err(), "nothing ended unasked")
}

// recorder is a testing.TB that notes failures of the code under test.
type recorder struct {
	testing.TB
	mutex    sync.Mutex
	failures []string
	cleanups []func()
}

func (r *recorder) Cleanup(cleanup func()) { r.cleanups = append(r.cleanups, cleanup) }

func (r *recorder) Errorf(format string, args ...any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestUnexpectedEndFailsTheTest(t *testing.T) {
	r := &recorder{TB: t}
	c := cluster.Start(r, nil)
	pid := c.APIServer().PID()
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	select {
	case <-c.Done():
	case <-time.After(patience):
		require.Fail(t, "the end was not noticed")
	}
	want := fmt.Sprintf("kube-apiserver (pid %d) ended unexpectedly: signal: killed; the end of its log:", pid)
	require.ErrorContains(t, c.Err(), want)
	require.ErrorContains(t, c.APIServer().Err(), want)
	require.NoError(t, c.Etcd().Err())

	require.NoError(t, c.APIServer().Restart(t.Context()))
	require.NoError(t, c.APIServer().Err(), "it runs again")
	require.ErrorContains(t, c.Err(), want, "but it did end")

	for _, cleanup := range r.cleanups {
		cleanup()
	}
	require.Len(t, r.failures, 1)
	require.Contains(t, r.failures[0], want)
	require.NoDirExists(t, c.Dir())
}

// TestKilledParentLeavesNothing kills this test program while it runs a cluster,
// one process of which is paused and cannot look after itself.
func TestKilledParentLeavesNothing(t *testing.T) {
	temporary := t.TempDir()
	child := startChild(t, temporary)
	for _, pid := range child.pids {
		require.True(t, alive(pid))
	}
	require.NoError(t, child.kill())
	eventually(t, "all processes are gone", func() bool { return !slices.ContainsFunc(child.pids, alive) })

	left, err := filepath.Glob(filepath.Join(temporary, "kuberator-cluster-*"))
	require.NoError(t, err)
	require.Len(t, left, 1, "nobody was left to remove the directory")
	t.Setenv("TMPDIR", temporary)
	c := cluster.Start(t, &cluster.Options{NoControllerManager: true})
	require.NoDirExists(t, left[0], "the next control plane does")
	require.DirExists(t, c.Dir())
}
