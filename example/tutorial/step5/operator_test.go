package main

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step5/api/v1"
)

func TestAWebsiteIsServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// An API server in memory, with the kinds that the operator needs.
		srv, err := sim.New(sim.Options{Kinds: append(sim.Core("configmaps", "services", "deployments.apps"), sim.CRD(crd)...)})
		require.NoError(t, err)
		defer srv.Close()

		dns, events := &fakeDNS{}, &event.FakeRecorder{}
		c, err := New(srv.Config(), &Operator{events: events, dns: dns}, nil)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		defer func() { stop(); require.NoError(t, <-ended) }()

		// What users do.
		known, err := newScheme()
		require.NoError(t, err)
		sites, err := repository.New[webv1.Website](srv.Config(), known, webv1.Resource())
		require.NoError(t, err)
		client := kubernetes.NewForConfigOrDie(srv.Config())
		site, err := sites.Create(t.Context(), home())
		require.NoError(t, err)

		synctest.Wait() // until the operator has nothing to do
		configMap, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "website-home", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, site.Spec.Pages, configMap.Data)
		require.Equal(t, []string{"home.example.com CNAME website-home.default.svc"}, dns.Records())

		// Its Pods run: here the test says so, as nothing runs Pods.
		deployment, err := client.AppsV1().Deployments("default").Get(t.Context(), "website-home", metav1.GetOptions{})
		require.NoError(t, err)
		deployment.Status.Replicas, deployment.Status.ReadyReplicas, deployment.Status.AvailableReplicas = 1, 1, 1
		deployment.Status.ObservedGeneration = deployment.Generation
		_, err = client.AppsV1().Deployments("default").UpdateStatus(t.Context(), deployment, metav1.UpdateOptions{})
		require.NoError(t, err)

		synctest.Wait()
		site, err = sites.Get(t.Context(), repository.Key(site))
		require.NoError(t, err)
		require.True(t, meta.IsStatusConditionTrue(site.Status.Conditions, webv1.ConditionReady))
		require.Equal(t, 1, events.Count(served))

		require.NoError(t, sites.Delete(t.Context(), site))
		synctest.Wait()
		require.Empty(t, dns.Records())
	})
}
