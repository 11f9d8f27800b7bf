package explore_test

import (
	"context"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/kuberator/kuberator/test/explore"
)

// loop is an operator on client-go alone, without this library.
type loop struct {
	client    kubernetes.Interface
	informers []cache.SharedIndexInformer
	maps      listers.ConfigMapLister
	secrets   listers.SecretLister
	queue     workqueue.TypedRateLimitingInterface[cache.ObjectName]
	reconcile func(l *loop, ctx context.Context, key cache.ObjectName) error
}

func newLoop(env *explore.Env, reconcile func(*loop, context.Context, cache.ObjectName) error) (explore.Process, error) {
	client, err := kubernetes.NewForConfig(env.Config())
	if err != nil {
		return nil, err
	}
	l := &loop{client: client, reconcile: reconcile}
	l.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]())
	l.maps = listers.NewConfigMapLister(l.informer("configmaps", &corev1.ConfigMap{}).GetIndexer())
	l.secrets = listers.NewSecretLister(l.informer("secrets", &corev1.Secret{}).GetIndexer())
	enqueue := func(obj any) {
		if key, err := cache.DeletionHandlingObjectToName(obj); err == nil {
			l.queue.Add(key)
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: enqueue, UpdateFunc: func(_, obj any) { enqueue(obj) }, DeleteFunc: enqueue}
	for _, informer := range l.informers {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	return explore.RunFunc(l.run), nil
}

// informer makes what a generated factory would; those factories take a minute to compile.
func (l *loop) informer(resource string, of runtime.Object) cache.SharedIndexInformer {
	from := cache.NewListWatchFromClient(l.client.CoreV1().RESTClient(), resource, metav1.NamespaceAll, fields.Everything())
	informer := cache.NewSharedIndexInformer(from, of, 0, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	l.informers = append(l.informers, informer)
	return informer
}

func (l *loop) run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for _, informer := range l.informers {
		running.Go(func() { informer.RunWithContext(ctx) })
	}
	for _, informer := range l.informers {
		cache.WaitFor(ctx, "", informer.HasSyncedChecker())
	}
	context.AfterFunc(ctx, l.queue.ShutDown)
	for {
		key, down := l.queue.Get()
		if down {
			return nil
		}
		if err := l.reconcile(l, ctx, key); err != nil {
			l.queue.AddRateLimited(key)
		} else {
			l.queue.Forget(key)
		}
		l.queue.Done(key)
	}
}
