package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/repository"
)

// TestMain is also the replicas of the operator.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == replicaArg {
		os.Exit(replicaMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// story plays the whole story once, and returns what the demo says.
func story(t *testing.T, where string) string {
	t.Helper()
	var said strings.Builder
	n := newNarrator(&said)
	err := run(t.Context(), where, true, n)
	require.NoError(t, err, said.String())
	require.Regexp(t, `^ok: 10 steps in `, n.summary)
	return said.String()
}

// The first lines say what kind of API server this is, and how to get a real one.
func TestStorySimulated(t *testing.T) {
	t.Parallel()
	said := story(t, "simulated")
	require.Regexp(t, `^\nThis API server is simulated(.*\n)+ +make run CLUSTER=local .*\n +make run CLUSTER=current .*\n\n.*the API server is https://127\.0\.0\.1:`, said)
	require.Contains(t, said, "two replicas run as service account configmirror-system/configmirror")
}

func TestStoryOnARealServer(t *testing.T) {
	if testing.Short() {
		t.Skip("a control plane is not started with -short")
	}
	require.Contains(t, story(t, "local"), "This API server is real")
}

// In somebody else's cluster nothing stays but what the last line names.
func TestStoryInTheCurrentContext(t *testing.T) {
	p, err := simulated(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.close()) }()
	t.Setenv("KUBECONFIG", p.kubeconfig)
	said := story(t, "current")
	require.Contains(t, said, "This API server is that of the current context of your kubeconfig")
	require.Contains(t, said, "left in the cluster: the CRD, the ClusterRole and its binding, and namespace configmirror-system\n")

	repo, err := repository.New[corev1.Namespace](p.admin, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("namespaces"), repository.ClusterScoped())
	require.NoError(t, err)
	list, err := repo.List(t.Context(), "", metav1.ListOptions{})
	require.NoError(t, err)
	var names []string
	for _, ns := range list {
		names = append(names, ns.Name)
	}
	require.ElementsMatch(t, []string{"default", "kube-system", "configmirror-system"}, names)
}

// The operator may do what its ClusterRole says, and nothing else.
func TestTheOperatorIsItsServiceAccount(t *testing.T) {
	p, err := simulated(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, p.close()) }()
	account, err := p.install(t.Context(), newNarrator(io.Discard))
	require.NoError(t, err)
	repo, err := repository.New[corev1.ConfigMap](account, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(t, err)
	_, err = repo.Create(t.Context(), configMap("default"))
	require.NoError(t, err)
	namespaces, err := repository.New[corev1.Namespace](account, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("namespaces"), repository.ClusterScoped())
	require.NoError(t, err)
	_, err = namespaces.Create(t.Context(), namespaceOf("more"))
	require.True(t, apierrors.IsForbidden(err), "%v", err)
}

func TestAPlaceThatIsNone(t *testing.T) {
	require.EqualError(t, run(t.Context(), "moon", true, newNarrator(io.Discard)), `-cluster is simulated, local or current, not "moon"`)
}

// watcher is told each text that the demo prints, and can refuse it.
type watcher func(text string) error

func (w watcher) Write(p []byte) (int, error) { return len(p), w(string(p)) }

// Who interrupts the story is not told of a step that nobody takes.
func TestInterrupted(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var said strings.Builder
	n := newNarrator(watcher(func(text string) error {
		if strings.Contains(text, "2 copies") {
			stop()
		}
		said.WriteString(text)
		return nil
	}))
	n.pace = time.Hour
	require.NoError(t, run(ctx, "simulated", false, n))
	require.Contains(t, said.String(), "create ConfigMirror")
	require.NotContains(t, said.String(), "change the source")
	require.Contains(t, said.String(), "the API server has stopped")
}

// A check whose result nobody can read has not succeeded.
func TestLostLinesAreKnown(t *testing.T) {
	full := errors.New("no space left on device")
	n := newNarrator(watcher(func(text string) error {
		if strings.Contains(text, "second") {
			return full
		}
		return nil
	}))
	n.say(you, "first")
	require.NoError(t, n.lost())
	n.say(you, "second")
	n.say(you, "third")
	require.ErrorIs(t, n.lost(), full)
}

// The demo ends when nobody reads it. Kills: a demo that also ends when some connection breaks, since both are the same signal.
func TestAReaderThatGoesAway(t *testing.T) {
	closed := false
	n := newNarrator(watcher(func(string) error {
		if closed {
			return &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}
		}
		return nil
	}))
	defer signal.Reset()
	ctx := interruptible(n)
	require.True(t, signal.Ignored(syscall.SIGPIPE))
	n.say(you, "somebody reads")
	require.NoError(t, ctx.Err())
	closed = true
	n.say(you, "nobody reads")
	require.Error(t, ctx.Err())
}

// Where the server is not reached, nothing is said to be left in it.
func TestAServerThatDoesNotAnswer(t *testing.T) {
	p, err := simulated(t.Context(), nil)
	require.NoError(t, err)
	content, err := os.ReadFile(p.kubeconfig)
	require.NoError(t, err)
	require.NoError(t, p.close())
	path := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, os.WriteFile(path, content, 0o600))
	t.Setenv("KUBECONFIG", path)
	var said strings.Builder
	require.ErrorContains(t, run(t.Context(), "current", true, newNarrator(&said)), "reach the API server: ")
	require.NotContains(t, said.String(), "left in the cluster")
}

// While the demo runs, kubectl works with it, and Ctrl-C ends it.
func TestKubectl(t *testing.T) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil || testing.Short() {
		t.Skip("there is no kubectl on this machine, or -short says to do without")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, "simulated", false, newNarrator(in))
		_ = in.Close()
	}()
	lines := bufio.NewScanner(out)
	kubeconfig, page := "", ""
	for lines.Scan() {
		if strings.Contains(lines.Text(), "http://") && strings.Contains(lines.Text(), "leads") {
			page = strings.Fields(lines.Text())[2]
		}
		if path, ok := strings.CutPrefix(lines.Text(), "  export KUBECONFIG="); ok {
			kubeconfig = path
		}
		if strings.HasPrefix(lines.Text(), "Ctrl-C") {
			break
		}
	}
	require.FileExists(t, kubeconfig)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Contains(t, string(text), "this process")
	go func() { _, _ = io.Copy(io.Discard, out) }()

	call := func(args ...string) string {
		cmd := exec.CommandContext(ctx, kubectl, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "HOME="+filepath.Join(t.TempDir(), "home"))
		said, err := cmd.CombinedOutput()
		require.NoError(t, err, "kubectl %q: %s", args, said)
		return string(said)
	}
	require.Regexp(t, `(?m)^NAME +READY +REASON +COPIES +AGE\nsettings +True +Mirrored +2 +\d+s$`, call("get", "configmirrors"))
	described := call("describe", "configmirror", "settings")
	require.Contains(t, described, "API Version:  mirror.kuberator.dev/v1alpha1")
	require.Regexp(t, `Reason: +Mirrored`, described)
	require.Contains(t, call("get", "configmaps", "-A", "-l", configmirror.LabelMirror), "demo-web-1")
	require.Contains(t, call("label", "namespace", "demo-web-2", "demo.kuberator.dev/team=web"), "labeled")
	require.Contains(t, call("-n", "demo-web-1", "delete", "configmap", "settings"), "deleted")
	require.Contains(t, call("delete", "configmirror", "settings"), `"settings" deleted`)
	require.Contains(t, call("explain", "configmirror.spec"), "FIELDS:")
	require.Empty(t, call("get", "configmirrors", "-o", "name"))
	require.Empty(t, call("get", "configmaps", "-A", "-l", configmirror.LabelMirror, "-o", "name"))
	stop()
	require.NoError(t, <-ended)
}
