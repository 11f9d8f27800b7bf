package controller_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// settled runs a controller over objects that need nothing. The function that it
// returns has each of them reconciled once.
func settled(tb testing.TB, objects int, observers ...controller.Observer) (round func()) {
	tb.Helper()
	keys := make([]types.NamespacedName, objects)
	objs := make([]k8sruntime.Object, objects)
	for i := range objects {
		d := &deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "d" + strconv.Itoa(i), Finalizers: []string{ours}}}
		d.UID, d.ResourceVersion, d.Generation = types.UID(d.Name), strconv.Itoa(i+1), 1 // as of a server
		objs[i], keys[i] = d, repository.Key(d)
	}
	cs := fake.NewClientset(objs...) // it is asked once, before anything is measured
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	done := make(chan struct{}, objects)
	counted := func(context.Context, *deployment) (action, error) {
		done <- struct{}{}
		return controller.AwaitChange(), nil
	}
	c, err := controller.New(repo, controller.Funcs[*deployment]{FinalizerName: ours, ApplyFunc: counted}, &controller.Options{
		Workers: 2, Logger: zap.NewNop(), Observer: controller.Observers(observers...),
	})
	require.NoError(tb, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		require.NoError(tb, <-ended)
	})
	wait := func() {
		for range objects {
			<-done
		}
	}
	wait()
	return func() {
		for _, key := range keys {
			c.Enqueue(key)
		}
		wait()
	}
}

// BenchmarkNoOpReconcile is the loop alone: enqueue, snapshot, an Apply that does
// nothing, settle. Most of the bytes are the copy of the object.
func BenchmarkNoOpReconcile(b *testing.B) {
	const objects = 100
	round := settled(b, objects)
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += objects {
		round()
	}
}

// TestANoOpReconcileAllocatesLittle counts: 2 for the loop, with all guarantees on, which are the attempt and the name by
// which client-go's cache finds the object, and 2 for the copy of the object. The rest is of the test. Kills: any
// other for each attempt.
func TestANoOpReconcileAllocatesLittle(t *testing.T) {
	const objects, rounds = 50, 40
	round := settled(t, objects)
	round()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range rounds {
		round()
	}
	runtime.ReadMemStats(&after)
	each := float64(after.Mallocs-before.Mallocs) / (objects * rounds)
	require.Less(t, each, 4.5)
}
