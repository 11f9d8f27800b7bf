package contender

import (
	"context"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"github.com/google/uuid"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// RuntimeOptions change the operator that [ControllerRuntime] makes.
type RuntimeOptions struct {
	// Tuned is what somebody sets who knows controller-runtime well, for speed: the cache without managedFields,
	// client-go's queue in the place of the priority queue, and without its metrics, and a logger that does little for each
	// reconcile.
	Tuned bool
	// Priority is what somebody sets for latency: the priority queue stays.
	Priority bool
	// Behind has what Enqueuer enqueues come after changes, as the initial list does. It needs the priority queue.
	Behind bool
	// Backoff is that of this library.
	Backoff bool
}

// ControllerRuntime is an operator as kubebuilder scaffolds it: a manager, a builder,
// an ObjectReconciler over the manager's client, zap as the logger. The client's Get
// copies the cached object once, deeply, as the others do, and that copy once more,
// not deeply, into an object that the reconciler allocated.
func ControllerRuntime(opts RuntimeOptions) New {
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		mgr, err := newManager(cfg, opts)
		if err != nil {
			return nil, err
		}
		o := &runtimeOperator{managed: managed{mgr}, low: opts.Behind, queue: make(chan workqueue.TypedRateLimitingInterface[reconcile.Request], 1)}
		err = builder.ControllerManagedBy(mgr).
			For(&widget.Widget{}).
			WatchesRawSource(source.Func(o.begin)).
			WithOptions(opts.controller(mgr, workers)).
			Complete(reconcile.AsReconciler(mgr.GetClient(), reconciler(owned(apply))))
		return o, err
	}
}

// newManager makes a manager of controller-runtime. The metrics are kept, without a listener.
func newManager(cfg *rest.Config, opts RuntimeOptions, change ...func(*manager.Options)) (manager.Manager, error) {
	logger := zapr.NewLogger(logger())
	log.SetLogger(logger) // or a warning about it is printed after 30 s
	var transform toolscache.TransformFunc
	if opts.Tuned {
		transform = cache.TransformStripManagedFields()
	}
	all := manager.Options{
		Scheme:         scheme(),
		MapperProvider: mapper,
		Logger:         logger,
		Cache:          cache.Options{DefaultTransform: transform},
		Client:         client.Options{Cache: &client.CacheOptions{Unstructured: true}}, // or each Get of a map is a request
		Metrics:        metricsserver.Options{BindAddress: "0"},
		Controller:     config.Controller{SkipNameValidation: new(true)},
	}
	for _, f := range change {
		f(&all)
	}
	return manager.New(cfg, all)
}

func (opts RuntimeOptions) controller(mgr manager.Manager, workers int) controller.Options {
	o := controller.Options{MaxConcurrentReconciles: workers}
	if opts.Backoff {
		o.RateLimiter = backoff[reconcile.Request]()
	}
	if !opts.Tuned {
		return o
	}
	uuid.EnableRandPool() // each reconcile has an ID
	o.UsePriorityQueue = new(opts.Priority)
	if !opts.Priority {
		o.NewQueue = nameless
	}
	logger := mgr.GetLogger()
	logger = logger.WithSink(lazy{LogSink: logger.GetSink()})
	o.LogConstructor = func(request *reconcile.Request) logr.Logger {
		if request == nil {
			return logger
		}
		return logger.WithValues("object", request.NamespacedName)
	}
	return o
}

// nameless makes a queue of client-go without a name: it has no metrics.
func nameless(_ string, limiter workqueue.TypedRateLimiter[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	return workqueue.NewTypedRateLimitingQueue(limiter)
}

// mapper knows what discovery would tell.
func mapper(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	m := meta.NewDefaultRESTMapper(nil)
	m.Add(widgetKind, meta.RESTScopeNamespace)
	m.Add(corev1.SchemeGroupVersion.WithKind("ConfigMap"), meta.RESTScopeNamespace)
	return m, nil
}

type reconciler Apply

func (r reconciler) Reconcile(_ context.Context, w *widget.Widget) (reconcile.Result, error) {
	return reconcile.Result{}, r(w)
}

type runtimeOperator struct {
	managed

	low   bool
	queue chan workqueue.TypedRateLimitingInterface[reconcile.Request]
}

// begin is a source of no events: it only shows the queue.
func (o *runtimeOperator) begin(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	o.queue <- queue
	return nil
}

func (o *runtimeOperator) Enqueuer(keys []types.NamespacedName) func(i int) {
	requests := make([]reconcile.Request, len(keys))
	for i, key := range keys {
		requests[i].NamespacedName = key
	}
	queue := <-o.queue
	if prioritised, ok := queue.(priorityqueue.PriorityQueue[reconcile.Request]); ok && o.low {
		return func(i int) {
			prioritised.AddWithOpts(priorityqueue.AddOpts{Priority: new(handler.LowPriority)}, requests[i])
		}
	}
	return func(i int) { queue.Add(requests[i]) }
}

// managed is a manager as a [Runner].
type managed struct{ manager.Manager }

func (m managed) Run(ctx context.Context) error { return m.Start(ctx) }
