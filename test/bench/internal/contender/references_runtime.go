package contender

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeReferences is controller-runtime: Watches for the ConfigMaps, with a function that finds the Widgets by a field
// index, as kubebuilder's page about resources that are managed by others has it.
//
// Tuned, the Widget is read without a copy, and it and the function list without copies, since nothing is changed: the same as
// the floor. An update of a Widget counts if the generation changed.
func RuntimeReferences(opts RuntimeOptions) References {
	return func(cfg *rest.Config, looked func(*widget.Widget, string)) (Runner, error) {
		mgr, err := newManager(cfg, opts)
		if err != nil {
			return nil, err
		}
		r := &runtimeReferences{client: mgr.GetClient(), looked: looked, tuned: opts.Tuned}
		var specs []builder.ForOption
		if opts.Tuned {
			specs = append(specs, builder.WithPredicates(predicate.GenerationChangedPredicate{}))
		}
		if err := indexTeams(mgr); err != nil {
			return nil, err
		}
		err = builder.ControllerManagedBy(mgr).
			For(&widget.Widget{}, specs...).
			Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.readers)).
			WithOptions(opts.controller(mgr, convergers)).
			Complete(opts.reading(mgr.GetClient(), r))
		return managed{mgr}, err
	}
}

func indexTeams(mgr manager.Manager) error {
	ctx := context.Background() //nolint:forbidigo // before anything runs
	return mgr.GetFieldIndexer().IndexField(ctx, &widget.Widget{}, byTeam, func(obj client.Object) []string {
		return []string{obj.(*widget.Widget).Spec.Settings[Team]}
	})
}

type runtimeReferences struct {
	client client.Client
	looked func(*widget.Widget, string)
	tuned  bool
}

// options are those of a list in the namespace.
func (r *runtimeReferences) options(namespace string, opt client.ListOption) []client.ListOption {
	opts := []client.ListOption{client.InNamespace(namespace), opt}
	if r.tuned {
		opts = append(opts, client.UnsafeDisableDeepCopy)
	}
	return opts
}

// readers finds the Widgets that name the team. controller-runtime calls it with what an object was, and with what it
// is.
func (r *runtimeReferences) readers(ctx context.Context, cm client.Object) (requests []reconcile.Request) {
	var found widget.List
	if err := r.client.List(ctx, &found, r.options(cm.GetNamespace(), client.MatchingFields{byTeam: cm.GetLabels()[Team]})...); err != nil {
		return nil
	}
	for i := range found.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
	}
	return requests
}

func (r *runtimeReferences) Reconcile(ctx context.Context, w *widget.Widget) (reconcile.Result, error) {
	if w.DeletionTimestamp != nil {
		return reconcile.Result{}, nil
	}
	var found corev1.ConfigMapList
	if err := r.client.List(ctx, &found, r.options(w.Namespace, client.MatchingLabels(selectorOf(w)))...); err != nil {
		return reconcile.Result{}, err
	}
	revision := ""
	for i := range found.Items {
		revision = max(revision, found.Items[i].Data[Revision])
	}
	r.looked(w, revision)
	return reconcile.Result{}, nil
}
