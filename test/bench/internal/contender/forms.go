package contender

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// Form is what the objects of a cache are: of their Go type, maps, or only the metadata. Operators whose objects are
// no Widgets call their user's function with nil.
type Form string

// The forms.
const (
	Typed        Form = "typed"
	Unstructured Form = "unstructured"
	Metadata     Form = "metadata"
)

// KuberatorOf is [Kuberator] with objects of that form.
func KuberatorOf(form Form) New {
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		gvk, gvr := widget.GroupVersion().WithKind("Widget"), widget.GroupVersion().WithResource("widgets")
		if form == Typed {
			return Kuberator(cfg, apply)
		}
		cfg, m, err := observed(cfg)
		if err != nil {
			return nil, err
		}
		if form == Metadata {
			client, err := metadata.NewForConfig(cfg)
			if err != nil {
				return nil, err
			}
			return kuberatorOf(repository.FromMetadata(client, gvr, gvk), apply, m)
		}
		client, err := dynamic.NewForConfig(cfg)
		if err != nil {
			return nil, err
		}
		return kuberatorOf(repository.FromDynamic(client, gvr, gvk), apply, m)
	}
}

func kuberatorOf[T repository.Object](repo *repository.Live[T], apply Apply, observer controller.Observer) (Operator, error) {
	c, err := controller.New(repo, controller.Funcs[T]{
		FinalizerName: widget.Finalizer,
		ApplyFunc: func(context.Context, T) (controller.Action, error) {
			return controller.AwaitChange(), apply(nil)
		},
	}, &controller.Options{Workers: workers, Logger: logger(), Observer: observer})
	if err != nil {
		return nil, err
	}
	return formOperator[T]{c, c}, nil
}

type formOperator[T repository.Object] struct {
	*controller.Controller[T, controller.Funcs[T]]

	runner controller.Runner
}

func (o formOperator[T]) Run(ctx context.Context) error { return o.runner.Run(ctx) }

func (o formOperator[T]) Enqueuer(keys []types.NamespacedName) func(i int) {
	return func(i int) { o.Enqueue(keys[i]) }
}

// ClientGoOf is [ClientGo] with objects of that form, from the informers that client-go has for them.
func ClientGoOf(form Form) New {
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		gvr := widget.GroupVersion().WithResource("widgets")
		switch form {
		case Unstructured:
			client, err := dynamic.NewForConfig(cfg)
			if err != nil {
				return nil, err
			}
			return clientGoOf(dynamicinformer.NewFilteredDynamicInformer(client, gvr, metav1.NamespaceAll, 0, byNamespace(), nil).Informer(), apply)
		case Metadata:
			client, err := metadata.NewForConfig(cfg)
			if err != nil {
				return nil, err
			}
			return clientGoOf(metadatainformer.NewFilteredMetadataInformer(client, gvr, metav1.NamespaceAll, 0, byNamespace(), nil).Informer(), apply)
		default:
			return ClientGo(cfg, apply)
		}
	}
}

func clientGoOf(informer cache.SharedIndexInformer, apply Apply) (Operator, error) {
	o := &clientGo{
		apply: apply, workers: workers, informer: informer, log: logger(),
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
	}
	o.work = o.reconcileForm
	if err := informer.SetTransform(stripManagedFields); err != nil {
		return nil, err
	}
	return o, o.handle()
}

func (o *clientGo) reconcileForm(_ context.Context, key string) error {
	cached, ok, err := o.informer.GetStore().GetByKey(key)
	if err != nil || !ok {
		return err
	}
	if err := ours(cached.(runtime.Object).DeepCopyObject().(metav1.Object)); err != nil {
		return err
	}
	return o.apply(nil)
}
