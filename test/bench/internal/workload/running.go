package workload

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
	"github.com/kuberator/kuberator/test/sim"
)

// noOps are the contenders that find nothing to do.
func noOps(measure func(ctx context.Context, p *Process, makeOp contender.New) error) []Contender {
	of := by(measure)
	return []Contender{
		of(Kuberator, contender.Kuberator),
		of(Floor, contender.ClientGo),
		of(Peer, contender.ControllerRuntime(contender.RuntimeOptions{})),
		of(Tuned, contender.ControllerRuntime(contender.RuntimeOptions{Tuned: true})),
	}
}

// by returns a function that makes contenders whose operators are all measured by the same one.
func by[F any](measure func(ctx context.Context, p *Process, makeOp F) error) func(name string, makeOp F) Contender {
	return func(name string, makeOp F) Contender {
		return Contender{name, func(ctx context.Context, p *Process) error { return measure(ctx, p, makeOp) }}
	}
}

// widgets serves Widgets of that size to operators that only read them, and, by the simulator, the kinds of Kubernetes that are
// named, as "configmaps".
func widgets(size server.Size, core ...string) func(context.Context, Size) (*Site, error) {
	return func(_ context.Context, n Size) (*Site, error) {
		others, err := sim.New(sim.Options{Kinds: sim.Core(core...)})
		if err != nil {
			return nil, err
		}
		s, err := server.New(server.Options{Count: n.Objects, Size: size, Others: server.Simulated(others)})
		if err != nil {
			others.Close()
			return nil, err
		}
		return &Site{Server: s.URL(), Close: func() error { s.Close(); others.Close(); return nil }}, nil
	}
}

// running is an operator at work, and a count of what it did.
type running struct {
	op     contender.Operator
	cancel context.CancelFunc
	ended  chan error

	count, target atomic.Int64
	reached       chan struct{}
}

// start runs an operator and returns when it has worked on all objects, once.
func start(ctx context.Context, p *Process, makeOp contender.New) (*running, error) {
	r := newRunning(p.Size.Objects)
	var err error
	if r.op, err = makeOp(p.Config, func(*widget.Widget) error { r.did(); return nil }); err != nil {
		return nil, err
	}
	r.run(ctx, r.op)
	if err := r.wait(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the first list: %w", err), r.stop())
	}
	return r, nil
}

// newRunning counts to target. Call run before anything else.
func newRunning(target int) *running {
	r := &running{reached: make(chan struct{}, 1), ended: make(chan error, 1)}
	r.target.Store(int64(target))
	return r
}

func (r *running) run(ctx context.Context, op contender.Runner) {
	ctx, r.cancel = context.WithCancel(ctx)
	go func() { r.ended <- op.Run(ctx) }()
}

// during runs an operator while do works, whose ctx is over if the operator ends, and at the latest when it is out of patience.
func during(ctx context.Context, op contender.Runner, do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- op.Run(ctx)
	}()
	err := do(ctx)
	cancel()
	return errors.Join(err, <-ended)
}

func keys(count int) []types.NamespacedName {
	all := make([]types.NamespacedName, count)
	for i := range all {
		all[i] = server.Key(i)
	}
	return all
}

// did counts one.
func (r *running) did() {
	if r.count.Add(1) == r.target.Load() {
		r.reached <- struct{}{}
	}
}

// wait returns when the target is reached.
func (r *running) wait(ctx context.Context) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-r.reached:
		return nil
	case err := <-r.ended:
		r.ended <- err
		return fmt.Errorf("the operator ended: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%d of %d after %s", r.count.Load(), r.target.Load(), patience)
	}
}

// round has begin make n more, and waits for them.
func (r *running) round(ctx context.Context, n int, begin func() error) error {
	r.target.Add(int64(n))
	if err := begin(); err != nil {
		return err
	}
	return r.wait(ctx)
}

// rounds makes so many rounds.
func (r *running) rounds(ctx context.Context, times, n int, begin func() error) error {
	for range times {
		if err := r.round(ctx, n, begin); err != nil {
			return err
		}
	}
	return nil
}

// enqueuing begins a round in which all of n objects are enqueued.
func (r *running) enqueuing(n int) func() error {
	enqueue := r.op.Enqueuer(keys(n))
	return func() error {
		for i := range n {
			enqueue(i)
		}
		return nil
	}
}

// stop ends the operator, and tells if it did less or more than it was asked for.
func (r *running) stop() error {
	r.cancel()
	if err := <-r.ended; err != nil {
		return err
	}
	if did, want := r.count.Load(), r.target.Load(); did != want {
		return fmt.Errorf("it did %d, and was asked for %d", did, want)
	}
	return nil
}
