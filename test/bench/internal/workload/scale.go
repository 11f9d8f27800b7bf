package workload

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/server"
)

// scale is whether the cost of an object depends on how many there are. They have next to nothing to decode, so that
// what grows is seen.
var scale = Workload{
	Name:  "scale",
	About: "An operator has 100,000 objects, and then 1,000,000: it starts, and works on all of them again; per object",
	Full:  Size{Objects: 1_000_000}, Short: Size{Objects: 1000},
	Rounds:     1,
	Serve:      widgets(server.Bare),
	Contenders: noOps(runScale),
	Bars: []Bar{
		{Metric: "growth of sync", AtMost: 1.1},
		{Metric: "growth of heap", AtMost: 1.1},
		{Metric: "growth of loop", AtMost: 1.1},
		{Metric: "sync 1M", Against: Floor, AtMost: 1.05},
		{Metric: "sync 1M", Against: Peer, AtMost: 0.65},
		{Metric: "sync 1M", Against: Tuned, AtMost: 1},
		{Metric: "heap 1M", Against: Floor, AtMost: 1.05},
		{Metric: "heap 1M", Against: Peer, AtMost: 1},
		{Metric: "heap 1M", Against: Tuned, AtMost: 1},
		{Metric: "loop 1M", Against: Floor, AtMost: 1.5},
		{Metric: "loop 1M", Against: Peer, AtMost: 0.2},
		{Metric: "loop 1M", Against: Tuned, AtMost: 1},
	},
	Chart: []string{"sync 1M", "heap 1M", "loop 1M"},
}

const (
	// factor is how many times more objects the larger size has.
	factor = 10
	// again is how often all objects are enqueued, at both sizes, after a first time that does not count.
	again = 2
)

// runScale measures both sizes in one process. The first start, which fills pools and caches of types, does not count.
func runScale(ctx context.Context, p *Process, makeOp contender.New) error {
	if _, err := scaled(ctx, p.part(p.Size.Objects/factor), makeOp); err != nil {
		return err
	}
	small, err := scaled(ctx, p.part(p.Size.Objects/factor), makeOp)
	if err != nil {
		return err
	}
	large, err := scaled(ctx, p.part(p.Size.Objects), makeOp)
	if err != nil {
		return err
	}
	for i, v := range large {
		p.Report(v.Metric+" "+short(p.Size.Objects/factor), v.Unit, small[i].Value)
		p.Report(v.Metric+" "+short(p.Size.Objects), v.Unit, v.Value)
	}
	for i, v := range large {
		if v.Unit != "/s" && v.Unit != "s" {
			p.Report("growth of "+v.Metric, "", v.Value/small[i].Value)
		}
	}
	return nil
}

// short is a number for the name of a metric.
func short(n int) string {
	switch {
	case n%1_000_000 == 0:
		return strconv.Itoa(n/1_000_000) + "M"
	case n%1000 == 0:
		return strconv.Itoa(n/1000) + "k"
	default:
		return strconv.Itoa(n)
	}
}

// scaled measures a start, what is live then, and that all objects are enqueued, once more and then again.
func scaled(ctx context.Context, p *Process, makeOp contender.New) ([]Value, error) {
	n, of, before := p.Size.Objects, float64(p.Size.Objects), collected()
	var r *running
	began := time.Now()
	err := p.Span(n, func() (err error) {
		r, err = start(ctx, p, makeOp)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%d objects: %w", n, err)
	}
	values := []Value{
		{"sync", "µs", p.value("cpu")},
		{"time to sync", "s", time.Since(began).Seconds()},
		{"heap", "B", float64(collected().HeapAlloc-before.HeapAlloc) / of},
	}
	all := r.enqueuing(n)
	if err := r.round(ctx, n, all); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	p.values = nil
	err = p.Span(n*again, func() error { return r.rounds(ctx, again, n, all) })
	values = append(values, Value{"loop", "µs", p.value("cpu")}, Value{"rate of the loop", "/s", 1e6 / p.value("clock")})
	return values, errors.Join(err, r.stop())
}
