package controllerruntime_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// reconcileCase is an operator of Websites alone.
func reconcileCase(f func(ctx context.Context, c client.Client, site *website.Website) error) explore.Case[*website.Website] {
	return explore.Case[*website.Website]{
		Kinds:  append(sim.CRDFiles("internal/website/crd"), sim.Core("configmaps", "events")...),
		Scheme: website.Scheme(),
		New: controllerruntime.New(func(mgr ctrl.Manager) error {
			c := mgr.GetClient()
			return ctrl.NewControllerManagedBy(mgr).For(&website.Website{}).Complete(reconcile.Func(func(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
				site := &website.Website{}
				if err := c.Get(ctx, req.NamespacedName, site); err != nil {
					return ctrl.Result{}, client.IgnoreNotFound(err)
				}
				return ctrl.Result{}, f(ctx, c, site)
			}))
		}),
		Script: []explore.Step{
			explore.Create(&website.Website{ObjectMeta: metav1.ObjectMeta{Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}), explore.Settle(),
		},
	}
}

// touched returns an operator that writes something new into the status each time it is called, so that
// its own write calls it again.
func touched(what func(site *website.Website) string) func(ctx context.Context, c client.Client, site *website.Website) error {
	return func(ctx context.Context, c client.Client, site *website.Website) error {
		site.Status.Secret = what(site)
		return c.Status().Update(ctx, site)
	}
}

func TestHotLoop(t *testing.T) {
	began := time.Now()
	_, err := explore.Explore(t, reconcileCase(touched(func(site *website.Website) string { return "after " + site.ResourceVersion })))
	require.ErrorContains(t, err, "hot loop: 1000 times update websites.example.com/status default/blog in one instant")
	t.Log(time.Since(began))
}

// In the first run requests take no time, so that the time is not new.
func TestLoopThatWritesTheTime(t *testing.T) {
	began := time.Now()
	_, err := explore.Explore(t, reconcileCase(touched(func(*website.Website) string { return time.Now().String() })))
	require.ErrorContains(t, err, "the operator never settles: 2000 times update websites.example.com/status default/blog")
	t.Log(time.Since(began))
}
