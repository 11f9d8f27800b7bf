package workload

import (
	"context"
	"errors"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// loop is what a key takes that nothing is to be done for: all settled objects are enqueued at once, by their keys, without
// an event. They have next to nothing to copy, so that what is measured is the loop.
var loop = Workload{
	Name:  "loop",
	About: "All of 30,000 objects are enqueued, 10 times, and two workers find nothing to do; per reconcile",
	Full:  Size{Objects: 30_000, Times: 10}, Short: Size{Objects: 500, Times: 2},
	Rounds: 4,
	Serve:  widgets(server.Bare, "leases.coordination.k8s.io", "events.events.k8s.io"),
	Contenders: append(noOps(runLoop),
		by(runLoop)(TunedPriority, contender.ControllerRuntime(contender.RuntimeOptions{Tuned: true, Priority: true})),
		by(runLoop)(Bare, contender.Bare),
		by(runLoop)(Operated, contender.Operated)),
	Bars: []Bar{
		{Metric: "cpu", Against: Peer, AtMost: 0.2},
		{Metric: "cpu", Against: Tuned, AtMost: 1},
		{Metric: "cpu", Contender: Bare, Against: Floor, AtMost: 1.5}, // which has no metrics either
		{Metric: "allocations", Contender: Bare, AtMost: 4},
		{Metric: "cpu", Contender: Operated, Against: Bare, AtMost: 1.15},
	},
	Chart: []string{"cpu", "allocations"},
}

func runLoop(ctx context.Context, p *Process, makeOp contender.New) error {
	r, err := start(ctx, p, makeOp)
	if err != nil {
		return err
	}
	n := p.Size.Objects
	all := r.enqueuing(n)
	err = p.Span(n*p.Size.Times, func() error { return r.rounds(ctx, p.Size.Times, n, all) })
	return errors.Join(err, r.stop())
}
