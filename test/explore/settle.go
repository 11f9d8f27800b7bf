package explore

import (
	"context"
	"fmt"
	"testing/synctest"
	"time"
)

const (
	// restBetween is how long nothing must happen before a run with faults is compared: longer
	// than the first retries of an operator.
	restBetween = 5 * time.Second
	// restBeforeStep is how soon the next step of the script follows while caches are behind:
	// before an operator gives its watches up for dead.
	restBeforeStep = 2 * time.Second
	// restWhileHeld is how long a process whose caches are behind gets to do wrong, or to wait.
	restWhileHeld = 30 * time.Second
)

// settle lets time pass until the operator has come to rest.
func (w *world) settle(ctx context.Context) error {
	from := time.Now()
	// A process can crash, and start beside a server that is behind, only now.
	if err := w.rest(ctx, restBeforeStep, from); err != nil {
		return err
	}
	if w.isHeld() {
		if !w.mayRelease() {
			w.states = append(w.states, nil)
			return nil
		}
		if err := w.rest(ctx, restWhileHeld, from); err != nil {
			return err
		}
		w.trace.say("fault", "the watches show what was held back")
		w.release(w.plan.has(Gap))
	}
	if w.plan.has(SecondLeader) {
		w.depose()
	}
	now, err := w.comparable(ctx, from)
	if err != nil {
		return err
	}
	w.states = append(w.states, now)
	w.trace.say("script", "settled")
	return nil
}

// comparable returns the state after the operator has come to rest. If it is not what it
// should be, the operator gets more time.
func (w *world) comparable(ctx context.Context, from time.Time) (state, error) {
	if w.limits.want == nil {
		if err := w.rest(ctx, w.limits.quiet, from); err != nil {
			return nil, err
		}
		return w.history.state(w.external)
	}
	for quiet := restBetween; ; quiet *= 4 {
		if err := w.rest(ctx, min(quiet, w.limits.quiet), from); err != nil {
			return nil, err
		}
		now, err := w.history.state(w.external)
		if err != nil || quiet >= w.limits.quiet {
			return now, err
		}
		if want := w.plan.wanted(w.limits.want, len(w.states)); want == nil || len(now.differences(want, w.limits.mask)) == 0 {
			return now, nil
		}
	}
}

// rest returns when nothing was written for a time.
func (w *world) rest(ctx context.Context, quiet time.Duration, from time.Time) error {
	for {
		synctest.Wait()
		if w.failed() {
			return nil
		}
		left := quiet - w.history.quietFor()
		if left <= 0 {
			return nil
		}
		if time.Since(from) > w.limits.bound {
			w.fail("%s", w.restless())
			return nil
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// restless says what an operator does that does not settle.
func (w *world) restless() string {
	within := min(w.limits.bound, time.Hour)
	text := fmt.Sprintf("the operator never settles: it still writes %s after the last step, and never rests for %s", w.limits.bound, w.limits.quiet)
	if what := w.repeated(within); what != "" {
		text += ": " + what
	}
	return text + ". (If it is meant to write periodically, set Case.Quiet below its period, or mask the field.)"
}

func (w *world) isHeld() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.processes {
		if p.held && !p.crashed {
			return true
		}
	}
	return false
}

// mayRelease reports whether a step of the script was taken since watches were held back,
// or none is left to take.
func (w *world) mayRelease() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.plan.has(StaleRestart) {
		return true // what it has missed lies before its start
	}
	for i := w.heldSince; i < w.step-1; i++ {
		if w.suite.script[i] != Settle() {
			return true
		}
	}
	return w.step == len(w.suite.script)
}
