package debug_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// world is a simulated API server with a controller of ConfigMaps, which has a Secret for each, and an
// Inspector of it, in virtual time.
type world struct {
	t         *testing.T
	server    *sim.Server
	maps      *repository.Live[*corev1.ConfigMap]
	secrets   *repository.Live[*corev1.Secret]
	inspector *debug.Inspector
	c         *controller.Controller[*corev1.ConfigMap, app]
	stop      func()
}

// app does what the name of its ConfigMap says.
type app struct {
	w  *world
	in *informer.Informer[*corev1.Secret]
}

func (app) Finalizer() string { return controller.NoFinalizer }

func (a app) Apply(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	switch cm.Data["do"] {
	case "fail":
		time.Sleep(20 * time.Millisecond)
		return controller.AwaitChange(), fmt.Errorf("ask the registry: %w", errors.New("connection refused"))
	case "refuse":
		return controller.AwaitChange(), kerr.Invalid(errors.New("spec.size must be positive"))
	case "later":
		return controller.Requeue(time.Hour), nil
	case "hang":
		time.Sleep(40 * time.Minute) // whatever ctx says
		return controller.AwaitChange(), nil
	case "slow":
		time.Sleep(1500 * time.Millisecond)
	}
	_, err := a.in.Get(ctx, repository.Key(cm))
	if err == nil || kerr.ClassOf(err) != kerr.ClassNotFound {
		return controller.AwaitChange(), err
	}
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name}}
	_, err = a.w.secrets.Create(ctx, s)
	return controller.AwaitChange(), err
}

func (app) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func inBubble(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, inspector: debug.New(nil)}
		var err error
		w.server, err = sim.New(sim.Options{Kinds: sim.Core("configmaps", "secrets"), Namespaces: []string{"shop", "team-a"}})
		require.NoError(t, err)
		defer w.server.Close()
		cfg := w.server.Config()
		w.maps, err = repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
		require.NoError(t, err)
		w.secrets, err = repository.New[corev1.Secret](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("secrets"))
		require.NoError(t, err)
		w.make()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.c.Run(ctx) }()
		w.stop = sync.OnceFunc(func() {
			cancel()
			if err := <-done; err != nil {
				t.Logf("Run: %v", err) // of an attempt that hangs
			}
		})
		defer w.stop()
		time.Sleep(time.Second)
		f(t, w)
	})
}

func (w *world) make() {
	w.t.Helper()
	in, err := informer.New(w.secrets, nil)
	require.NoError(w.t, err)
	w.c, err = controller.New(w.maps, app{w, in}, &controller.Options{Observer: w.inspector, Logger: zap.NewNop(), Timeout: 10 * time.Minute})
	require.NoError(w.t, err)
	controller.References(w.c, in)
}

// create makes a ConfigMap for which the app does something.
func (w *world) create(namespace, name, do string) {
	w.t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Data: map[string]string{"do": do}}
	_, err := w.maps.Create(w.t.Context(), cm)
	require.NoError(w.t, err)
}

// pause gives an object the annotation that pauses it.
func (w *world) pause(namespace, name, value string) {
	w.t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	_, err := w.maps.Patch(w.t.Context(), cm, types.MergePatchType, []byte(`{"metadata":{"annotations":{"kuberator.dev/paused":"`+value+`"}}}`))
	require.NoError(w.t, err)
}

// get asks the Inspector as a program does that accepts something.
func (w *world) get(url, accept string) *httptest.ResponseRecorder {
	w.t.Helper()
	synctest.Wait() // what is due at this instant is done
	return ask(w.inspector, http.MethodGet, url, accept)
}

func ask(h http.Handler, method, url, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, url, http.NoBody)
	r.Header.Set("Accept", accept)
	return serve(h, r)
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}

const browser = "text/html,application/xhtml+xml,*/*;q=0.8"
