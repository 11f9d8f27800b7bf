package controllerruntime_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/test/controllerruntime/envtest"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/migrated"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func before(t *testing.T, cfg *rest.Config) func(ctx context.Context) error {
	t.Helper()
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: website.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}, Controller: config.Controller{SkipNameValidation: new(true)},
	})
	require.NoError(t, err)
	require.NoError(t, (&website.Reconciler{Client: mgr.GetClient()}).SetupWithManager(mgr))
	return mgr.Start
}

func after(t *testing.T, cfg *rest.Config) func(ctx context.Context) error {
	t.Helper()
	c, err := migrated.New(cfg, nil)
	require.NoError(t, err)
	return c.Run
}

// runFor runs an operator for an hour.
func runFor(t *testing.T, run func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	require.NoError(t, run(ctx))
}

// An operator takes over from the one that it was migrated from, and back, and writes nothing: what there is is what
// it wants. The guide says so.
func TestTheMigratedOperatorChangesNothing(t *testing.T) {
	for name, order := range map[string][2]func(*testing.T, *rest.Config) func(context.Context) error{
		"forth": {before, after},
		"back":  {after, before},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				env := &envtest.Environment{CRDDirectoryPaths: []string{"internal/website/crd"}, ErrorIfCRDPathMissing: true}
				cfg, err := env.Start()
				require.NoError(t, err)
				defer env.Stop()
				c, err := client.New(cfg, client.Options{Scheme: website.Scheme()})
				require.NoError(t, err)
				site := &website.Website{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}
				require.NoError(t, c.Create(t.Context(), site))
				runFor(t, order[0](t, cfg))
				rv := env.Server().RV()
				runFor(t, order[1](t, cfg))
				require.Equal(t, rv, env.Server().RV(), "something was written")
				// And it is the other one's to finish: the finalizer has the same name.
				require.NoError(t, c.Delete(t.Context(), site))
				runFor(t, order[1](t, cfg))
				require.True(t, client.IgnoreNotFound(c.Get(t.Context(), client.ObjectKeyFromObject(site), site)) == nil)
				require.Empty(t, site.Status.Secret)
			})
		})
	}
}

func TestTheMigratedOperatorExplored(t *testing.T) {
	blog := &website.Website{ObjectMeta: metav1.ObjectMeta{Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}
	explore.Run(t, explore.Case[*website.Website]{
		Kinds:  append(sim.CRDFiles("internal/website/crd"), sim.Core("deployments.apps", "services", "configmaps")...),
		Scheme: website.Scheme(),
		New: func(env *explore.Env) (explore.Process, error) {
			return migrated.New(env.Config(), &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(blog),
			explore.Settle(),
			explore.DeploymentAvailable("blog"),
			explore.Settle(),
			explore.Update("blog", func(w *website.Website) { w.Spec.Image = "blog:2" }),
			explore.Settle(),
			explore.Delete("blog"),
			explore.Settle(),
		},
	})
}
