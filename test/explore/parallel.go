package explore

import (
	"cmp"
	"runtime"
	"sync"
	"time"
)

// progressEvery is how often a long exploration says how far it is.
const progressEvery = 10 * time.Second

// sideBySide is how many plans are tried at the same time, each in a bubble of its own.
func (o *options) sideBySide() int {
	return cmp.Or(o.parallel, *parallelFlag, runtime.GOMAXPROCS(0))
}

// tried is the run of a plan.
type tried struct {
	*outcome
	err error
}

// turns hands out the plans in their order.
type turns struct {
	exploration *exploration
	plans       []Plan
	stop        time.Time // the zero time if there is no deadline

	mu    sync.Mutex
	next  int
	found int // plans under which something is wrong
	said  time.Time
	over  bool // after an error, or since the test has ended
	runs  []tried
}

// tryAll tries plans, so many at a time, until the test's deadline is near. It returns the runs of those
// that were tried, which are the first ones.
func (e *exploration) tryAll(plans []Plan, sideBySide int) []tried {
	t := &turns{exploration: e, plans: plans, stop: e.stopAt(), said: time.Now(), runs: make([]tried, len(plans))}
	var all sync.WaitGroup
	for range min(sideBySide, len(plans)) {
		all.Go(t.work)
	}
	all.Wait()
	if e.t.Failed() {
		e.t.FailNow() // the operator has called FailNow in a run, which ended that worker only
	}
	return t.runs[:t.next]
}

func (t *turns) work() {
	for {
		i, ok := t.take()
		if !ok {
			return
		}
		out, err := t.exploration.try(t.plans[i])
		t.done(i, tried{out, err})
	}
}

// take returns the next plan.
func (t *turns) take() (i int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.over || t.next >= len(t.plans) || t.exploration.t.Failed() || !t.stop.IsZero() && now.After(t.stop) {
		return 0, false
	}
	if now.Sub(t.said) >= progressEvery {
		t.said = now
		t.exploration.t.Logf("explore: %d of %d plans, %d of them found something", t.next, len(t.plans), t.found)
	}
	t.next++
	return t.next - 1, true
}

func (t *turns) done(i int, run tried) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.runs[i] = run
	if run.err != nil {
		t.over = true
	} else if len(run.failures) > 0 {
		t.found++
	}
}

// stopAt is when an exploration ends, so that there is time for its report: the zero time if the test
// has no deadline.
func (e *exploration) stopAt() time.Time {
	deadline, ok := e.t.Deadline()
	if !ok {
		return time.Time{}
	}
	return deadline.Add(-min(30*time.Second, time.Until(deadline)/5))
}
