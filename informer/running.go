package informer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/set"

	"github.com/kuberator/kuberator/repository"
)

// running is one life of an informer: a client-go informer cannot be started a
// second time.
type running[T repository.Object] struct {
	users      int
	namespaces map[string]cache.TypedSharedIndexInformer[T] // key "" for all
	cancel     context.CancelFunc
	wg         sync.WaitGroup

	mu      sync.Mutex
	reports map[*Subscription[T]]func(error)
}

// start must be called with i.mu held.
func (i *Informer[T]) start(ctx context.Context) *running[T] {
	// client-go logs through klog, whose text format prints what it is given as it
	// is. What matters arrives through the error handler and is logged by its
	// receivers.
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, klog.Logger{}))
	r := &running[T]{
		cancel:     cancel,
		namespaces: map[string]cache.TypedSharedIndexInformer[T]{},
		reports:    map[*Subscription[T]]func(error){},
	}
	for namespace, lw := range i.ListerWatchers() {
		if tolerant, ok := lw.(repository.Tolerant); ok {
			tolerant.OnUndecodable(r.report)
		}
		informer := cache.NewSharedIndexInformerWithOptions(lw, example[T](), cache.SharedIndexInformerOptions{
			ResyncPeriod:      i.opts.Resync,
			Indexers:          maps.Clone(i.indexes),
			ObjectDescription: i.Kind().String(),
		})
		// Neither can fail before the informer is started.
		_ = informer.SetWatchErrorHandlerWithContext(func(_ context.Context, _ *cache.Reflector, err error) { r.watchFailed(err) })
		_ = informer.SetTransform(i.transform(isFake(lw)))
		r.namespaces[namespace] = cache.NewTypedSharedIndexInformer[T](informer)
		r.wg.Go(func() { informer.RunWithContext(ctx) })
	}
	return r
}

// example returns an empty object, which tells client-go the type. A nil pointer is
// not enough: it calls methods of unstructured ones.
func example[T repository.Object]() T {
	return reflect.New(reflect.TypeFor[T]().Elem()).Interface().(T)
}

func (r *running[T]) stop() {
	r.cancel()
	r.wg.Wait()
}

// in returns the informer that would hold objects of the namespace.
func (r *running[T]) in(namespace string) cache.TypedSharedIndexInformer[T] {
	if all := r.namespaces[metav1.NamespaceAll]; all != nil {
		return all
	}
	return r.namespaces[namespace]
}

// watchFailed passes on what is worth a person's attention. A watch that ends, and
// a resourceVersion that expired while it was down, are the normal course.
func (r *running[T]) watchFailed(err error) {
	if errors.Is(err, io.EOF) || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return
	}
	r.report(err)
}

func (r *running[T]) report(err error) {
	r.mu.Lock()
	reports := slices.Collect(maps.Values(r.reports))
	r.mu.Unlock()
	for _, report := range reports {
		report(err)
	}
}

// transform returns what client-go calls for each object before caching it. Objects
// of fake clients are copied first: a fake hands out the ones that it keeps.
func (i *Informer[T]) transform(fake bool) cache.TransformFunc {
	return func(obj any) (any, error) {
		o, ok := obj.(T)
		if !ok || i.opts.KeepManagedFields || len(o.GetManagedFields()) == 0 {
			return obj, nil
		}
		if fake {
			o = clone(o)
		}
		o.SetManagedFields(nil)
		return o, nil
	}
}

// isFake tells a client-go fake by what it says of itself: that it cannot stream
// lists.
func isFake(lw cache.ListerWatcher) bool {
	f, ok := lw.(interface{ IsWatchListSemanticsUnSupported() bool })
	return ok && f.IsWatchListSemanticsUnSupported()
}

// ListerWatchers returns what the informer lists and watches, by namespace; the
// empty one stands for all.
func (i *Informer[T]) ListerWatchers() map[string]cache.ListerWatcher {
	if len(i.namespaces) == 0 {
		return map[string]cache.ListerWatcher{metav1.NamespaceAll: limit(i.repo.ListerWatcher(), i.opts)}
	}
	lws := map[string]cache.ListerWatcher{}
	for _, namespace := range i.namespaces {
		lws[namespace] = limit(i.repo.(repository.Namespaced).ListerWatcherIn(namespace), i.opts)
	}
	return lws
}

// namespacesOf returns the namespaces to watch one by one; none means all.
func namespacesOf[T repository.Object](repo repository.Repository[T], wanted []string) ([]string, error) {
	namespaced, ok := repo.(repository.Namespaced)
	if !ok {
		if len(wanted) > 0 {
			return nil, fmt.Errorf("limit it to the namespaces %v: %T cannot list a single namespace (repository.Namespaced)", wanted, repo)
		}
		return nil, nil
	}
	confined := namespaced.Namespaces()
	if len(wanted) == 0 {
		return confined, nil
	}
	for _, namespace := range wanted {
		if len(confined) > 0 && !slices.Contains(confined, namespace) {
			return nil, fmt.Errorf("namespace %q: the repository is confined to %v", namespace, confined)
		}
	}
	return set.New(wanted...).SortedList(), nil
}

// limit adds the selectors to every list and watch.
func limit(lw cache.ListerWatcher, opts Options) cache.ListerWatcher {
	if opts.LabelSelector == nil && opts.FieldSelector == nil {
		return lw
	}
	return &selecting{lw: lw, with: cache.ToListerWatcherWithContext(lw), opts: opts}
}

type selecting struct {
	lw   cache.ListerWatcher
	with cache.ListerWatcherWithContext
	opts Options
}

func (s *selecting) selected(o metav1.ListOptions) metav1.ListOptions {
	if s.opts.LabelSelector != nil {
		o.LabelSelector = s.opts.LabelSelector.String()
	}
	if s.opts.FieldSelector != nil {
		o.FieldSelector = s.opts.FieldSelector.String()
	}
	return o
}

func (s *selecting) List(o metav1.ListOptions) (runtime.Object, error) {
	return s.lw.List(s.selected(o)) //nolint:staticcheck // the old half of client-go's interface
}

func (s *selecting) Watch(o metav1.ListOptions) (watch.Interface, error) {
	return s.lw.Watch(s.selected(o)) //nolint:staticcheck // the old half of client-go's interface
}

func (s *selecting) ListWithContext(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	return s.with.ListWithContext(ctx, s.selected(o))
}

func (s *selecting) WatchWithContext(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
	return s.with.WatchWithContext(ctx, s.selected(o))
}

// OnUndecodable passes on that the repository is tolerant.
func (s *selecting) OnUndecodable(report func(error)) {
	if tolerant, ok := s.lw.(repository.Tolerant); ok {
		tolerant.OnUndecodable(report)
	}
}

// IsWatchListSemanticsUnSupported passes on that a fake client cannot stream lists.
func (s *selecting) IsWatchListSemanticsUnSupported() bool { return isFake(s.lw) }
