package contender

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeConverge is controller-runtime. As the tutorials of kubebuilder have it, every event counts, the finalizer is
// added by controllerutil and Update, and the status is written by Status().Update at the end of each reconcile, whether
// it changed or not.
//
// Tuned, an update counts if the generation changed, or if a deletion began, and the status is written if it changed:
// the same as the floor.
func RuntimeConverge(opts RuntimeOptions) Converge {
	return func(cfg *rest.Config, ready, looked func()) (Runner, error) {
		mgr, err := newManager(cfg, opts)
		if err != nil {
			return nil, err
		}
		r := &runtimeConverge{client: mgr.GetClient(), ready: ready, looked: looked, tuned: opts.Tuned}
		b := builder.ControllerManagedBy(mgr).WithOptions(opts.controller(mgr, convergers))
		if opts.Tuned {
			b = b.For(&widget.Widget{}, builder.WithPredicates(predicate.GenerationChangedPredicate{}))
		} else {
			b = b.For(&widget.Widget{})
		}
		if err := b.Complete(reconcile.AsReconciler(mgr.GetClient(), r)); err != nil {
			return nil, err
		}
		return managed{mgr}, nil
	}
}

type runtimeConverge struct {
	client        client.Client
	ready, looked func()
	tuned         bool
}

func (r *runtimeConverge) Reconcile(ctx context.Context, w *widget.Widget) (reconcile.Result, error) {
	if w.DeletionTimestamp != nil {
		return reconcile.Result{}, nil // what it would clean up is not measured
	}
	if controllerutil.AddFinalizer(w, widget.Finalizer) {
		if err := r.client.Update(ctx, w); err != nil {
			return reconcile.Result{}, err
		}
	}
	before := w.Status
	after := Ready(w)
	if differs := !equality.Semantic.DeepEqual(before, after); differs || !r.tuned {
		w.Status = after
		if err := r.client.Status().Update(ctx, w); err != nil {
			return reconcile.Result{}, err
		}
		if differs {
			r.ready()
		}
	}
	r.looked()
	return reconcile.Result{}, nil
}
