package leader

import (
	"context"
	"errors"

	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/internal/fence"
	"github.com/kuberator/kuberator/internal/safelog"
	"github.com/kuberator/kuberator/kerr"
)

// compete runs term after term, until ctx ends or a term ends everything.
func (e *Elector) compete(ctx context.Context, runners []controller.Runner) error {
	for ctx.Err() == nil {
		if done, err := e.term(ctx, runners); done {
			return err
		}
	}
	return nil
}

// term waits for the lease and runs the runners under it. done means that there is no next term.
//
// client-go's elector has a ctx of its own: it renews the lease until the work has ended, and then
// releases it. Its callbacks run beside it, in goroutines that may outlive it; they only say that
// the lease was won.
func (e *Elector) term(ctx context.Context, runners []controller.Runner) (done bool, err error) {
	f := fence.New(e.lease.String(), e.opts.RenewDeadline)
	e.lock.compete(f)
	won := make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: e.lock, Name: e.lease.String(), ReleaseOnCancel: true,
		LeaseDuration: e.opts.LeaseDuration, RenewDeadline: e.opts.RenewDeadline, RetryPeriod: e.opts.turn(),
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(won) }, OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return true, err
	}
	// What it logs, through klog, is in Status and in our own records.
	holding, release := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), klog.Logger{}))
	defer release()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		elector.Run(holding)
		f.Close(errors.New("it could not be renewed"))
	}()
	select {
	case <-ctx.Done():
		done = true
	case <-won:
		done, err = e.lead(ctx, f, runners)
	case <-ended:
	}
	release()
	<-ended
	return done, err
}

// lead runs the runners until they end, or the lease does.
func (e *Elector) lead(ctx context.Context, f *fence.Fence, runners []controller.Runner) (done bool, err error) {
	e.terms.Add(1)
	e.opts.Logger.Info("leading")
	e.lock.work(true)
	term, cancel := context.WithCancelCause(fence.With(ctx, f))
	defer cancel(nil)
	defer f.OnClose(cancel)()
	err = controller.RunAll(term, runners...)
	lost := f.Lost()
	f.Close(fence.ErrReleased)
	if err == nil { // else code may have been left behind
		e.lock.work(false)
	}
	if lost == nil {
		e.opts.Logger.Info("stopped leading")
		return true, err
	}
	e.opts.Logger.Warn("lease lost", safelog.Error(lost))
	if _, left := errors.AsType[*kerr.ShutdownTimeout](err); left && !e.opts.ExitOnLoss {
		e.opts.Logger.Error("attempts outlived the lease", safelog.Error(err))
		err = nil
	}
	if e.opts.ExitOnLoss {
		err = errors.Join(lost, err)
	}
	return err != nil || ctx.Err() != nil, err
}
