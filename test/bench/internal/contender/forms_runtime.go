package contender

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeOf is [ControllerRuntime] with objects of that form: [builder.OnlyMetadata] for metadata.
func RuntimeOf(form Form, opts RuntimeOptions) New {
	if form == Typed {
		return ControllerRuntime(opts)
	}
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		mgr, err := newManager(cfg, opts)
		if err != nil {
			return nil, err
		}
		of := []builder.ForOption{}
		if form == Metadata {
			of = append(of, builder.OnlyMetadata)
		}
		o := &runtimeOperator{managed: managed{mgr}, queue: make(chan workqueue.TypedRateLimitingInterface[reconcile.Request], 1)}
		err = builder.ControllerManagedBy(mgr).
			For(runtimeObject(form), of...).
			WatchesRawSource(source.Func(o.begin)).
			WithOptions(opts.controller(mgr, workers)).
			Complete(runtimeForm{mgr.GetClient(), form, apply})
		return o, err
	}
}

// runtimeObject makes an object of a form that is not typed, with the kind of a Widget.
func runtimeObject(form Form) client.Object {
	gvk := widget.GroupVersion().WithKind("Widget")
	if form == Unstructured {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(gvk)
		return u
	}
	m := &metav1.PartialObjectMetadata{}
	m.SetGroupVersionKind(gvk)
	return m
}

// runtimeForm is a reconciler of its own, since an ObjectReconciler makes its objects without a kind.
type runtimeForm struct {
	client client.Client
	form   Form
	apply  Apply
}

func (r runtimeForm) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	object := runtimeObject(r.form)
	if err := r.client.Get(ctx, request.NamespacedName, object); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if err := ours(object); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{}, r.apply(nil)
}
