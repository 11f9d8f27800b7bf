package controller_test

import (
	"context"
	"fmt"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

// storage stands for the client of a system that has buckets.
type storage struct {
	mu      sync.Mutex
	buckets []string
}

func (s *storage) create(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.buckets, name) {
		s.buckets = append(s.buckets, name)
	}
	return nil
}

func (s *storage) remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets = slices.DeleteFunc(s.buckets, func(b string) bool { return b == name })
	return nil
}

func (s *storage) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.buckets)
}

// buckets keeps a bucket for each ConfigMap.
type buckets struct{ storage *storage }

// bucketOf is the same in each attempt, and another one for each object: also for a later one of
// the same name.
func bucketOf(uid types.UID) string { return "kuberator-" + string(uid) }

func (buckets) Finalizer() string { return "example.com/bucket" }

func (b buckets) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), b.storage.create(bucketOf(cm.UID)) // no error if it exists
}

func (b buckets) Cleanup(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), b.storage.remove(bucketOf(cm.UID)) // no error if it does not exist
}

// Sweep removes the buckets that no object stands for any more.
func (b buckets) Sweep(ctx context.Context, list func(context.Context) ([]*corev1.ConfigMap, error)) error {
	found := b.storage.list() // first what exists outside
	objs, err := list(ctx)    // then the objects, as of now
	if err != nil {
		return err
	}
	wanted := sets.New[string]()
	for _, cm := range objs {
		wanted.Insert(bucketOf(cm.UID))
	}
	for _, bucket := range found {
		if !wanted.Has(bucket) {
			if err := b.storage.remove(bucket); err != nil {
				return err
			}
		}
	}
	return nil
}

// A bucket whose object went while no process ran is removed after the start.
func ExampleSweeper() {
	cs := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world", UID: "2"}})
	repo := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	s := &storage{buckets: []string{bucketOf("1")}} // that of an object that is gone
	swept, applied := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	user := sweepOnce{buckets{s}, swept}
	ended := make(chan error)
	go func() {
		ended <- controller.Run(ctx, repo, user, &controller.Options{
			Observer: controller.ObserverFuncs{EndedFunc: func(context.Context, controller.Attempt) { close(applied) }},
		})
	}()
	<-swept
	<-applied
	cancel()
	fmt.Println(<-ended, s.list())
	// Output: <nil> [kuberator-2]
}

// sweepOnce says when a Sweep has ended.
type sweepOnce struct {
	buckets
	swept chan struct{}
}

func (s sweepOnce) Sweep(ctx context.Context, list func(context.Context) ([]*corev1.ConfigMap, error)) error {
	defer close(s.swept)
	return s.buckets.Sweep(ctx, list)
}
