package explore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// outcome is what a run has shown.
type outcome struct {
	plan     Plan
	failures []string
	states   []state
	counts   map[count]int
	writes   []writeRecord
	effects  []effect
	entries  []entry
}

// try makes one run, in a bubble of its own.
func (s *suite) try(t *testing.T, plan Plan, l limits) (o outcome, err error) {
	t.Helper()
	defer func() {
		// A goroutine that is left in the bubble can never go on.
		if r := recover(); r != nil {
			text := fmt.Sprint(r)
			if !strings.Contains(text, "deadlock") && !strings.Contains(text, "blocked goroutines") {
				panic(r) //nolint:forbidigo // it was one already, of the operator's
			}
			o.plan = plan
			o.failures = append(o.failures, "goroutines of the operator are still there after it has ended, and wait for ever: "+text)
		}
	}()
	synctest.Test(t, func(*testing.T) { o, err = s.once(plan, l) })
	return o, err
}

// once makes one run in the bubble that it is called in.
func (s *suite) once(plan Plan, l limits) (outcome, error) {
	w, err := newWorld(s, plan, l)
	if err != nil {
		return outcome{}, err
	}
	err = w.run()
	if err != nil && w.failed() {
		err = nil // a consequence
	}
	return outcome{
		plan: plan, failures: w.failures, states: w.states, counts: w.history.counted(),
		writes: w.writes, effects: w.effects, entries: w.trace.all(),
	}, err
}

// judge adds what is wrong with a run, compared with one without faults.
func (o *outcome) judge(reference *reference, want []state) {
	if len(o.failures) > 0 {
		return
	}
	for i, is := range o.states {
		if is == nil || o.plan.has(Gap, Revert) && i < len(o.states)-1 {
			continue
		}
		for _, d := range is.differences(o.plan.wanted(want, i), reference.mask) {
			o.failures = append(o.failures, fmt.Sprintf("at rest, after the %s settle: %s", ordinal(i+1), d))
		}
	}
	// Two processes that work at once undo each other's work for a while: what counts is
	// where that ends.
	if !o.plan.has(Gap, Revert, SecondLeader) {
		o.failures = append(o.failures, o.miscounted(reference.counts)...)
	}
	if !o.plan.has(Gap, Revert, SecondLeader, StaleCache, StaleCaches, StaleRestart) {
		o.failures = append(o.failures, o.misdone(reference.effects)...)
	}
}

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

// reference is what happens without faults.
type reference struct {
	outcome
	mask *mask
}

// refer makes two runs without faults that differ in time, uids and resourceVersions. What
// differs in what is left then is masked.
func (s *suite) refer(t *testing.T) (*reference, error) {
	t.Helper()
	bound := 3*s.quiet + 2*time.Hour
	first, err := s.try(t, nil, limits{quiet: s.quiet, bound: bound, seed: 1})
	if err != nil || len(first.failures) > 0 {
		return nil, first.problem("without any fault", err)
	}
	for _, e := range first.entries {
		if e.alarm {
			first.failures = append(first.failures, "it logs an error, though nothing has gone wrong: "+e.what+" "+e.result)
		}
	}
	if len(first.failures) > 0 {
		return nil, first.problem("without any fault", nil)
	}
	second, err := s.try(t, nil, limits{quiet: min(s.quiet, 10*time.Minute), bound: bound, seed: 2, late: 100*time.Hour + 7*time.Second})
	if err != nil || len(second.failures) > 0 {
		return nil, second.problem("without any fault, the second time", err)
	}
	var differing []leaf
	for i := range first.states {
		for _, d := range second.states[i].differences(first.states[i], s.mask) {
			if d.path == "" {
				return nil, fmt.Errorf("two runs without faults differ in what they leave: %s; give objects names that do not depend on time, uids or chance, or a generateName", d)
			}
			differing = append(differing, d.leaf)
		}
	}
	r := &reference{outcome: first, mask: s.mask.with(differing)}
	for _, is := range first.states {
		if len(is) > 0 && !is.visible(r.mask) && is.visible(&mask{}) {
			return nil, fmt.Errorf("the mask hides all that is left after the script, so that nothing would be compared: Case.Mask %v, and %d fields that differ between runs", s.mask.rules, len(differing))
		}
	}
	return r, nil
}

// problem is why a run that must work does not.
func (o *outcome) problem(when string, err error) error {
	if err != nil {
		return fmt.Errorf("the script cannot be run %s: %w\n\n%s", when, err, table(o.entries))
	}
	return fmt.Errorf("the operator is wrong %s:\n  %s\n\n%s", when, strings.Join(o.failures, "\n  "), table(o.tail(25)))
}

// tail are the last entries of the trace.
func (o *outcome) tail(n int) []entry { return o.entries[max(len(o.entries)-n, 0):] }
