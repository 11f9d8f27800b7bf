package controllerruntime

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/kuberator/kuberator/controller"
)

// Lead returns what a manager runs while its process leads, or at once if the manager has no leader election:
//
//	err := mgr.Add(controllerruntime.Lead(shops))
//
// If the runner has a method Standby, as a controller has, the manager calls it as a warm-up: the caches of the
// controller are full before the process leads, and each object is then read from the API server for its first
// attempt. So processes that stand by list and watch, too; hide the method in a controller.RunnerFunc to spare that:
//
//	err := mgr.Add(controllerruntime.Lead(controller.RunnerFunc(shops.Run)))
//
// # Caveats
//
// The lease is the manager's, which has no fence: a process that lost it, and has not noticed, may write. With
// package controller/leader it cannot. The manager's GracefulShutdownTimeout, 30 s by default, must be longer than
// controller.Options.Grace and 5 s.
//
// # Errors
//
// An error of the runner ends the manager.
func Lead(r controller.Runner) manager.Runnable {
	if s, ok := r.(standby); ok {
		return warm{runnable{r, true}, s}
	}
	return runnable{r, true}
}

// EachReplica returns what a manager runs in each process, whether it leads or not.
func EachReplica(r controller.Runner) manager.Runnable { return runnable{r, false} }

type standby interface {
	Standby(ctx context.Context) error
}

type runnable struct {
	runner controller.Runner
	leads  bool
}

// Start implements manager.Runnable.
func (r runnable) Start(ctx context.Context) error { return r.runner.Run(ctx) }

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (r runnable) NeedLeaderElection() bool { return r.leads }

// warm is a runnable that the manager warms up.
type warm struct {
	runnable

	standby standby
}

// Warmup is what a manager calls before the process leads. It may block: the manager does not wait for it.
func (w warm) Warmup(ctx context.Context) error { return w.standby.Standby(ctx) }
