package workload

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
	"github.com/kuberator/kuberator/test/bench/internal/widget"
)

// noise is what others do to an object that is well: the time from before a request that changes it until Apply begins.
//
// First ("tenant"), one object after another is changed in a namespace of its own, alone, and while another namespace
// changes 2,000 objects as fast as it can, each Apply of which takes 1 ms. Then 100 objects are changed 200 times a second:
// alone ("quiet"), and from the moment when 1,000 others in the same namespace begin to fail at once, always ("noise"). All have the
// same backoff. Times is how many milliseconds quiet and noise take each; the tenants take less.
var noise = Workload{
	Name:  "noise",
	About: "From the request that changes an object to the begin of Apply: with others that fail, and with a namespace that floods",
	Full:  Size{Objects: 100, Times: 5000}, Short: Size{Objects: 10, Times: 200},
	Rounds: 2,
	API:    &API{CRDs: [][]byte{widget.CRD}, Fill: fillNoise},
	Contenders: []Contender{
		by(runNoise)(Kuberator, contender.Kuberator),
		by(runNoise)(Floor, contender.ClientGoBackoff),
		by(runNoise)(Peer, contender.ControllerRuntime(contender.RuntimeOptions{Backoff: true})),
		by(runNoise)(TunedPriority, contender.ControllerRuntime(contender.RuntimeOptions{Tuned: true, Priority: true, Backoff: true})),
	},
	Bars: []Bar{
		{Metric: "noise ratio p99", AtMost: 2},
		{Metric: "noise p99", Against: Floor, AtMost: 1.05},
		{Metric: "noise p99", Against: Peer, AtMost: 1},
		{Metric: "noise p99", Against: TunedPriority, AtMost: 1.05},
		{Metric: "tenant ratio p99", AtMost: 2},
		{Metric: "tenant flooded p50", Against: TunedPriority, AtMost: 0.1},
	},
	Chart: []string{"noise ratio p99", "tenant flooded p99"},
}

// crowd is those that are well, ten times as many that fail, twenty times as many that flood, and one tenant beside them.
type crowd struct {
	well, failing, flooding, tenant []types.NamespacedName
}

func crowdOf(n int) (c crowd) {
	for i := range 32 * n {
		key := types.NamespacedName{Namespace: namespace, Name: widgetName(i)}
		switch {
		case i < n:
			c.well = append(c.well, key)
		case i < 11*n:
			c.failing = append(c.failing, key)
		case i < 31*n:
			c.flooding = append(c.flooding, key)
		default:
			c.tenant = append(c.tenant, types.NamespacedName{Namespace: elsewhere, Name: key.Name})
		}
	}
	return c
}

func fillNoise(ctx context.Context, cfg *rest.Config, size Size) error {
	c := crowdOf(size.Objects)
	return createSettled(ctx, cfg, slices.Concat(c.well, c.failing, c.flooding, c.tenant))
}

// noisy is an operator whose objects disturb each other. What Apply does depends on the name.
type noisy struct {
	crowd
	*stopwatch
	fails, slow map[string]bool
	begun       atomic.Bool // they fail
	applies     atomic.Int64
	failed      atomic.Int64
}

func (o *noisy) apply(w *widget.Widget) error {
	defer o.applies.Add(1)
	switch {
	case o.applied(w):
	case o.slow[w.Name]:
		time.Sleep(work)
	case o.fails[w.Name] && o.begun.Load():
		o.failed.Add(1)
		return errors.New("this one always fails")
	}
	return nil
}

func runNoise(ctx context.Context, p *Process, makeOp contender.New) error {
	o := &noisy{crowd: crowdOf(p.Size.Objects), fails: map[string]bool{}, slow: map[string]bool{}}
	for _, key := range o.failing {
		o.fails[key.Name] = true
	}
	for _, key := range o.flooding {
		o.slow[key.Name] = true
	}
	var err error
	if o.stopwatch, err = newStopwatch(ctx, p.Config, slices.Concat(o.well, o.tenant)...); err != nil {
		return err
	}
	op, err := makeOp(p.Config, o.apply)
	if err != nil {
		return err
	}
	return during(ctx, op, func(ctx context.Context) error {
		if err := o.still(ctx, int64(32*p.Size.Objects)); err != nil {
			return err
		}
		return errors.Join(o.tenants(ctx, p), o.failures(ctx, p, op.Enqueuer(o.failing)))
	})
}

// still returns when there were so many calls of Apply, and no more come.
func (o *noisy) still(ctx context.Context, least int64) error {
	for before := int64(-1); ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		now := o.applies.Load()
		if now >= least && now == before {
			return nil
		}
		before = now
	}
	return ctx.Err()
}

func (p *Process) phase() time.Duration { return time.Duration(p.Size.Times) * time.Millisecond }

// tenants measures one namespace without and with another that floods.
func (o *noisy) tenants(ctx context.Context, p *Process) error {
	alone, err := o.oneByOne(ctx, o.tenant, elapsed(p.phase()/4))
	if err != nil {
		return err
	}
	flooding, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var next, made atomic.Int64
	began := time.Now()
	for range 8 {
		wg.Go(func() {
			for flooding.Err() == nil {
				if o.disturb(flooding, o.flooding[int(next.Add(1))%len(o.flooding)]) == nil { // the last ones are cut off
					made.Add(1)
				}
			}
		})
	}
	flooded, err := o.oneByOne(ctx, o.tenant, elapsed(p.phase()/2))
	took := time.Since(began)
	end()
	wg.Wait()
	if err != nil {
		return err
	}
	p.reportLatency("tenant alone", alone)
	p.reportLatency("tenant flooded", flooded)
	p.Report("tenant ratio p99", "", percentile(flooded, 0.99)/percentile(alone, 0.99))
	p.Report("tenant flooded samples", "", float64(len(flooded)))
	p.Report("flood", "/s", float64(made.Load())/took.Seconds())
	return o.still(ctx, 0)
}

// failures measures those that are well without and with others that fail.
func (o *noisy) failures(ctx context.Context, p *Process, enqueue func(i int)) error {
	quiet, err := o.atRate(ctx, sampleRate, o.well, elapsed(p.phase()))
	if err != nil {
		return err
	}
	o.begun.Store(true)
	for i := range o.failing {
		enqueue(i)
	}
	loud, err := o.atRate(ctx, sampleRate, o.well, elapsed(p.phase()))
	if err != nil {
		return err
	}
	p.reportLatency("quiet", quiet)
	p.reportLatency("noise", loud)
	p.Report("noise ratio p99", "", percentile(loud, 0.99)/percentile(quiet, 0.99))
	p.Report("failures", "", float64(o.failed.Load()))
	return nil
}
