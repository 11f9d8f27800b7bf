package contender

import (
	"context"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// reader is an operator that is asked by events only.
type reader struct{ Runner }

// Enqueuer implements [Operator]: nobody asks.
func (reader) Enqueuer([]types.NamespacedName) func(int) { return func(int) {} }

// KuberatorShared is n controllers of this library that share one informer, as controller.NewFor and RunAll have it.
func KuberatorShared(n int) New {
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		cfg, m, err := observed(cfg)
		if err != nil {
			return nil, err
		}
		repo, err := repository.New[widget.Widget](cfg, widget.Scheme(), widget.GroupVersion().WithResource("widgets"))
		if err != nil {
			return nil, err
		}
		in, err := informer.New(repo, nil)
		if err != nil {
			return nil, err
		}
		all := make([]controller.Runner, n)
		for i := range all {
			all[i], err = controller.NewFor(in, controller.Funcs[*widget.Widget]{
				FinalizerName: controller.NoFinalizer, // each would need its own
				ApplyFunc: func(_ context.Context, w *widget.Widget) (controller.Action, error) {
					return controller.AwaitChange(), apply(w)
				},
			}, &controller.Options{Name: "widget-" + strconv.Itoa(i), Workers: workers, Logger: logger(), Observer: m})
			if err != nil {
				return nil, err
			}
		}
		return reader{controller.RunnerFunc(func(ctx context.Context) error { return controller.RunAll(ctx, all...) })}, nil
	}
}

// ClientGoShared is [ClientGo] with n queues, each with handler and workers of its own, for one informer. None looks for a
// finalizer.
func ClientGoShared(n int) New {
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		one, err := newClientGo(cfg, apply, workqueue.DefaultTypedControllerRateLimiter[string]())
		if err != nil {
			return nil, err
		}
		all := clientGos{one}
		for range n - 1 {
			next := &clientGo{
				apply: apply, workers: workers, informer: one.informer, log: one.log,
				queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
			}
			next.work = next.reconcile
			if err := next.handle(); err != nil {
				return nil, err
			}
			all = append(all, next)
		}
		return reader{all}, nil
	}
}

// clientGos share the informer of the first one.
type clientGos []*clientGo

func (all clientGos) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, o := range all[1:] {
		wg.Go(func() {
			if cache.WaitFor(ctx, "", o.informer.HasSyncedChecker()) {
				o.start(ctx, &wg)
			}
			<-ctx.Done()
			o.queue.ShutDown()
		})
	}
	return all[0].Run(ctx)
}

// RuntimeShared is n controllers of controller-runtime in one manager, which share its cache. None looks for a finalizer.
// Tuned, each is as in [ControllerRuntime]: a queue of client-go, and one logger for all of its reconciles.
func RuntimeShared(n int, opts RuntimeOptions) New {
	return func(cfg *rest.Config, apply Apply) (Operator, error) {
		mgr, err := newManager(cfg, opts)
		if err != nil {
			return nil, err
		}
		for i := range n {
			err := builder.ControllerManagedBy(mgr).
				Named("widget-" + strconv.Itoa(i)).
				For(&widget.Widget{}).
				WithOptions(opts.controller(mgr, workers)).
				Complete(reconcile.AsReconciler(mgr.GetClient(), reconciler(apply)))
			if err != nil {
				return nil, err
			}
		}
		return reader{managed{mgr}}, nil
	}
}
