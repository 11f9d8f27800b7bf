package leader

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	coordinationv1 "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/internal/credentials"
	"github.com/kuberator/kuberator/internal/fence"
)

// Elector competes for a lease, and runs its runners while this process holds it. Make it with
// [New], give it what is to run with Lead, then call Run. Its methods are safe for concurrent use.
type Elector struct {
	lease types.NamespacedName
	opts  Options
	lock  *lock
	terms atomic.Int64

	mu      sync.Mutex
	runners []controller.Runner
	running bool
	wrong   error // what Run returns instead of running
}

// New returns an elector for a lease, which is created if it does not exist. A nil opts means the
// defaults. It sends no request. cfg must not be one of [Elector.Config].
//
// # Errors
//
// An error for a nil cfg, one that is not usable, a lease without a name or a namespace, and for
// options that contradict each other.
func New(cfg *rest.Config, lease types.NamespacedName, opts *Options) (*Elector, error) {
	fail := func(err error) (*Elector, error) {
		return nil, fmt.Errorf("new elector of the lease %q: %w", lease, err)
	}
	if cfg == nil {
		return fail(errors.New("the rest.Config is nil"))
	}
	if lease.Name == "" || lease.Namespace == "" {
		return fail(errors.New("the name and the namespace must be set"))
	}
	all, err := opts.withDefaults(lease)
	if err != nil {
		return fail(err)
	}
	own, err := credentials.Follow(cfg)
	if err != nil {
		return fail(err)
	}
	own = rest.AddUserAgent(own, "leader-election")
	own.Timeout = all.RenewDeadline / 2 // a request that hangs must leave time for another
	own.QPS, own.RateLimiter = -1, nil  // and not wait for those of others
	client, err := coordinationv1.NewForConfig(own)
	if err != nil {
		return fail(err)
	}
	l := &lock{opts: all, said: rate.Sometimes{Interval: time.Minute}, Interface: &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: lease.Namespace, Name: lease.Name},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: all.Identity},
	}}
	return &Elector{lease: lease, opts: all, lock: l}, nil
}

// Lead adds runners that run while this process leads: controllers, or anything else that must run
// once only. A runner that has a method Standby, as a controller has, is prepared by it from the
// start: the caches of a controller are full when it begins to run.
//
// A runner is run again in each term. controller.RunnerFunc makes one of a function, such as the
// ReleaseAll of a controller.
//
// # Errors
//
// [Elector.Run] returns an error if a runner is nil, if there is none, or if Lead was called after
// Run.
func (e *Elector) Lead(runners ...controller.Runner) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range runners {
		if r == nil {
			e.wrong = errors.New("a runner is nil")
		}
	}
	if e.running {
		e.wrong = errors.New("Lead was called after Run")
	}
	e.runners = append(e.runners, runners...)
}

// standby is a runner that can be prepared.
type standby interface {
	Standby(ctx context.Context) error
}

// Run competes for the lease until ctx ends, and runs the runners while this process holds it.
//
// # Expected flow
//
// The runners are prepared; when the lease is won, they run, with a ctx that ends with the lease;
// when it is lost, Run waits until they have returned, and competes again. When ctx ends, Run waits
// until they have returned, releases the lease, and returns.
//
// # Guarantees
//
//   - Nothing is written with the ctx of a term when the lease may be over, see the package comment.
//   - The runners of a term have returned before the next term of this process begins, and before
//     the lease is released. If one of them returned an error, the lease is not released, since
//     code may have been left behind: it expires.
//   - After Run has returned no goroutine of it is left. It may be called again.
//
// # Errors
//
// Those of the runners, of which the first ends all others; but an attempt that outlived the lease,
// because its code ignores its ctx, is logged, and Run goes on. With Options.ExitOnLoss an error of
// class NotLeader when the lease is lost. An error at once if a call of Lead was wrong, or if Run is
// running. If runners return nil before ctx ends, Run releases the lease and returns nil when all
// have. Failed requests for the lease are repeated, see [Status].Err.
func (e *Elector) Run(ctx context.Context) error {
	runners, err := e.begin()
	if err != nil {
		return fmt.Errorf("elector of the lease %q: %w", e.lease, err)
	}
	defer e.end()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all := []controller.Runner{controller.RunnerFunc(func(ctx context.Context) error {
		defer cancel()
		return e.compete(ctx, runners)
	})}
	for _, r := range runners {
		if s, ok := r.(standby); ok {
			all = append(all, controller.RunnerFunc(s.Standby))
		}
	}
	return controller.RunAll(ctx, all...)
}

func (e *Elector) begin() ([]controller.Runner, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.wrong != nil:
		return nil, e.wrong
	case e.running:
		return nil, errors.New("it is running already")
	case len(e.runners) == 0:
		return nil, errors.New("there is nothing to run: call Lead")
	}
	e.running = true
	return e.runners, nil
}

func (e *Elector) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = false
}

// Config returns a copy of cfg for clients that must not write without the lease: generated
// clientsets, and code that has no ctx of a term. Requests that change something are refused, with
// an error of class NotLeader, unless this process leads, and end with the lease. So are requests
// that only look like that: reviews, and dry runs. Reads are not affected.
func (e *Elector) Config(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return fence.Wrap(next, e.fence) })
	return cfg
}

// fence returns the fence of the term, or one that was never opened.
func (e *Elector) fence(context.Context) *fence.Fence {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.lock.fence == nil {
		return fence.New(e.lease.String(), e.opts.RenewDeadline)
	}
	return e.lock.fence
}
