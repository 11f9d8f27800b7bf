package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// latency is the time from before a client sends a change until Apply begins with it: of one change at a time, and of
// 200 a second while both workers are busy. They are busy with the backlog, which is the first list ("restart"), or all
// of it enqueued ("loaded", "elsewhere"), and with 200 changes a second of other objects; each Apply of those takes 1 ms.
// The backlog and the flood are in one namespace; what is measured is in the same one, and in another ("elsewhere").
var latency = Workload{
	Name:  "latency",
	About: "From the request that changes an object to the begin of Apply: idle, and while 6,000 others wait and 200 a second change",
	Full:  Size{Objects: 6000, Times: 2000}, Short: Size{Objects: 60, Times: 20},
	Rounds: 2,
	API:    &API{CRDs: [][]byte{widget.CRD}, Fill: fillLatency},
	Contenders: []Contender{
		by(runLatency)(Kuberator, contender.Behind),
		by(runLatency)(Floor, contender.ClientGo),
		by(runLatency)(Peer, contender.ControllerRuntime(contender.RuntimeOptions{})),
		by(runLatency)(TunedPriority, contender.ControllerRuntime(contender.RuntimeOptions{Tuned: true, Priority: true, Behind: true})),
	},
	Bars: []Bar{
		{Metric: "idle p50", Against: Floor, AtMost: 1.05},
		{Metric: "idle p50", Against: Peer, AtMost: 1.05},
		{Metric: "idle p50", Against: TunedPriority, AtMost: 1.05},
		{Metric: "restart p99", Against: Peer, AtMost: 1},
		{Metric: "restart p99", Against: TunedPriority, AtMost: 1},
		{Metric: "loaded p99", Against: Peer, AtMost: 0.5},
		{Metric: "loaded p99", Against: TunedPriority, AtMost: 1},
		{Metric: "elsewhere p99", Against: Peer, AtMost: 0.01},
		{Metric: "elsewhere p99", Against: TunedPriority, AtMost: 1},
	},
	Chart: []string{"idle p50", "loaded p99", "elsewhere p99"},
}

// The rates are those of changes per second, and work is how long Apply takes for what is not measured: two workers
// can do four times as much.
const (
	floodRate, sampleRate = 200, 200
	work                  = time.Millisecond
)

// elsewhere is a namespace beside that of most objects.
const elsewhere = "default"

// groups are the Widgets of a workload that measures latency, by what happens to them.
type groups struct{ waiting, changing, here, there []types.NamespacedName }

// groupsOf returns n that wait, and of each other group a quarter as many: so many that none of those that are measured
// changes again while it waits.
func groupsOf(n int) (g groups) {
	for i := range n + 3*(n/4) {
		key := types.NamespacedName{Namespace: namespace, Name: widgetName(i)}
		switch {
		case i < n:
			g.waiting = append(g.waiting, key)
		case i < n+n/4:
			g.changing = append(g.changing, key)
		case i < n+2*(n/4):
			g.here = append(g.here, key)
		default:
			g.there = append(g.there, types.NamespacedName{Namespace: elsewhere, Name: key.Name})
		}
	}
	return g
}

func (g groups) all() []types.NamespacedName {
	return slices.Concat(g.waiting, g.changing, g.here, g.there)
}

func fillLatency(ctx context.Context, cfg *rest.Config, size Size) error {
	return createSettled(ctx, cfg, groupsOf(size.Objects).all())
}

// createSettled creates Widgets that carry the finalizer already.
func createSettled(ctx context.Context, cfg *rest.Config, keys []types.NamespacedName) error {
	return create(ctx, cfg, widget.GroupVersion().WithResource("widgets"), len(keys), func(i int) map[string]any {
		object := newWidget(i)
		meta := object["metadata"].(map[string]any)
		meta["namespace"], meta["name"], meta["finalizers"] = keys[i].Namespace, keys[i].Name, []any{widget.Finalizer}
		return object
	})
}

// busy is an operator that has much to do.
type busy struct {
	groups
	*stopwatch
	waitingNames map[string]bool
	left         atomic.Int64
	done         chan struct{} // closed when nothing is left of the backlog
	began        chan struct{} // closed when the first Apply begins
	begin        sync.Once
}

func (b *busy) apply(w *widget.Widget) error {
	if b.applied(w) {
		return nil
	}
	b.begin.Do(func() { close(b.began) })
	time.Sleep(work)
	if b.waitingNames[w.Name] && b.left.Add(-1) == 0 {
		close(b.done)
	}
	return nil
}

// backlog says that all that wait will be applied once more.
func (b *busy) backlog() {
	b.done = make(chan struct{})
	b.left.Store(int64(len(b.waiting)))
}

func runLatency(ctx context.Context, p *Process, makeOp contender.New) error {
	b := &busy{groups: groupsOf(p.Size.Objects), waitingNames: map[string]bool{}, began: make(chan struct{})}
	for _, key := range b.waiting {
		b.waitingNames[key.Name] = true
	}
	var err error
	if b.stopwatch, err = newStopwatch(ctx, p.Config, slices.Concat(b.here, b.there)...); err != nil {
		return err
	}
	op, err := makeOp(p.Config, b.apply)
	if err != nil {
		return err
	}
	b.backlog()
	return during(ctx, op, func(ctx context.Context) error {
		select {
		case <-b.began:
			return b.phases(ctx, p, op.Enqueuer(b.waiting))
		case <-ctx.Done():
			return fmt.Errorf("wait for the first Apply: %w", ctx.Err())
		}
	})
}

func (b *busy) phases(ctx context.Context, p *Process, enqueue func(i int)) error {
	here, there, err := b.loaded(ctx)
	if err != nil {
		return err
	}
	restart := slices.Concat(here, there)
	idle, err := b.oneByOne(ctx, b.here, func(i int) bool { return i == p.Size.Times })
	if err != nil {
		return err
	}
	b.backlog()
	for i := range b.waiting {
		enqueue(i)
	}
	if here, there, err = b.loaded(ctx); err != nil {
		return err
	}
	p.reportLatency("idle", idle)
	p.reportLatency("restart", restart)
	p.reportLatency("loaded", here)
	p.reportLatency("elsewhere", there)
	return nil
}

// loaded measures while the backlog is worked through and others change.
func (b *busy) loaded(ctx context.Context) (here, there []time.Duration, err error) {
	var wg sync.WaitGroup
	errs := make([]error, 3)
	wg.Go(func() { errs[0] = b.flood(ctx, floodRate, b.changing, closed(b.done)) })
	wg.Go(func() { here, errs[1] = b.atRate(ctx, sampleRate/2, b.here, closed(b.done)) })
	wg.Go(func() { there, errs[2] = b.atRate(ctx, sampleRate/2, b.there, closed(b.done)) })
	wg.Wait()
	return here, there, errors.Join(errs...)
}
