package bench_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// objects is how many Widgets the benchmarks of time have.
const objects = 10_000

// patience is how long a round may take before it counts as hanging.
const patience = 2 * time.Minute

// named is a contender.
type named struct {
	name string
	make contender.New
}

const (
	kuberator = "kuberator"
	clientGo  = "client-go"
	runtimes  = "controller-runtime"
	lean      = "controller-runtime-lean"
	operated  = "kuberator-operated"
)

// compared returns the three that budgets are about.
func compared() []named {
	return []named{
		{kuberator, contender.Kuberator},
		{clientGo, contender.ClientGo},
		{runtimes, contender.ControllerRuntime(contender.RuntimeOptions{})},
	}
}

// contenders returns all.
func contenders() []named {
	return append(compared(), named{lean, contender.ControllerRuntime(contender.RuntimeOptions{Lean: true})}, named{operated, contender.Operated})
}

// running is an operator at work, and the count of what it did.
type running struct {
	server  *server.Server // nil if it is in another process
	enqueue func(i int)
	cancel  context.CancelFunc
	ended   chan error

	count, target atomic.Int64
	reached       chan struct{}
}

// start runs an operator and returns when it has worked on all objects of the
// server, once.
func start(ctx context.Context, url string, count int, makeOp contender.New) (*running, error) {
	r := &running{reached: make(chan struct{}, 1)}
	op, err := makeOp(server.Config(url), r.apply)
	if err != nil {
		return nil, err
	}
	r.target.Store(int64(count))
	r.begin(ctx, op)
	if err := r.wait(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the first list: %w", err), r.stop())
	}
	r.enqueue = op.Enqueuer(keys(count))
	return r, nil
}

// begin runs op until stop.
func (r *running) begin(ctx context.Context, op contender.Operator) {
	ctx, r.cancel = context.WithCancel(ctx)
	r.ended = make(chan error, 1)
	go func() { r.ended <- op.Run(ctx) }()
}

func keys(count int) []types.NamespacedName {
	all := make([]types.NamespacedName, count)
	for i := range all {
		all[i] = server.Key(i)
	}
	return all
}

// apply is the user's function.
func (r *running) apply(*widget.Widget) {
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
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return fmt.Errorf("%d of %d reconciles after %s", r.count.Load(), r.target.Load(), patience)
	}
}

// rounds has total reconciles made, in rounds of as many as there are objects: each
// object once, so that none is merged with another. begin starts a round of n.
func (r *running) rounds(ctx context.Context, total int, begin func(n int) error) error {
	for total > 0 {
		n := min(total, objects)
		total -= n
		r.target.Add(int64(n))
		if err := begin(n); err != nil {
			return err
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enqueued is for rounds: the keys are enqueued, nothing has changed.
func (r *running) enqueued(n int) error {
	for i := range n {
		r.enqueue(i)
	}
	return nil
}

// updated is for rounds: the server changes the objects.
func (r *running) updated(ctx context.Context) func(n int) error {
	return func(n int) error { return r.server.Update(ctx, n) }
}

// stop ends the operator, and tells if it did less or more than it was asked for.
func (r *running) stop() error {
	r.cancel()
	if err := <-r.ended; err != nil {
		return err
	}
	if did, want := r.count.Load(), r.target.Load(); did != want {
		return fmt.Errorf("%d reconciles, asked for %d", did, want)
	}
	return nil
}

// serve starts a server and an operator of its objects, both until the end of the
// test.
func serve(tb testing.TB, size server.Size, makeOp contender.New) *running {
	tb.Helper()
	s, err := server.New(server.Options{Count: objects, Size: size})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	r, err := start(tb.Context(), s.URL(), objects, makeOp)
	if err != nil {
		tb.Fatal(err)
	}
	r.server = s
	tb.Cleanup(func() {
		if err := r.stop(); err != nil {
			tb.Error(err)
		}
	})
	return r
}
