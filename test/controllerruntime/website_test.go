package controllerruntime_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func TestWebsite(t *testing.T) {
	blog := &website.Website{ObjectMeta: metav1.ObjectMeta{Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}
	explore.Run(t, explore.Case[*website.Website]{
		Kinds:  append(sim.CRDFiles("internal/website/crd"), sim.Core("deployments.apps", "services", "configmaps")...),
		Scheme: website.Scheme(),
		New: controllerruntime.New(func(mgr ctrl.Manager) error {
			return (&website.Reconciler{Client: mgr.GetClient()}).SetupWithManager(mgr)
		}),
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
