package controller

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/repository"
)

// engine is a controller that was made and not run.
func engine(b *testing.B) (*Controller[*appsv1.Deployment, Funcs[*appsv1.Deployment]], *runState[*appsv1.Deployment]) {
	b.Helper()
	cs := fake.NewClientset()
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	c, err := New(repo, Funcs[*appsv1.Deployment]{FinalizerName: NoFinalizer}, nil)
	require.NoError(b, err)
	r, err := c.begin()
	require.NoError(b, err)
	b.Cleanup(r.queue.ShutDown)
	return c, r
}

// BenchmarkEvent is what a change of an object costs before a worker has it.
func BenchmarkEvent(b *testing.B) {
	c, r := engine(b)
	before := &appsv1.Deployment{}
	before.Namespace, before.Name, before.UID, before.ResourceVersion, before.Generation = "ns", "n", "u", "1", 1
	after := before.DeepCopy()
	after.ResourceVersion, after.Generation = "2", 2
	p := primary[*appsv1.Deployment, Funcs[*appsv1.Deployment]]{c, r}
	b.ReportAllocs()
	for b.Loop() {
		p.OnUpdate(before, after)
		key, _, _, _ := r.queue.Get()
		r.queue.Done(key)
	}
}
