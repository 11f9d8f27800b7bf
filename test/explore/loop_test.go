package explore_test

import (
	"context"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/kuberator/kuberator/test/explore"
)

// loop is an operator on client-go alone, without this library.
type loop struct {
	client    kubernetes.Interface
	factory   informers.SharedInformerFactory
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
	l := &loop{client: client, factory: informers.NewSharedInformerFactory(client, 0), reconcile: reconcile}
	l.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]())
	l.maps, l.secrets = l.factory.Core().V1().ConfigMaps().Lister(), l.factory.Core().V1().Secrets().Lister()
	enqueue := func(obj any) {
		if key, err := cache.DeletionHandlingObjectToName(obj); err == nil {
			l.queue.Add(key)
		}
	}
	handler := cache.ResourceEventHandlerFuncs{AddFunc: enqueue, UpdateFunc: func(_, obj any) { enqueue(obj) }, DeleteFunc: enqueue}
	for _, informer := range []cache.SharedIndexInformer{l.factory.Core().V1().ConfigMaps().Informer(), l.factory.Core().V1().Secrets().Informer()} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	return explore.RunFunc(l.run), nil
}

func (l *loop) run(ctx context.Context) error {
	l.factory.StartWithContext(ctx)
	defer l.factory.Shutdown()
	l.factory.WaitForCacheSync(ctx.Done())
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
