package controllerruntime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/fault"
)

func init() { log.SetLogger(logr.New(log.NullLogSink{})) } // or controller-runtime complains after 30 s

// world is a cluster and a manager in virtual time.
type world struct {
	t      *testing.T
	client client.Client
	faults *fault.Injector // of the manager's requests
	cfg    *rest.Config
	mgr    ctrl.Manager
	ended  chan error
	stop   context.CancelFunc
}

// within runs f in a world of its own, and ends the manager after it.
func within(t *testing.T, change func(*ctrl.Options), f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		env := &envtest.Environment{}
		cfg, err := env.Start()
		require.NoError(t, err)
		defer env.Stop()
		w := &world{t: t, cfg: cfg, ended: make(chan error, 1), stop: func() {}}
		w.faults, err = fault.New()
		require.NoError(t, err)
		w.client, err = client.New(cfg, client.Options{})
		require.NoError(t, err)
		o := ctrl.Options{Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)}}
		if change != nil {
			change(&o)
		}
		w.mgr, err = ctrl.NewManager(w.faults.Config(cfg), o)
		require.NoError(t, err)
		f(t, w)
		w.end()
	})
}

// start starts the manager, and lets an hour pass.
func (w *world) start() {
	w.t.Helper()
	w.begin()
	w.settle()
}

// begin starts the manager, and lets a second pass.
func (w *world) begin() context.Context {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	w.stop = func() {
		cancel()
		w.stop = func() {}
		require.NoError(w.t, <-w.ended)
	}
	go func() { w.ended <- w.mgr.Start(ctx) }()
	time.Sleep(time.Second)
	return ctx
}

func (w *world) end() { w.stop() }

// settle lets an hour pass.
func (w *world) settle() { time.Sleep(time.Hour) }

func configMap(name string, data ...string) *corev1.ConfigMap {
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Data: map[string]string{}}
	for i := 0; i < len(data); i += 2 {
		cm.Data[data[i]] = data[i+1]
	}
	return cm
}
