package explore

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

var (
	planFlag     = flag.String("explore.plan", "", "run this plan alone, as a report of explore names it, and show its trace")
	parallelFlag = flag.Int("explore.parallel", 0, "how many plans are tried side by side; 0: as many as there are processors")
	depthFlag    = flag.Int("explore.depth", 0, "how many crashes happen in one run; 0: as the test says, or 1")
)

// Result is what an exploration has found.
type Result struct {
	Writes   int // of the operator, in a run without faults
	Plans    int // that were tried
	Idle     int // of them, those whose fault did not happen
	NotTried int // for which there was no time before the deadline of the test

	Failures []Failure     // in the order of the plans
	Took     time.Duration // on the clock, not virtual

	report string
}

// Failure is a plan under which the operator does something wrong. Reasons say what. A fault that came
// after it is not named in the plan: if all did, the plan is empty, and the operator has a race of its
// own.
type Failure struct {
	Plan    Plan     // what went wrong
	Reasons []string // what the operator did wrong, one sentence each

	outcome *outcome
}

// String returns a report on the simplest failure: what is wrong, what happened before, and how
// to repeat it.
func (r *Result) String() string {
	summary := fmt.Sprintf("explored %d plans of what can go wrong around %d writes in %s", r.Plans, r.Writes, r.Took.Round(time.Millisecond))
	if r.Idle > 0 {
		summary += fmt.Sprintf("; in %d of them the fault did not happen", r.Idle)
	}
	if r.NotTried > 0 {
		summary += fmt.Sprintf("; %d more were not tried before the deadline of the test: give it more time with -timeout, or choose kinds of faults", r.NotTried)
	}
	if len(r.Failures) == 0 {
		return summary
	}
	return summary + "\n" + r.report
}

// Run explores what can go wrong with an operator, and fails the test if something does.
//
// # Expected flow
//
// The script is run four times without faults: as it is, with requests that take time, and twice
// with watches that are late. What the first run leaves is remembered; fields that the second one leaves
// otherwise depend on time or chance and are not compared. Then the script is run again for each
// plan: for each write of the operator, each way in which it can fail; for each step of the script,
// that the operator does not see it in time. Each time the operator must leave the same, having
// created and deleted as much, and come to rest.
//
// On a long exploration, go test -v shows the progress. Some seconds before the deadline of the test
// it stops, and fails the test with what was found and how much was not tried.
//
// # Assumptions
//
// The test is not parallel. Nothing of the operator is outside of what Case.New makes, such
// as variables of packages. Time is that of testing/synctest: the operator uses no real
// sockets, files that block, or cgo.
//
// # Caveats
//
// A crash severs a process's connections and ends its ctx; what it does in memory only, goes
// on until it looks at its ctx.
func Run[T Object](t *testing.T, c Case[T], opts ...Option) {
	t.Helper()
	result, err := Explore(t, c, opts...)
	if err != nil {
		t.Fatalf("explore: %v", err)
	}
	if len(result.Failures) > 0 || result.NotTried > 0 {
		t.Fatalf("explore: %s", result)
	}
	t.Logf("explore: %s", result)
}

// Explore does what [Run] does, but returns what it found instead of failing the test.
//
// # Errors
//
// A Case that cannot be run, and an operator that is wrong without any fault.
func Explore[T Object](t *testing.T, c Case[T], opts ...Option) (*Result, error) {
	t.Helper()
	began := time.Now()
	s, err := c.check()
	if err != nil {
		return nil, err
	}
	o := &options{}
	for _, opt := range opts {
		opt(o)
	}
	o.depth = max(o.depth, *depthFlag)
	ref, err := s.refer(t)
	if err != nil {
		return nil, err
	}
	plans := ref.plans(s, o)
	if *planFlag != "" {
		plan, err := ParsePlan(*planFlag)
		if err != nil {
			return nil, fmt.Errorf("-explore.plan: %w", err)
		}
		if at := plan.step(Revert); at >= 0 && !s.reversible(at) {
			return nil, fmt.Errorf("-explore.plan: plan %q: only an update right after a Settle is undone", plan)
		}
		plans = []Plan{plan}
	}
	result := &Result{Writes: len(ref.writes)}
	e := &exploration{t: t, suite: s, reference: ref}
	runs := e.tryAll(plans, o.sideBySide())
	for i, run := range runs {
		if run.err != nil {
			return nil, fmt.Errorf("plan %s: %w", plans[i], run.err)
		}
		if result.note(run.outcome); *planFlag != "" {
			t.Logf("plan %s:\n%s", plans[i], table(run.entries))
		}
	}
	result.NotTried = len(plans) - len(runs)
	result.Took = time.Since(began)
	if len(result.Failures) > 0 {
		result.report = e.report(result)
	}
	return result, nil
}

// exploration makes runs that are compared with one without faults.
type exploration struct {
	t         *testing.T
	suite     *suite
	reference *reference
}

func (e *exploration) try(plan Plan) (*outcome, error) {
	e.t.Helper()
	s, want := e.reference.prepare(e.suite, plan)
	quiet := min(s.quiet, 10*time.Minute)
	out, err := s.try(e.t, plan, limits{quiet: quiet, bound: time.Hour + 3*quiet, want: want, mask: e.reference.mask, seed: 1})
	if err != nil {
		return &out, err
	}
	out.judge(e.reference, want)
	return &out, nil
}

// note adds a run to a result.
func (r *Result) note(o *outcome) {
	r.Plans++
	if !o.hit() {
		r.Idle++
	}
	if len(o.failures) > 0 {
		r.Failures = append(r.Failures, Failure{Plan: o.blame(), Reasons: o.failures, outcome: o})
	}
}

// hit reports whether all faults of the plan happened.
func (o *outcome) hit() bool {
	if o.skipped {
		return false
	}
	happened := 0
	for _, e := range o.entries {
		if e.planned {
			happened++
		}
	}
	return happened >= len(o.plan)
}
