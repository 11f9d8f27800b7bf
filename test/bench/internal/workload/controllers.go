package workload

import (
	"context"
	"errors"
	"fmt"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// controllers is how an operator grows whose controllers are for the same kind: one informer decodes and keeps the
// objects, and each controller has a queue and workers.
var controllers = Workload{
	Name:  "controllers",
	About: "Each of 5,000 objects is changed 8 times, and 1, 4 or 16 controllers that share an informer find nothing to do; per change and controller",
	Full:  Size{Objects: 5000, Times: 8}, Short: Size{Objects: 50, Times: 2},
	Rounds: 1,
	Serve:  widgets(server.Small),
	Contenders: []Contender{
		{Kuberator, runControllers(contender.KuberatorShared)},
		{Floor, runControllers(contender.ClientGoShared)},
		{Peer, runControllers(func(n int) contender.New { return contender.RuntimeShared(n, contender.RuntimeOptions{}) })},
		{Tuned, runControllers(func(n int) contender.New { return contender.RuntimeShared(n, contender.RuntimeOptions{Tuned: true}) })},
	},
	Bars: []Bar{
		{Metric: "growth of one more", AtMost: 1.1},
		{Metric: "one more of 16", Against: Floor, AtMost: 1.5},
		{Metric: "one more of 16", Against: Peer, AtMost: 0.5},
		{Metric: "one more of 16", Against: Tuned, AtMost: 1},
	},
	Chart: []string{"1 controller", "4 controllers", "16 controllers", "one more of 16"},
}

// runControllers reports the time of processors of a change for each controller, and what each of those after the first
// takes, without what all share: of 4, and of 16, and how it grows from the one to the other.
func runControllers(of func(n int) contender.New) func(context.Context, *Process) error {
	return func(ctx context.Context, p *Process) error {
		cpu := map[int]float64{}
		for _, n := range []int{1, 4, 16} {
			part := p.part(p.Size.Objects)
			if err := runShared(ctx, part, n, of(n)); err != nil {
				return fmt.Errorf("%d controllers: %w", n, err)
			}
			cpu[n] = part.value("cpu")
			p.Report(fmt.Sprintf("%d %s", n, plural(n)), "µs", cpu[n])
		}
		few, many := (4*cpu[4]-cpu[1])/3, (16*cpu[16]-cpu[1])/15
		p.Report("one more of 4", "µs", few)
		p.Report("one more of 16", "µs", many)
		p.Report("growth of one more", "", many/few)
		return nil
	}
}

func plural(n int) string {
	if n == 1 {
		return "controller"
	}
	return "controllers"
}

func runShared(ctx context.Context, p *Process, n int, makeOp contender.New) error {
	objects := p.Size.Objects
	p.Size.Objects *= n // each is reconciled by all
	r, err := start(ctx, p, makeOp)
	if err != nil {
		return err
	}
	err = p.Span(objects*n*p.Size.Times, func() error {
		return r.rounds(ctx, p.Size.Times, objects*n, func() error { return server.Update(ctx, p.Server, objects) })
	})
	return errors.Join(err, r.stop())
}
