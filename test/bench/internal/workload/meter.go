package workload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kuberator/kuberator/test/bench/internal/contender"
)

// meter adds up what some work takes.
type meter struct {
	cpu, clock             time.Duration
	allocations, allocated uint64
}

// measure adds to m what do takes, and what echo takes after it, of which the time on the clock does not count.
func (p *Process) measure(m *meter, do func() error, echo func()) error {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	stop, err := p.profile()
	if err != nil {
		return err
	}
	began, used := time.Now(), cpu()
	err = do()
	m.clock += time.Since(began)
	if err == nil {
		echo()
	}
	if err := errors.Join(err, stop()); err != nil {
		return err
	}
	m.cpu += cpu() - used
	runtime.ReadMemStats(&after)
	m.allocations += after.Mallocs - before.Mallocs
	m.allocated += after.TotalAlloc - before.TotalAlloc
	return nil
}

// measureRounds adds to m what rounds from 1 to p.Size.Times take, and what echo takes after each, of which the time on the
// clock does not count. All is one window: it begins with a collection, and has many in it, where one for each round would
// end at another point between two of them for each contender.
func (p *Process) measureRounds(m *meter, do func(round int) error, echo func()) error {
	var clock time.Duration
	err := p.measure(m, func() error {
		for round := 1; round <= p.Size.Times; round++ {
			began := time.Now()
			if err := do(round); err != nil {
				return err
			}
			clock += time.Since(began)
			echo()
		}
		return nil
	}, func() {})
	m.clock = clock
	return err
}

// profile begins a profile, if one is wanted.
func (p *Process) profile() (stop func() error, err error) {
	if p.Profile == "" {
		return func() error { return nil }, nil
	}
	path := p.Profile
	if p.profiles++; p.profiles > 1 {
		path += "." + strconv.Itoa(p.profiles)
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return func() error { pprof.StopCPUProfile(); return file.Close() }, pprof.StartCPUProfile(file)
}

// reportMeter adds what was measured, divided by n.
func (p *Process) reportMeter(m *meter, n int) {
	of := float64(n)
	p.Report("cpu", "µs", float64(m.cpu.Nanoseconds())/1000/of)
	p.Report("clock", "µs", float64(m.clock.Nanoseconds())/1000/of)
	p.Report("allocations", "", float64(m.allocations)/of)
	p.Report("allocated", "B", float64(m.allocated)/of)
}

// Span reports what n of something take that do does: time of processors, time on the clock, allocations.
func (p *Process) Span(n int, do func() error) error {
	var m meter
	if err := p.measure(&m, do, func() {}); err != nil {
		return err
	}
	p.reportMeter(&m, n)
	return nil
}

// looks counts how often an operator looked at an object: at the end of its function, if that has no error.
type looks struct{ atomic.Int64 }

func (l *looks) one() { l.Add(1) }

// settle returns when an operator has not looked at anything for a while: the events of its last writes have come, and
// what they caused is done.
func (l *looks) settle() {
	for before := int64(-1); before != l.Load(); {
		before = l.Load()
		time.Sleep(200 * time.Millisecond)
	}
}

// first returns when an operator that begins has looked at n objects and settled.
func (l *looks) first(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for l.Load() < int64(n) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d were looked at: %w", l.Load(), n, ctx.Err())
		}
	}
	l.settle()
	return nil
}

// watch runs an operator until it has done as much as r waits for, and nothing comes of it any more. It reports what
// that took, and how many looks and writes, per object.
func (p *Process) watch(ctx context.Context, r *running, makeOp func(looked func()) (contender.Runner, error)) error {
	var l looks
	op, err := makeOp(l.one)
	if err != nil {
		return err
	}
	var m meter
	err = p.measure(&m, func() error {
		r.run(ctx, op)
		return r.wait(ctx)
	}, l.settle)
	if err != nil {
		return err
	}
	p.reportMeter(&m, p.Size.Objects)
	p.Report("looks", "/object", float64(l.Load())/float64(p.Size.Objects))
	p.ReportRequests(p.Size.Objects)
	return r.stop()
}
