package main

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step5/api/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/internal/trial"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// The rights of the manifests are enough, also when others change and delete children. No page has this file.
func TestTheRightsAreEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known, err := newScheme()
		require.NoError(t, err)
		kinds := append(sim.Core("configmaps", "services", "deployments.apps"), sim.CRD(crd)...)
		p := trial.Of("web.example.com/website", setup, &operator.Options{Scheme: known, CRDs: crd, Rules: rules(), ClusterWide: true})
		dns := &fakeDNS{}
		trial.Run(t, kinds, p, func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
			return New(cfg, &Operator{events: &event.FakeRecorder{}, dns: dns}, opts)
		}, func(ctx context.Context, cfg *rest.Config) {
			sites, err := repository.New[webv1.Website](cfg, known, webv1.Resource())
			require.NoError(t, err)
			site, err := sites.Create(ctx, home())
			require.NoError(t, err)
			synctest.Wait()
			children := kubernetes.NewForConfigOrDie(cfg)
			scaled := []byte(`{"spec":{"replicas":5}}`)
			_, err = children.AppsV1().Deployments("default").Patch(ctx, "website-home", types.MergePatchType, scaled, metav1.PatchOptions{})
			require.NoError(t, err)
			require.NoError(t, children.CoreV1().ConfigMaps("default").Delete(ctx, "website-home", metav1.DeleteOptions{}))
			synctest.Wait()
			deployment, err := children.AppsV1().Deployments("default").Get(ctx, "website-home", metav1.GetOptions{})
			require.NoError(t, err)
			require.Equal(t, int32(1), *deployment.Spec.Replicas)
			configMap, err := children.CoreV1().ConfigMaps("default").Get(ctx, "website-home", metav1.GetOptions{})
			require.NoError(t, err)
			require.Equal(t, site.Spec.Pages, configMap.Data)
			require.NoError(t, sites.Delete(ctx, site))
			synctest.Wait()
			require.Empty(t, dns.Records())
		})
	})
}
