package contender

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// setUp makes the operator one of 16 workers that is not woken by what it writes to a Widget: an update counts if the
// generation changed, or if a deletion began. It returns a client of Widgets.
func (o *clientGo) setUp(cfg *rest.Config, work func(ctx context.Context, key string) error) (*rest.RESTClient, error) {
	cfg = rest.CopyConfig(cfg)
	gv := widget.GroupVersion()
	cfg.GroupVersion, cfg.APIPath = &gv, "/apis"
	cfg.UserAgent = rest.DefaultKubernetesUserAgent() // as generated clientsets do
	cfg.NegotiatedSerializer = serializer.NewCodecFactory(widget.Scheme()).WithoutConversion()
	client, err := rest.RESTClientFor(cfg)
	if err != nil {
		return nil, err
	}
	lw := cache.NewListWatchFromClient(client, "widgets", metav1.NamespaceAll, fields.Everything())
	o.informer = cache.NewSharedIndexInformer(lw, &widget.Widget{}, 0, byNamespace())
	o.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	o.workers, o.work, o.log = convergers, work, logger()
	if err := o.informer.SetTransform(stripManagedFields); err != nil {
		return nil, err
	}
	_, err = o.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: o.enqueue,
		UpdateFunc: func(before, after any) {
			b, a := before.(*widget.Widget), after.(*widget.Widget)
			if b.Generation != a.Generation || (b.DeletionTimestamp == nil) != (a.DeletionTimestamp == nil) {
				o.enqueue(after)
			}
		},
		DeleteFunc: o.enqueue,
	})
	return client, err
}

// also keeps the ConfigMaps in a second cache, and calls on with each that was created, changed or deleted, and with
// what it was before, or nil.
func (o *clientGo) also(client *corev1client.CoreV1Client, on func(before, after *corev1.ConfigMap)) (cache.Indexer, error) {
	lw := cache.NewListWatchFromClient(client.RESTClient(), "configmaps", metav1.NamespaceAll, fields.Everything())
	informer := cache.NewSharedIndexInformer(lw, &corev1.ConfigMap{}, 0, byNamespace())
	if err := informer.SetTransform(stripManagedFields); err != nil {
		return nil, err
	}
	o.others = append(o.others, informer)
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { on(nil, obj.(*corev1.ConfigMap)) },
		UpdateFunc: func(before, after any) {
			if b, a := before.(*corev1.ConfigMap), after.(*corev1.ConfigMap); b.ResourceVersion != a.ResourceVersion {
				on(b, a)
			}
		},
		DeleteFunc: func(obj any) {
			if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = gone.Obj
			}
			on(nil, obj.(*corev1.ConfigMap))
		},
	})
	return informer.GetIndexer(), err
}
