package workload

import (
	"context"
	"errors"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// events is the way of an update: it is decoded, put into the cache, enqueued, and reconciled with nothing to do. Each
// is another generation of its object, and comes when the one before it has been worked on.
var events = Workload{
	Name:  "events",
	About: "Each of 20,000 objects is changed 10 times, and an operator finds nothing to do; per change",
	Full:  Size{Objects: 20_000, Times: 10}, Short: Size{Objects: 100, Times: 2},
	Rounds:     2,
	Serve:      widgets(server.Small),
	Contenders: noOps(runEvents),
	Bars: []Bar{
		{Metric: "cpu", Against: Floor, AtMost: 0.65},
		{Metric: "cpu", Against: Peer, AtMost: 0.5},
		{Metric: "cpu", Against: Tuned, AtMost: 0.6},
	},
	Chart: []string{"cpu", "allocations"},
}

func runEvents(ctx context.Context, p *Process, makeOp contender.New) error {
	r, err := start(ctx, p, makeOp)
	if err != nil {
		return err
	}
	err = p.Span(p.Size.Objects*p.Size.Times, func() error {
		return r.rounds(ctx, p.Size.Times, p.Size.Objects, func() error { return server.Update(ctx, p.Server, p.Size.Objects) })
	})
	return errors.Join(err, r.stop())
}
