package contender

import (
	"context"
	"sync"

	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// ClientGo is the floor: the loop of client-go's sample controller, with no more in
// it than the work needs. Keys are the strings that the cache is indexed by, so that
// a lookup allocates nothing. There is no deadline, no recovery of panics, no memory
// of what was done, no metric and no record of attempts. An error is logged.
func ClientGo(cfg *rest.Config, apply Apply) (Operator, error) {
	return newClientGo(cfg, owned(apply), workqueue.DefaultTypedControllerRateLimiter[string]())
}

func newClientGo(cfg *rest.Config, apply Apply, limiter workqueue.TypedRateLimiter[string]) (*clientGo, error) {
	cfg = rest.CopyConfig(cfg)
	gv := widget.GroupVersion()
	cfg.GroupVersion, cfg.APIPath = &gv, "/apis"
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(widget.Scheme()).WithoutConversion()
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	lw := cache.NewListWatchFromClient(client, "widgets", metav1.NamespaceAll, fields.Everything())
	o := &clientGo{
		apply:    apply,
		workers:  workers,
		log:      logger(),
		informer: cache.NewSharedIndexInformer(lw, &widget.Widget{}, 0, byNamespace()),
		queue:    workqueue.NewTypedRateLimitingQueue(limiter),
	}
	o.work = o.reconcile
	if err := o.informer.SetTransform(stripManagedFields); err != nil {
		return nil, err
	}
	return o, o.handle()
}

// handle enqueues what changes.
func (o *clientGo) handle() error {
	_, err := o.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: o.enqueue,
		UpdateFunc: func(before, after any) {
			if before.(metav1.Object).GetResourceVersion() != after.(metav1.Object).GetResourceVersion() {
				o.enqueue(after)
			}
		},
		DeleteFunc: o.enqueue,
	})
	return err
}

// byNamespace is the index that the informers of every generated clientset have.
func byNamespace() cache.Indexers {
	return cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
}

// protobuf is the encoding that those use for kinds of Kubernetes who know client-go.
func protobuf(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.ContentType, cfg.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	return cfg
}

func stripManagedFields(obj any) (any, error) {
	obj.(metav1.Object).SetManagedFields(nil)
	return obj, nil
}

type clientGo struct {
	apply    Apply
	informer cache.SharedIndexInformer
	queue    workqueue.TypedRateLimitingInterface[string]
	others   []cache.SharedIndexInformer
	workers  int
	work     func(ctx context.Context, key string) error
	log      *zap.Logger
}

func (o *clientGo) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	var synced []cache.DoneChecker
	for _, informer := range append(o.others, o.informer) {
		wg.Go(func() { informer.RunWithContext(ctx) })
		synced = append(synced, informer.HasSyncedChecker())
	}
	if cache.WaitFor(ctx, "", synced...) {
		o.start(ctx, &wg)
	}
	<-ctx.Done()
	o.queue.ShutDown()
	return nil
}

func (o *clientGo) start(ctx context.Context, wg *sync.WaitGroup) {
	for range o.workers {
		wg.Go(func() {
			for o.next(ctx) {
			}
		})
	}
}

func (o *clientGo) Enqueuer(keys []types.NamespacedName) func(i int) {
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = key.String()
	}
	return func(i int) { o.queue.Add(names[i]) }
}

func (o *clientGo) enqueue(obj any) {
	if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj); err == nil {
		o.queue.Add(key)
	}
}

func (o *clientGo) next(ctx context.Context) bool {
	key, shutdown := o.queue.Get()
	if shutdown {
		return false
	}
	defer o.queue.Done(key)
	if err := o.work(ctx, key); err != nil {
		o.log.Error("reconcile", zap.String("object", key), zap.Error(err))
		o.queue.AddRateLimited(key)
		return true
	}
	o.queue.Forget(key)
	return true
}

func (o *clientGo) reconcile(_ context.Context, key string) error {
	cached, ok, err := o.informer.GetStore().GetByKey(key)
	if err != nil || !ok {
		return err
	}
	return o.apply(cached.(*widget.Widget).DeepCopy())
}
