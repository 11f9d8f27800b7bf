package informer

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"

	"github.com/kuberator/kuberator/repository"
)

// lifetime is one life of an informer: a client-go informer cannot be started a
// second time.
type lifetime[T repository.Object] struct {
	users  int            // changed with the lifecycle lock only
	launch func(*feed[T]) // starts a feed that ends with this life
	spawn  func(func(context.Context))
	cancel context.CancelFunc
	wg     sync.WaitGroup
	feeds  atomic.Pointer[feeds[T]]

	mu            sync.Mutex
	subscriptions map[*Subscription[T]]bool
}

// feeds are the namespaces that are being watched. They are never changed, only
// replaced: every reconcile reads them.
type feeds[T repository.Object] struct {
	by map[string]*feed[T] // key "" for all
}

// one returns the feed that would hold objects of the namespace, or nil.
func (f *feeds[T]) one(namespace string) *feed[T] {
	if all := f.by[metav1.NamespaceAll]; all != nil {
		return all
	}
	return f.by[namespace]
}

// of returns the feeds that a namespace is watched by: one, or all if it is the empty one.
func (f *feeds[T]) of(namespace string) []*feed[T] {
	if one := f.one(namespace); one != nil {
		return []*feed[T]{one}
	}
	if namespace == metav1.NamespaceAll {
		return slices.Collect(maps.Values(f.by))
	}
	return nil
}

// newLifetime returns a life that watches nothing yet.
func newLifetime[T repository.Object](ctx context.Context) *lifetime[T] {
	// client-go logs through klog, whose text format prints what it is given as it
	// is. What matters arrives through the error handler and is logged by its
	// receivers.
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, klog.Logger{}))
	r := &lifetime[T]{cancel: cancel, subscriptions: map[*Subscription[T]]bool{}}
	r.launch = func(f *feed[T]) { f.run(ctx, &r.wg) }
	r.spawn = func(run func(context.Context)) { r.wg.Go(func() { run(ctx) }) }
	r.feeds.Store(&feeds[T]{})
	return r
}

func (r *lifetime[T]) stop() {
	r.cancel()
	r.wg.Wait()
}

// subscribed returns the subscriptions.
func (r *lifetime[T]) subscribed() []*Subscription[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.subscriptions))
}

// watchFailed passes on what is worth a person's attention. A watch that ends, and
// a resourceVersion that expired while it was down, are the normal course.
func (r *lifetime[T]) watchFailed(err error) {
	if errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	r.report(err)
}

func (r *lifetime[T]) report(err error) {
	r.mu.Lock()
	told := slices.Collect(maps.Keys(r.subscriptions))
	for _, s := range told {
		s.reports.Add(1) // which the end of the subscription waits for
	}
	r.mu.Unlock()
	for _, s := range told {
		s.report(err)
	}
}
