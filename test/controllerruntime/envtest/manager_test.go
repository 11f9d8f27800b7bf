package envtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
)

func init() { log.SetLogger(logr.New(log.NullLogSink{})) } // or controller-runtime complains after 30 s

// Objects without owners are collected and namespaces end, here in virtual time.
func TestControllersOfTheControlPlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		env := &envtest.Environment{CRDDirectoryPaths: []string{"../internal/website/crd"}}
		cfg, err := env.Start()
		require.NoError(t, err)
		defer env.Stop()
		c, err := client.New(cfg, client.Options{Scheme: website.Scheme()})
		require.NoError(t, err)
		for _, name := range []string{"a", "b"} {
			require.NoError(t, c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}))
		}
		owner := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "owner"}}
		require.NoError(t, c.Create(t.Context(), owner))
		child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "child"}}
		require.NoError(t, controllerutil.SetControllerReference(owner, child, c.Scheme()))
		require.NoError(t, c.Create(t.Context(), child))

		require.NoError(t, c.Delete(t.Context(), owner))
		require.NoError(t, c.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "b"}}))
		time.Sleep(time.Second)
		require.True(t, apierrors.IsNotFound(c.Get(t.Context(), client.ObjectKeyFromObject(child), child)))
		require.True(t, apierrors.IsNotFound(c.Get(t.Context(), client.ObjectKey{Name: "b"}, &corev1.Namespace{})))
	})
}

// A manager as main makes it runs on the environment, in real time too.
func TestManager(t *testing.T) {
	env := &envtest.Environment{CRDDirectoryPaths: []string{"../internal/website/crd"}}
	cfg, err := env.Start()
	require.NoError(t, err)
	defer env.Stop()
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: website.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	require.NoError(t, err)
	require.NoError(t, (&website.Reconciler{Client: mgr.GetClient()}).SetupWithManager(mgr))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	site := &website.Website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}
	require.NoError(t, mgr.GetClient().Create(t.Context(), site))
	w, err := client.NewWithWatch(cfg, client.Options{Scheme: website.Scheme()})
	require.NoError(t, err)
	events, err := w.Watch(t.Context(), &website.WebsiteList{})
	require.NoError(t, err)
	defer events.Stop()
	for event := range events.ResultChan() {
		if site, ok := event.Object.(*website.Website); ok && site.Status.ObservedGeneration == 1 {
			break
		}
	}
	cancel()
	require.NoError(t, <-ended)
}
