package clients_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	kubernetesfake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/fake"
	"github.com/kuberator/kuberator/test/sim"
)

// Factories of informers work with the simulator, and with hardened fakes, in a bubble.
func TestInformerFactories(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
		require.NoError(t, err)
		defer srv.Close()
		client, err := kubernetes.NewForConfig(srv.Config())
		require.NoError(t, err)
		dynamics, err := dynamic.NewForConfig(srv.Config())
		require.NoError(t, err)
		metadatas, err := metadata.NewForConfig(srv.Config())
		require.NoError(t, err)
		cs := kubernetesfake.NewClientset()
		fake.Harden(t, &cs.Fake, scheme.Scheme)
		typed, untyped, partial, faked := informers.NewSharedInformerFactory(client, 0), dynamicinformer.NewDynamicSharedInformerFactory(dynamics, 0),
			metadatainformer.NewSharedInformerFactory(metadatas, 0), informers.NewSharedInformerFactory(cs, 0)
		resource := corev1.SchemeGroupVersion.WithResource("configmaps")
		all := map[string]cache.SharedIndexInformer{
			"typed": typed.Core().V1().ConfigMaps().Informer(), "dynamic": untyped.ForResource(resource).Informer(),
			"metadata": partial.ForResource(resource).Informer(), "fake": faked.Core().V1().ConfigMaps().Informer(),
		}
		ctx, cancel := context.WithCancel(t.Context())
		for _, factory := range []interface{ Start(<-chan struct{}) }{typed, untyped, partial, faked} {
			factory.Start(ctx.Done())
		}
		synctest.Wait()
		for _, c := range []kubernetes.Interface{client, cs} {
			_, err := c.CoreV1().ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}, metav1.CreateOptions{})
			require.NoError(t, err)
		}
		synctest.Wait()
		for kind, informer := range all {
			require.True(t, informer.HasSynced(), kind)
			require.Equal(t, []string{"default/a"}, informer.GetStore().ListKeys(), kind)
		}
		cancel()
		for _, factory := range []interface{ Shutdown() }{typed, untyped, partial, faked} {
			factory.Shutdown()
		}
	})
}
