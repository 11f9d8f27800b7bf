package controllerruntime

import (
	"context"
	"errors"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/internal/fence"
)

// Lead adds to a manager what runs while its process leads, or from the start if the manager has no leader election:
//
//	err := controllerruntime.Lead(mgr, shops)
//
// If the runner has a method Standby, as a controller has, the manager calls it as a warm-up: the caches of the
// controller are full before the process leads, and each object is then read from the API server for its first
// attempt. So processes that stand by list and watch, too; hide the method in a controller.RunnerFunc to spare that:
//
//	err := controllerruntime.Lead(mgr, controller.RunnerFunc(shops.Run))
//
// Do not give the method Ready of such a controller to a readiness probe: it is an error until the process leads, and
// a rolling update waits for the new process to be ready before it ends the old one, which has the lease.
//
// # Guarantees
//
// When the manager ends, running calls may finish, as with controller.Controller.Run. When it has noticed that it lost
// its lease, or when its GracefulShutdownTimeout is over, their ctx ends, and a repository of this library sends no
// request with it any more.
//
// # Caveats
//
// A process that lost the lease and has not noticed may write. With package controller/leader it cannot. So that
// running calls may finish, the manager's GracefulShutdownTimeout, 30 s by default, must be longer than
// controller.Options.Grace and 5 s.
//
// # Errors
//
// Those of manager.Manager.Add. An error of the runner ends the manager.
func Lead(mgr manager.Manager, r controller.Runner) error {
	lease := fence.New("of the manager", forever)
	lease.Renew(time.Now())
	if err := mgr.Add(last{mgr, lease}); err != nil {
		return err
	}
	led := leads{r, lease}
	if s, ok := r.(standby); ok {
		return mgr.Add(warm{led, s})
	}
	return mgr.Add(led)
}

// forever is for how long there is a lease, as far as is known.
const forever = 100 * 365 * 24 * time.Hour

// EachReplica adds to a manager what runs in each process, whether it leads or not. Errors are those of [Lead].
func EachReplica(mgr manager.Manager, r controller.Runner) error { return mgr.Add(everywhere{r}) }

type standby interface {
	Standby(ctx context.Context) error
}

type everywhere struct{ runner controller.Runner }

// Start implements manager.Runnable.
func (e everywhere) Start(ctx context.Context) error { return e.runner.Run(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (everywhere) NeedLeaderElection() bool { return false }

type leads struct {
	runner controller.Runner
	lease  *fence.Fence
}

// Start implements manager.Runnable.
func (l leads) Start(ctx context.Context) error { return l.runner.Run(fence.With(ctx, l.lease)) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (leads) NeedLeaderElection() bool { return true }

// warm is a runnable that the manager warms up.
type warm struct {
	leads

	standby standby
}

// Warmup is what a manager calls before the process leads. It may block: the manager does not wait for it.
func (w warm) Warmup(ctx context.Context) error { return w.standby.Standby(ctx) }

// last closes the lease. A manager that ends tells nobody why. But it stops what has caches when what leads has ended,
// or when it does not wait for that: at once if the lease is lost, and else after GracefulShutdownTimeout.
type last struct {
	mgr   manager.Manager
	lease *fence.Fence
}

// Start implements manager.Runnable.
func (l last) Start(ctx context.Context) error {
	<-ctx.Done()
	l.lease.Close(errors.New("it was lost, or the manager does not wait any longer"))
	return nil
}

// GetCache has the manager take it for a cluster, that is for something with caches.
func (l last) GetCache() cache.Cache { return l.mgr.GetCache() }
