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
	if err := w.calm(ctx, restBeforeStep); err != nil {
		return err
	}
	if w.isHeld() && !w.mayRelease() {
		w.rests = append(w.rests, restState{})
		return nil
	}
	var now state
	for again := true; again; again = w.isHeld() && !w.failed() { // a write that comes late can hold them back
		if err := w.catchUp(ctx); err != nil {
			return err
		}
		if w.plan.has(severalLeaders...) {
			if err := pause(ctx, w.hinderedStill()); err != nil {
				return err
			}
			if err := w.calm(ctx, restBeforeStep); err != nil { // what was late arrives
				return err
			}
			w.depose()
		}
		var err error
		if now, err = w.comparable(ctx, from); err != nil {
			return err
		}
	}
	w.mu.Lock()
	w.rests = append(w.rests, restState{now, w.faults})
	w.mu.Unlock()
	w.history.settled()
	w.trace.add(entry{who: "script", what: "settled", settled: true})
	return nil
}

// catchUp shows the operator what was held back, after some time for doing wrong.
func (w *world) catchUp(ctx context.Context) error {
	if !w.isHeld() {
		return nil
	}
	if err := w.calm(ctx, restWhileHeld); err != nil {
		return err
	}
	w.trace.say("fault", "the watches show what was held back")
	w.release(w.plan.has(Gap))
	return nil
}

// calm returns when nothing was written for a time, or after four times as long: an operator that does
// not see what it has written may write it again and again.
func (w *world) calm(ctx context.Context, quiet time.Duration) error {
	for begin := time.Now(); !w.failed(); {
		synctest.Wait()
		left := min(quiet-w.history.quietFor(), 4*quiet-time.Since(begin))
		if left <= 0 {
			return nil
		}
		if err := pause(ctx, left); err != nil {
			return err
		}
	}
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
		if err != nil || quiet >= w.limits.quiet || w.isHeld() {
			return now, err
		}
		if want := w.plan.wanted(w.limits.want, len(w.rests)); want == nil || len(now.differences(want, w.limits.mask)) == 0 {
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
		if err := pause(ctx, left); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
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
