package e2e_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// TestG3KillProcess is TestG3CrashAtEveryWrite with a real process and a real
// SIGKILL, as soon as the server shows the k-th write of the operator.
func TestG3KillProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program and kills it a dozen times")
	}
	binary := build(t)
	kubeconfig, err := env.cluster.KubeconfigFor(env.account, "operator")
	require.NoError(t, err)
	s := newStory(t, "kill")
	kills := 0
	for s.killAt(t, binary, kubeconfig, int64(kills+1)) {
		kills++
		require.Less(t, kills, 100, "the story does not need that many writes")
	}
	require.GreaterOrEqual(t, kills, 10)
	t.Logf("survived %d kills", kills)
}

// killAt tells the story to a process that is killed at its k-th write, and to its
// successor. It returns false if there were fewer.
func (s *storyteller) killAt(t *testing.T, binary, kubeconfig string, k int64) (killed bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	counter := &writeEvents{at: k, reached: make(chan struct{})}
	watchWrites(t, ctx, counter)
	first := launch(t, binary, kubeconfig)
	over, successor := make(chan struct{}), make(chan *exec.Cmd, 1)
	go func() {
		select {
		case <-counter.reached:
			_ = first.Process.Kill()
			_ = first.Wait()
			successor <- launch(t, binary, kubeconfig)
		case <-over:
			successor <- nil
		}
	}()
	s.tell(t)
	select {
	case <-counter.reached:
	default:
		close(over)
	}
	if second := <-successor; second != nil {
		// Not in order: where the last write was the k-th, it has only just been started, and
		// does not listen yet.
		_ = second.Process.Kill()
		_ = second.Wait()
		return true
	}
	interrupt(t, first)
	return false
}

func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "configmirror")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return binary
}

// launch starts the operator as a process that does not outlive the test. It does not wait for the
// lease of the one before, and listens nowhere.
func launch(t *testing.T, binary, kubeconfig string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), binary, "--kubeconfig", kubeconfig, "--leader-elect=false", "--health-addr=0", "--metrics-addr=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Errorf("start the operator: %v", err)
	}
	return cmd
}

// interrupt ends the process in order.
func interrupt(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait())
}

// writeEvents counts what the operator writes, as the server shows it.
type writeEvents struct {
	seen    atomic.Int64
	at      int64
	reached chan struct{}
}

func (c *writeEvents) note() {
	if c.seen.Add(1) == c.at {
		close(c.reached)
	}
}

// watchWrites feeds the counter with the events of all copies and mirrors.
func watchWrites(t *testing.T, ctx context.Context, c *writeEvents) {
	t.Helper()
	exists, err := labels.NewRequirement(configmirror.LabelMirror, selection.Exists, nil)
	require.NoError(t, err)
	copies := &informer.Options{LabelSelector: labels.NewSelector().Add(*exists)}
	configMaps, err := repository.New[corev1.ConfigMap](env.cluster.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(t, err)
	secrets, err := repository.New[corev1.Secret](env.cluster.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("secrets"))
	require.NoError(t, err)
	subscribe(t, ctx, configMaps, copies, c)
	subscribe(t, ctx, secrets, copies, c)
	subscribe(t, ctx, env.mirrors, nil, c)
}

func subscribe[T repository.Object](t *testing.T, ctx context.Context, repo repository.Repository[T], opts *informer.Options, c *writeEvents) {
	t.Helper()
	in, err := informer.New(repo, opts)
	require.NoError(t, err)
	sub, err := in.Subscribe(ctx, eachEvent[T]{c.note})
	require.NoError(t, err)
	require.True(t, cache.WaitFor(ctx, "", sub.Synced()...))
	context.AfterFunc(ctx, func() { _ = sub.Stop() })
}

// eachEvent calls note for every event.
type eachEvent[T repository.Object] struct{ note func() }

func (e eachEvent[T]) OnAdd(T, bool)                   { e.note() }
func (e eachEvent[T]) OnUpdate(_, _ T)                 { e.note() }
func (e eachEvent[T]) OnDelete(cache.DeletedObject[T]) { e.note() }
func (e eachEvent[T]) OnError(error)                   {}
