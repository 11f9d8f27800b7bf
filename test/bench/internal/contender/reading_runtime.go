package contender

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// reading makes a reconciler of one that only reads its Widget: that of controller-runtime, which copies it, or, tuned, one
// that does not.
func (opts RuntimeOptions) reading(c client.Client, r reconcile.ObjectReconciler[*widget.Widget]) reconcile.Reconciler {
	if opts.Tuned {
		return uncopied{c, r}
	}
	return reconcile.AsReconciler(c, r)
}

// uncopied reads as [reconcile.AsReconciler] does, but what the fields of a Widget refer to is that of the cache.
type uncopied struct {
	client client.Client
	of     reconcile.ObjectReconciler[*widget.Widget]
}

func (u uncopied) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	w := &widget.Widget{}
	if err := u.client.Get(ctx, request.NamespacedName, w, client.UnsafeDisableDeepCopy); err != nil {
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	return u.of.Reconcile(ctx, w)
}
