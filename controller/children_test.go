package controller_test

import (
	"context"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// websiteWorld runs newWebsites on a simulated server, for a Website with a proxy.
type websiteWorld struct {
	t           *testing.T
	c           *controller.Controller[*website, *websites]
	sites       *repository.Live[*website]
	deployments *repository.Live[*appsv1.Deployment]
	key         types.NamespacedName
	writes      map[kerr.Op]int // of the attempts
}

func newWebsiteWorld(t *testing.T) *websiteWorld {
	known := websiteTypes()
	srv, err := sim.New(sim.Options{Kinds: append(sim.Core("deployments.apps"), sim.Schemaless(websiteKind, true)...)})
	require.NoError(t, err)
	t.Cleanup(srv.Close)
	w := &websiteWorld{t: t, writes: map[kerr.Op]int{}}
	w.sites, err = repository.New[website](srv.Config(), known, websiteKind.GroupVersion().WithResource("websites"))
	require.NoError(t, err)
	w.deployments, err = repository.New[appsv1.Deployment](srv.Config(), known, appsv1.SchemeGroupVersion.WithResource("deployments"))
	require.NoError(t, err)
	w.c, err = newWebsites(srv.Config(), &controller.Options{Observer: w.observer()})
	require.NoError(t, err)
	site := &website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"}}
	site.APIVersion, site.Kind = websiteKind.ToAPIVersionAndKind()
	site.Spec.Replicas, site.Spec.Image, site.Spec.Proxy = 2, "nginx:1.29", true
	_, err = w.sites.Create(t.Context(), site)
	require.NoError(t, err)
	w.key = repository.Key(site)
	w.run(w.c)
	return w
}

// observer counts the writes of attempts.
func (w *websiteWorld) observer() controller.Observer {
	return controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
		if a.Err != nil {
			w.t.Error(a.Err)
		}
		for op, n := range a.WritesBy {
			w.writes[op] += n
		}
	}}
}

func (w *websiteWorld) run(c controller.Runner) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		require.NoError(w.t, <-ended)
	})
}

// settled returns what was written until nothing happens any more.
func (w *websiteWorld) settled() map[kerr.Op]int {
	time.Sleep(time.Minute)
	synctest.Wait()
	defer clear(w.writes)
	return maps.Clone(w.writes)
}

func (w *websiteWorld) change(f func(*website)) {
	before, err := w.sites.Get(w.t.Context(), w.key)
	require.NoError(w.t, err)
	after, _ := before.DeepCopyObject().(*website)
	f(after)
	_, err = w.sites.Update(w.t.Context(), before, after)
	require.NoError(w.t, err)
}

// TestG9AChildWithDefaultsIsWrittenOnce: setting the fields of a Deployment writes nothing if nothing changed. Replacing
// its containers writes each time, since the server gives them defaults.
func TestG9AChildWithDefaultsIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWebsiteWorld(t)
		require.Equal(t, map[kerr.Op]int{kerr.OpCreate: 2}, w.settled())
		w.c.Enqueue(w.key)
		require.Empty(t, w.settled())
		w.change(func(s *website) { s.Spec.Image = "nginx:1.30" })
		require.Equal(t, map[kerr.Op]int{kerr.OpUpdate: 1}, w.settled())

		replaces := controller.Funcs[*website]{FinalizerName: controller.NoFinalizer, ApplyFunc: func(ctx context.Context, site *website) (controller.Action, error) {
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name}}
			_, err := w.deployments.Ensure(ctx, d, func(d *appsv1.Deployment) error {
				d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Image: site.Spec.Image}}
				return nil
			})
			return controller.AwaitChange(), err
		}}
		wrong, err := controller.New(w.sites, replaces, &controller.Options{Observer: w.observer()})
		require.NoError(t, err)
		w.run(wrong)
		for range 3 {
			require.Equal(t, map[kerr.Op]int{kerr.OpUpdate: 1}, w.settled())
			wrong.Enqueue(w.key)
		}
	})
}

// TestG4ANameIsNotEnoughToDelete: a Deployment of the name that is somebody else's stays when the flag goes off.
func TestG4ANameIsNotEnoughToDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWebsiteWorld(t)
		w.settled()
		w.change(func(s *website) { s.Spec.Proxy = false })
		require.Equal(t, map[kerr.Op]int{kerr.OpDelete: 1}, w.settled())
		theirs, err := w.deployments.Get(t.Context(), w.key)
		require.NoError(t, err)
		theirs.ObjectMeta = metav1.ObjectMeta{Namespace: w.key.Namespace, Name: w.key.Name + "-proxy"}
		_, err = w.deployments.Create(t.Context(), theirs)
		require.NoError(t, err)
		require.Empty(t, w.settled())
		w.c.Enqueue(w.key)
		require.Empty(t, w.settled())
	})
}
