package contender

import (
	"context"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeOptions change the operator that [ControllerRuntime] makes from
// controller-runtime's defaults.
type RuntimeOptions struct {
	// Lean is the least that controller-runtime can be made to do: client-go's queue in
	// the place of the priority queue, and no logger.
	Lean bool
	// KeepManagedFields keeps them in the cache, which is the default of
	// controller-runtime, but not of the other contenders.
	KeepManagedFields bool
}

// ControllerRuntime is an operator as kubebuilder scaffolds it: a manager, a builder,
// an ObjectReconciler over the manager's client, zap as the logger. The client's Get
// copies the cached object once, deeply, as the others do, and that copy once more,
// not deeply, into an object that the reconciler allocated.
func ControllerRuntime(opts RuntimeOptions) New {
	return func(cfg *rest.Config, apply func(*widget.Widget)) (Operator, error) {
		logger := zapr.NewLogger(logger())
		if opts.Lean {
			logger = logr.Discard()
		}
		log.SetLogger(logger) // or a warning about it is printed after 30 s
		var transform toolscache.TransformFunc
		if !opts.KeepManagedFields {
			transform = cache.TransformStripManagedFields()
		}
		mgr, err := manager.New(cfg, manager.Options{
			Scheme:         widget.Scheme(),
			MapperProvider: mapper,
			Logger:         logger,
			Cache:          cache.Options{DefaultTransform: transform},
			Metrics:        metricsserver.Options{BindAddress: "0"}, // no listener; the metrics are kept all the same
			Controller:     config.Controller{SkipNameValidation: new(true)},
		})
		if err != nil {
			return nil, err
		}
		o := &runtimeOperator{Manager: mgr, queue: make(chan workqueue.TypedRateLimitingInterface[reconcile.Request], 1)}
		err = builder.ControllerManagedBy(mgr).
			For(&widget.Widget{}).
			WatchesRawSource(source.Func(o.begin)).
			WithOptions(controller.Options{MaxConcurrentReconciles: workers, UsePriorityQueue: new(!opts.Lean)}).
			Complete(reconcile.AsReconciler(mgr.GetClient(), reconciler(apply)))
		return o, err
	}
}

// mapper knows what discovery would tell.
func mapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	m := meta.NewDefaultRESTMapper(nil)
	m.Add(widget.GroupVersion().WithKind("Widget"), meta.RESTScopeNamespace)
	return m, nil
}

type reconciler func(*widget.Widget)

func (r reconciler) Reconcile(_ context.Context, w *widget.Widget) (reconcile.Result, error) {
	if err := ours(w); err != nil {
		return reconcile.Result{}, err
	}
	r(w)
	return reconcile.Result{}, nil
}

type runtimeOperator struct {
	manager.Manager
	queue chan workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// begin is a source of no events: it only shows the queue.
func (o *runtimeOperator) begin(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	o.queue <- queue
	return nil
}

func (o *runtimeOperator) Run(ctx context.Context) error { return o.Start(ctx) }

func (o *runtimeOperator) Enqueuer(keys []types.NamespacedName) func(i int) {
	requests := make([]reconcile.Request, len(keys))
	for i, key := range keys {
		requests[i].NamespacedName = key
	}
	queue := <-o.queue
	return func(i int) { queue.Add(requests[i]) }
}
