package controller

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/internal/journal"
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

// BenchmarkOwnWriteCheck is what an attempt pays for own-write consistency: with
// nothing open, which is nearly always, and with the writes of 1,000 other keys.
func BenchmarkOwnWriteCheck(b *testing.B) {
	for _, open := range []int{0, 1000} {
		b.Run(strconv.Itoa(open), func(b *testing.B) {
			own := newOwnWrites(caches{kindOfBehind: {behind{}}}, time.Hour, nil)
			b.Cleanup(own.stop)
			for i := range open {
				ref := journal.Ref{Kind: kindOfBehind, Key: types.NamespacedName{Name: strconv.Itoa(i)}}
				own.set(nil, ref.Key, map[journal.Ref]journal.Write{ref: {Ref: ref, ResourceVersion: "5", Since: time.Now()}})
			}
			key := types.NamespacedName{Namespace: "ns", Name: "n"}
			b.ReportAllocs()
			for b.Loop() {
				if wait, _ := own.behind(nil, nil); wait > 0 {
					b.Fatal("nothing to wait for")
				}
				own.set(nil, key, nil)
			}
		})
	}
}

var kindOfBehind = appsv1.SchemeGroupVersion.WithKind("Deployment").GroupKind()

// behind is a cache that shows nothing.
type behind struct{ cached }

func (behind) Shows(journal.Write) bool   { return false }
func (behind) Skipped(journal.Write) bool { return false }
