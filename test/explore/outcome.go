package explore

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is what a run has shown.
type outcome struct {
	plan     Plan
	failures []string
	blamed   int // faults of the plan that had happened when the first failure was found
	faults   int // that have happened
	skipped  bool
	rests    []restState
	counts   map[count]int
	writes   []*writeRecord
	effects  []effect
	entries  []entry
	leases   bool // the operator writes leases
}

// try makes one run, in a bubble of its own.
func (s *suite) try(t *testing.T, plan Plan, l limits) (o outcome, err error) {
	t.Helper()
	var bubble atomic.Value // its number
	bubble.Store("")
	defer func() {
		// A goroutine that is left in the bubble can never go on.
		if r := recover(); r != nil {
			text := fmt.Sprint(r)
			if !strings.Contains(text, "deadlock") && !strings.Contains(text, "blocked goroutines") {
				panic(r) //nolint:forbidigo // it was one already, of the operator's
			}
			o.plan = plan
			if left := leftBehind(bubble.Load().(string)); left != "" {
				o.failures = append(o.failures, "goroutines of the operator are still there after it has ended, and wait for ever: they were made by "+left)
			}
		}
	}()
	slow := time.AfterFunc(time.Minute, func() { fmt.Fprint(os.Stderr, standstill(bubble.Load().(string))) }) // a real minute
	defer slow.Stop()
	synctest.Test(t, func(*testing.T) {
		bubble.Store(thisBubble())
		labelled(plan, func() { o, err = s.once(plan, l) })
	})
	return o, err
}

// afterwards is the time in which what is under way at the end of a run must end too: an event is sent for
// two minutes more, for instance.
const afterwards = 10 * time.Minute

// once makes one run in the bubble that it is called in.
func (s *suite) once(plan Plan, l limits) (outcome, error) {
	w, err := newWorld(s, plan, l)
	if err != nil {
		return outcome{plan: plan}, err
	}
	err = w.run()
	if err != nil && w.faults > 0 { // without a fault before it, it is the script's own
		w.fail("the script cannot go on, as it does without faults: %v", err)
	}
	time.Sleep(afterwards)
	if err != nil && w.failed() {
		err = nil // a consequence, or what is told as a failure
	}
	return outcome{
		plan: plan, failures: w.failures, blamed: w.blamed, faults: w.faults, skipped: w.skipped, rests: w.rests,
		counts: w.history.counted(), writes: w.writes, effects: w.effects, entries: w.trace.all(), leases: w.leased,
	}, err
}

// judge adds what is wrong with a run, compared with one without faults.
func (o *outcome) judge(reference *reference, want []state) {
	if len(o.failures) > 0 || o.skipped {
		return
	}
	o.blamed = o.faults
	for i, at := range o.rests {
		expected := o.plan.wanted(want, i)
		switch {
		case at.state == nil:
			continue
		case at.faults == 0: // the script is that of the reference until then
			expected = reference.states[min(i, len(reference.states)-1)]
		case o.plan.has(Gap, Revert) && i < len(o.rests)-1:
			continue
		}
		for _, d := range at.state.differences(expected, reference.mask) {
			o.failures = append(o.failures, fmt.Sprintf("at rest, after the %s settle: %s", ordinal(i+1), d))
			o.blamed = min(o.blamed, at.faults)
		}
	}
	// Two processes that work at once undo each other's work for a while: what counts is
	// where that ends.
	if !o.plan.has(Gap, Revert) && !o.plan.has(severalLeaders...) {
		o.failures = append(o.failures, o.miscounted(reference.counts)...)
	}
	if !o.plan.has(Gap, Revert, StaleCache, StaleCaches, StaleRestart) && !o.plan.has(severalLeaders...) {
		o.failures = append(o.failures, o.misdone(reference.effects)...)
	}
}

// blame is the part of the plan that can be the cause of what is wrong: what had happened before.
func (o *outcome) blame() Plan { return o.plan[:min(o.blamed, len(o.plan))] }

// wanted is what the state at the i-th Settle should be: that of the reference at the same
// one, or at its last if steps were left out or added.
func (p Plan) wanted(reference []state, i int) state {
	last := len(reference) - 1
	if p.has(Gap, Revert) {
		return reference[last]
	}
	return reference[min(i, last)]
}

// miscounted finds what was created or deleted more or less often than without faults.
func (o *outcome) miscounted(want map[count]int) (out []string) {
	for c := range union(o.counts, want) {
		// Who sees a deletion and the creation after it at once may rightly do neither.
		fewer := o.plan.has(StaleCache, StaleCaches, StaleRestart) && o.counts[c] < want[c]
		if o.counts[c] != want[c] && !fewer {
			verb := map[bool]string{true: "created", false: "deleted"}[c.verb == "ADDED"]
			out = append(out, fmt.Sprintf("the operator has %s %s %s, and %s in a run without faults", verb, c.object, times(o.counts[c]), times(want[c])))
		}
	}
	slices.Sort(out)
	return out
}

// misdone finds calls of external systems that are made only with faults, or only without.
// How often does not matter: who has lost an answer must ask again.
func (o *outcome) misdone(want []effect) (out []string) {
	for _, e := range o.effects {
		if !slices.Contains(want, e) {
			out = append(out, fmt.Sprintf("the operator has called %s, which it does not do without faults", e))
		}
	}
	for _, e := range want {
		if !slices.Contains(o.effects, e) {
			out = append(out, fmt.Sprintf("the operator has not called %s, which it does without faults", e))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%10 == 1 && n%100 != 11:
		suffix = "st"
	case n%10 == 2 && n%100 != 12:
		suffix = "nd"
	case n%10 == 3 && n%100 != 13:
		suffix = "rd"
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
