package operator

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

const (
	theName    = "example.com/shop-operator"
	finalizing = "example.com/shop"
)

// world is a simulated API server.
type world struct {
	srv        *sim.Server
	configMaps *repository.Live[*corev1.ConfigMap]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps", "serviceaccounts", "leases.coordination.k8s.io", "events.events.k8s.io",
		"clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	require.NoError(t, err)
	return &world{srv: srv, configMaps: repo}
}

// silent are flags for a process of which nothing listens.
func silent(more ...string) []string {
	return append([]string{"--health-addr=0", "--metrics-addr=0", "--leader-elect-namespace=default"}, more...)
}

// make makes a process as Run does, of which the parts are looked at.
func (w *world) make(t *testing.T, setup Setup, args ...string) *Process {
	t.Helper()
	p, err := newProcess(theName, args, nil, io.Discard)
	require.NoError(t, err)
	require.NoError(t, p.connect(w.srv.Config()))
	require.NoError(t, setup(p))
	return p
}

// run is Run for this API server.
func (w *world) run(ctx context.Context, setup Setup, args ...string) error {
	p, err := newProcess(theName, args, nil, io.Discard)
	if err != nil {
		return err
	}
	return p.runAt(ctx, w.srv.Config(), setup)
}

// shop is a controller of ConfigMaps.
func shop(user controller.Funcs[*corev1.ConfigMap]) Setup {
	return func(p *Process) error {
		repo, err := repository.New[corev1.ConfigMap](p.Config, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		if err != nil {
			return err
		}
		c, err := controller.New(repo, user, p.Options())
		if err != nil {
			return err
		}
		p.Lead(c)
		return nil
	}
}

func applying(f func(*corev1.ConfigMap) error) Setup {
	return shop(controller.Funcs[*corev1.ConfigMap]{
		FinalizerName: controller.NoFinalizer,
		ApplyFunc: func(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
			return controller.AwaitChange(), f(cm)
		},
	})
}

func nothing(*corev1.ConfigMap) error { return nil }

// said returns what f writes to standard error.
func said(t *testing.T, f func()) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stderr")
	file, err := os.Create(path)
	require.NoError(t, err)
	before := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = before }()
	f()
	require.NoError(t, file.Close())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(bytes.TrimSpace(text))
}
