package controllerruntime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/controllerruntime"
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
	asked  chan event.GenericEvent

	complete complete
}

// within runs f in a world of its own, and ends the manager after it.
func within(t *testing.T, change func(*ctrl.Options), f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		env := &envtest.Environment{}
		cfg, err := env.Start()
		require.NoError(t, err)
		defer env.Stop()
		w := &world{t: t, cfg: cfg, ended: make(chan error, 1), stop: func() {}, asked: make(chan event.GenericEvent), complete: adapted}
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
		defer w.end()
		f(t, w)
	})
}

// complete is how a builder is completed: by itself, or by Adapt.
type complete func(w *world, b *builder.Builder, obj client.Object, r reconcile.Reconciler) error

func theirs(_ *world, b *builder.Builder, _ client.Object, r reconcile.Reconciler) error {
	return b.Complete(r)
}

func adapted(w *world, b *builder.Builder, obj client.Object, r reconcile.Reconciler) error {
	return controllerruntime.Adapt(w.mgr, b, obj, r, controller.Options{})
}

// both runs f with controller-runtime as it is, and with an adapted reconciler.
func both(t *testing.T, change func(*ctrl.Options), f func(t *testing.T, w *world)) {
	t.Helper()
	for name, how := range map[string]complete{"theirs": theirs, "adapted": adapted} {
		t.Run(name, func(t *testing.T) {
			within(t, change, func(t *testing.T, w *world) {
				w.complete = how
				f(t, w)
			})
		})
	}
}

// reconciles adds a reconciler to the manager.
func (w *world) reconciles(obj client.Object, r reconcile.Reconciler, predicates ...predicate.Predicate) {
	w.t.Helper()
	b := ctrl.NewControllerManagedBy(w.mgr).For(obj, builder.WithPredicates(predicates...))
	b.WatchesRawSource(source.Channel(w.asked, &handler.EnqueueRequestForObject{}))
	require.NoError(w.t, w.complete(w, b, obj, r))
}

// ask has the reconciler called for a name, as a source does.
func (w *world) ask(name string) { w.asked <- event.GenericEvent{Object: configMap(name)} }

// calls has the manager call c for ConfigMaps.
func (w *world) calls(c *calls, predicates ...predicate.Predicate) *calls {
	w.t.Helper()
	c.client = w.mgr.GetClient()
	w.reconciles(&corev1.ConfigMap{}, c, predicates...)
	return c
}

// elects has the manager elect a leader.
func elects(o *ctrl.Options) {
	o.LeaderElection, o.LeaderElectionID, o.LeaderElectionNamespace = true, "lease", "default"
}

// lead gives the lease to somebody else.
func (w *world) lead(d time.Duration) {
	w.t.Helper()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "lease"}}
	err := w.client.Get(w.t.Context(), client.ObjectKeyFromObject(lease), lease)
	require.NoError(w.t, client.IgnoreNotFound(err))
	now, seconds := metav1.NowMicro(), int32(d/time.Second)
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: new("other"), LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now}
	if err != nil {
		w.create(lease)
	} else {
		require.NoError(w.t, w.client.Update(w.t.Context(), lease))
	}
}

// loses has the manager lose the lease, and waits until it has ended for that.
func (w *world) loses() {
	w.t.Helper()
	w.lead(10 * time.Minute)
	require.ErrorContains(w.t, <-w.ended, "leader election lost")
	w.ended <- nil
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
