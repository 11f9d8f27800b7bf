package controller_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// churned is how many objects come and go: 8,000, as the race detector makes each
// cost ten times, or what KUBERATOR_CHURN says, such as 1000000.
func churned(t *testing.T) int {
	if n := os.Getenv("KUBERATOR_CHURN"); n != "" {
		churn, err := strconv.Atoi(n)
		require.NoError(t, err)
		return churn
	}
	return 8_000
}

// TestG19ObjectsThatAreGoneLeaveNothing creates and deletes objects, each of which
// waits for a retry or a timer and has references. Kills: any other map by
// key that is not emptied.
func TestG19ObjectsThatAreGoneLeaveNothing(t *testing.T) {
	if os.Getenv("KUBE_CACHE_MUTATION_DETECTOR") != "" {
		withoutDetector(t)
		return
	}
	cs := fake.NewClientset() // of which nothing is asked but an empty list
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	events := watch.NewFake()
	in, err := informer.New(repository.Repository[*deployment](&replayed{repo, watch.NewFake()}), nil)
	require.NoError(t, err)
	var applied atomic.Int64
	attempted := make(chan struct{}, 1000)
	user := controller.Funcs[*deployment]{FinalizerName: controller.NoFinalizer, ApplyFunc: func(ctx context.Context, d *deployment) (action, error) {
		if _, err := in.Get(ctx, repository.Key(d)); !apierrors.IsNotFound(err) {
			t.Error(err)
		}
		if _, err := in.List(ctx, informer.In(d.Namespace)); err != nil {
			t.Error(err)
		}
		if applied.Add(1)%2 == 0 {
			return controller.Requeue(1 << 40), nil
		}
		return controller.AwaitChange(), errors.New("not this time")
	}}
	c, err := controller.New(repository.Repository[*deployment](&replayed{repo, events}), user, &controller.Options{
		Workers: 2, Logger: zap.NewNop(), Observer: controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { attempted <- struct{}{} }},
	})
	require.NoError(t, err)
	controller.References(c, in)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()

	n := 0
	churn := func(objects int) {
		for range objects {
			n++
			d := &deployment{}
			d.Namespace, d.Name, d.UID, d.ResourceVersion = "ns"+strconv.Itoa(n%100), "o"+strconv.Itoa(n), types.UID(strconv.Itoa(n)), strconv.Itoa(2*n)
			events.Add(d)
			<-attempted
			gone := d.DeepCopy()
			gone.ResourceVersion = strconv.Itoa(2*n + 1)
			events.Delete(gone)
		}
	}
	churn(churned(t) / 4)
	before := heap()
	churn(churned(t))
	after := heap()
	t.Logf("heap %.1f MB, after %d more objects %.1f MB", float64(before)/1e6, churned(t), float64(after)/1e6)
	require.Less(t, float64(after), 1.05*float64(before)+200_000)
	cancel()
	require.NoError(t, <-done)
}

// withoutDetector runs the test in a process of its own: client-go's detector keeps
// every object that ever was, and reads its switch when the process starts.
func withoutDetector(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), "KUBE_CACHE_MUTATION_DETECTOR=")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+t.Name())
}

func heap() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
