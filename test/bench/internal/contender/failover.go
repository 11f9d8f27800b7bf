package contender

import (
	"context"
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/util/workqueue"

	"github.com/kuberator/kuberator/controller/leader"
)

// Election is what replicas of an operator compete for, and the times of that: 15 s, 10 s and 2 s are the defaults of
// this library, of controller-runtime, and of Kubernetes' own components.
type Election struct {
	Lease                                     types.NamespacedName
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration
}

// often is the RetryPeriod of client-go's elector for those who tuned it: what this library gives it. Standbys wait for
// that and, at random, for up to 1.2 times as long in addition. How often the lease is renewed is the choice of [unhurried].
func (e Election) often() time.Duration { return e.RetryPeriod / 8 }

// Replica is a process of an operator that applies Widgets while it leads, and ends when ctx does, as by SIGTERM.
type Replica func(cfg *rest.Config, e Election, apply Apply) (Runner, error)

// KuberatorReplica is this library as docs/operating.md sets it up.
func KuberatorReplica(cfg *rest.Config, e Election, apply Apply) (Runner, error) {
	cfg, m, err := observed(cfg)
	if err != nil {
		return nil, err
	}
	c, err := newKuberator(cfg, apply, m)
	if err != nil {
		return nil, err
	}
	return lead(cfg, m, e.Lease, leader.Options{LeaseDuration: e.LeaseDuration, RenewDeadline: e.RenewDeadline, RetryPeriod: e.RetryPeriod}, c)
}

// ClientGoReplica is the floor: client-go's example of leader election, with ReleaseOnCancel, and with what the comment there
// asks for: the work has ended before the lease is released. The informer runs from the start. The times of the example
// are 60 s, 15 s and 5 s; here they are those of the others, and its standbys look as often as this library's do.
func ClientGoReplica(cfg *rest.Config, e Election, apply Apply) (Runner, error) {
	o, err := newClientGo(cfg, owned(apply), workqueue.DefaultTypedControllerRateLimiter[string]())
	if err != nil {
		return nil, err
	}
	lock, err := e.lock(cfg)
	if err != nil {
		return nil, err
	}
	r := &clientGoReplica{clientGo: o}
	r.election = leaderelection.LeaderElectionConfig{
		Lock:          lock,
		LeaseDuration: e.LeaseDuration, RenewDeadline: e.RenewDeadline, RetryPeriod: e.often(),
		ReleaseOnCancel: true,
	}
	return r, nil
}

type clientGoReplica struct {
	*clientGo

	election leaderelection.LeaderElectionConfig
}

func (o *clientGoReplica) Run(ctx context.Context) error {
	election, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	o.election.Callbacks = leaderelection.LeaderCallbacks{
		OnStartedLeading: func(leading context.Context) {
			defer release() // when nobody works any more
			o.lead(leading)
		},
		OnStoppedLeading: func() {},
	}
	elector, err := leaderelection.NewLeaderElector(o.election)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() {
		if o.queue.ShutDown(); !elector.IsLeader() {
			release()
		}
	})()
	go o.informer.RunWithContext(ctx)
	elector.Run(election)
	if ctx.Err() == nil {
		return errors.New("the lease is lost")
	}
	return nil
}

// lead works until the queue is shut down.
func (o *clientGoReplica) lead(ctx context.Context) {
	if !cache.WaitFor(ctx, "", o.informer.HasSyncedChecker()) {
		return
	}
	var wg sync.WaitGroup
	for range o.workers {
		wg.Go(func() {
			for o.next(ctx) {
			}
		})
	}
	wg.Wait()
}
