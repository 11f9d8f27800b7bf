package informer

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// feed is the watch of one namespace, or of all, and the objects that it delivered.
type feed[T repository.Object] struct {
	kind      schema.GroupVersionKind
	namespace string // the empty one stands for all
	informer  cache.TypedSharedIndexInformer[T]
	probe     *probe  // nil if there is none
	lister    *source // beside the watch; nil for a fake, whose resourceVersions mean nothing
	expire    func()  // has everything listed again
	cancel    context.CancelFunc
	filled    atomic.Bool
	jumps     jumps
}

// full reports whether all objects that there were at the beginning are in the cache.
func (f *feed[T]) full() bool {
	if !f.filled.Load() && f.informer.HasSynced() {
		f.arrived()
		f.filled.Store(true) // which is cheaper to ask
	}
	return f.filled.Load()
}

// at returns the resourceVersion that the cache is at.
func (f *feed[T]) at() string { return f.informer.GetStore().LastStoreSyncResourceVersion() }

// arrived is called after something came into the cache.
func (f *feed[T]) arrived() {
	if f.jumps.open.Load() {
		f.jumps.note(f.at())
	}
}

// newFeed must be called with the lifecycle lock. It starts nothing.
func (i *Informer[T]) newFeed(r *lifetime[T], namespace string) *feed[T] {
	src := newSource(i.listerWatcher(namespace), i.opts)
	src.OnUndecodable(func(err error) { i.undecodable(r, err) })
	informer := cache.NewSharedIndexInformerWithOptions(src, example[T](), cache.SharedIndexInformerOptions{
		ResyncPeriod:      i.opts.Resync,
		Indexers:          i.indexers(namespace),
		ObjectDescription: i.Kind().String(),
	})
	// Neither can fail before the informer is started.
	_ = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			r.watchFailed(err)
		}
	})
	fake := src.IsWatchListSemanticsUnSupported()
	_ = informer.SetTransform(i.transform(fake))
	f := &feed[T]{kind: i.Kind(), namespace: namespace, informer: cache.NewTypedSharedIndexInformer[T](informer), expire: src.expire}
	if !fake { // it has a ListerWatcher of its own, which does not report undecodable objects
		f.lister = newSource(i.listerWatcher(namespace), i.opts)
	}
	src.onSilent = r.report
	src.onList = func() { f.jumps.list(f.at()) }
	if every := cmp.Or(i.opts.Probe, probeEvery); every > 0 && !fake {
		f.probe = &probe{
			kind: i.Kind(), namespace: namespace, every: every,
			lister:  f.lister,
			cached:  informer.GetStore().LastStoreSyncResourceVersion,
			filling: func() bool { return !informer.HasSynced() && src.asking() },
			expire:  src.expire,
			report:  r.report,
		}
	}
	return f
}

// byNamespace is the name of an index that no user gives to theirs.
const byNamespace = "kuberator.dev/namespace"

// indexers returns the indexes of a feed. If that has many namespaces, they are one.
func (i *Informer[T]) indexers(namespace string) cache.Indexers {
	all := maps.Clone(i.indexes)
	if namespace == metav1.NamespaceAll {
		all[byNamespace] = cache.MetaNamespaceIndexFunc
	}
	return all
}

// example returns an empty object, which tells client-go the type. A nil pointer is
// not enough: it calls methods of unstructured ones.
func example[T repository.Object]() T {
	return reflect.New(reflect.TypeFor[T]().Elem()).Interface().(T)
}

// run starts the feed. It ends with ctx, or when it is cancelled.
func (f *feed[T]) run(ctx context.Context, wg *sync.WaitGroup) {
	ctx, f.cancel = context.WithCancel(ctx)
	wg.Go(func() { f.informer.RunWithContext(ctx) })
	if f.probe != nil {
		wg.Go(func() { f.probe.run(ctx) })
	}
}

// undecodable reports an object that is left out of the cache.
func (i *Informer[T]) undecodable(r *lifetime[T], err error) {
	r.report(err)
	if i.opts.OnUndecodable == nil {
		return
	}
	of := &kerr.Error{Kind: i.Kind()}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		of = e
	}
	if panicked := foreign.Call(func() { i.opts.OnUndecodable(of.Key, err) }); panicked != nil {
		r.report(kerr.New(kerr.OpDecode, of.Kind, of.Key, of.UID, panicked))
	}
}
