package contender

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeChildren is controller-runtime: Owns for the ConfigMaps, and controllerutil.CreateOrUpdate for each, as its
// documentation and kubebuilder's tutorials have it. That sends nothing if nothing changes.
//
// Tuned, an update of a Widget counts if the generation changed. The Widget is read without a copy, and each child is compared
// in the cache, and one that differs is copied and updated: the same as the floor.
func RuntimeChildren(opts RuntimeOptions) Children {
	return func(cfg *rest.Config, looked func()) (Runner, error) {
		mgr, err := newManager(cfg, opts)
		if err != nil {
			return nil, err
		}
		r := &runtimeChildren{client: mgr.GetClient(), looked: looked}
		var specs []builder.ForOption
		if r.ensure = r.createOrUpdate; opts.Tuned {
			r.ensure = r.compare
			specs = append(specs, builder.WithPredicates(predicate.GenerationChangedPredicate{}))
		}
		err = builder.ControllerManagedBy(mgr).
			For(&widget.Widget{}, specs...).
			Owns(&corev1.ConfigMap{}).
			WithOptions(opts.controller(mgr, convergers)).
			Complete(opts.reading(mgr.GetClient(), r))
		return managed{mgr}, err
	}
}

type runtimeChildren struct {
	client client.Client
	looked func()
	ensure func(ctx context.Context, w *widget.Widget, i int) error
}

func (r *runtimeChildren) Reconcile(ctx context.Context, w *widget.Widget) (reconcile.Result, error) {
	if w.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	for i := range Parts {
		if err := r.ensure(ctx, w, i); err != nil {
			return reconcile.Result{}, err
		}
	}
	r.looked()
	return reconcile.Result{}, nil
}

func (r *runtimeChildren) createOrUpdate(ctx context.Context, w *widget.Widget, i int) error {
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: childName(w, i)}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.client, cm, func() error {
		metav1.SetMetaDataLabel(&cm.ObjectMeta, "app", w.Name)
		cm.Data = childData(w, i)
		return controllerutil.SetControllerReference(w, cm, r.client.Scheme())
	})
	return err
}

func (r *runtimeChildren) compare(ctx context.Context, w *widget.Widget, i int) error {
	cm, data := &corev1.ConfigMap{}, childData(w, i)
	key := types.NamespacedName{Namespace: w.Namespace, Name: childName(w, i)}
	switch err := r.client.Get(ctx, key, cm, client.UnsafeDisableDeepCopy); {
	case apierrors.IsNotFound(err):
		return r.client.Create(ctx, Child(w, i))
	case err != nil:
		return err
	case !metav1.IsControlledBy(cm, w):
		return fmt.Errorf("the ConfigMap %s is somebody else's", cm.Name)
	case maps.Equal(cm.Data, data) && cm.Labels["app"] == w.Name:
		return nil
	}
	cm = cm.DeepCopy()
	metav1.SetMetaDataLabel(&cm.ObjectMeta, "app", w.Name)
	cm.Data = data
	return r.client.Update(ctx, cm)
}
