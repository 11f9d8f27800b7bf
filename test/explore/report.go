package explore

import (
	"fmt"
	"slices"
	"strings"
)

// report tells of the simplest failure, and names the others.
func (e *exploration) report(r *Result) string {
	e.t.Helper()
	first := r.Failures[0]
	found, shorter := e.shrink(first.outcome)
	if len(found.failures) == 0 { // it depends on who is faster: show the run that was seen
		found, shorter = first.outcome, nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe operator breaks in %d of %d plans. The simplest is %s", len(r.Failures), r.Plans, found.blame())
	if len(found.blame()) == 0 {
		b.WriteString(": it was wrong before anything went wrong, though not in each run. The operator has a race of its own")
	}
	if shorter != nil {
		fmt.Fprintf(&b, ", for which a part of the script is enough:\n")
		for i, step := range shorter.script {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, step)
		}
	} else {
		b.WriteString(".\n")
	}
	fmt.Fprintf(&b, "\nWhat is wrong:\n%s", indented(found.failures))
	if text := e.firstDifference(found); text != "" && shorter == nil {
		fmt.Fprintf(&b, "\nWhere the run begins to differ from one without faults:\n%s", text)
	}
	fmt.Fprintf(&b, "\nThe run:\n%s", table(found.tail(80)))
	fmt.Fprintf(&b, "\nTo see it again:\n  go test -run '^%s$' -explore.plan='%s'\n", strings.ReplaceAll(e.t.Name(), "/", "$/^"), first.Plan)
	if others := r.Failures[1:]; len(others) > 0 {
		b.WriteString("\nIt also breaks in:\n")
		var rows [][]string
		for _, f := range others[:min(len(others), 20)] {
			rows = append(rows, []string{f.Plan.String(), clip(f.Reasons[0])})
		}
		b.WriteString(align(rows))
		if len(others) > 20 {
			fmt.Fprintf(&b, "  and in %d more\n", len(others)-20)
		}
	}
	return b.String()
}

func indented(lines []string) string {
	var b strings.Builder
	for _, line := range lines[:min(len(lines), 10)] {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if len(lines) > 10 {
		fmt.Fprintf(&b, "  and %d more\n", len(lines)-10)
	}
	return b.String()
}

// firstDifference compares what took effect with what does without faults.
func (e *exploration) firstDifference(o *outcome) string {
	did := func(writes []*writeRecord) (out []string) {
		for _, w := range writes {
			if w.effective {
				out = append(out, w.at.String())
			}
		}
		return out
	}
	want, got := did(e.reference.writes), did(o.writes)
	for i := range max(len(want), len(got)) {
		a, b := "nothing more", "nothing more"
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a != b {
			rows := [][]string{{"the " + ordinal(i+1) + " write that took effect is", b}, {"without faults it is", a}}
			return align(rows)
		}
	}
	return ""
}

// shrink looks for a part of the script under which the operator breaks as well, and for
// fewer faults. The script is nil if all of it is needed.
func (e *exploration) shrink(seen *outcome) (*outcome, *suite) {
	e.t.Helper()
	plan := seen.plan
	if len(seen.blame()) == 0 {
		return seen, nil
	}
	best, err := e.try(plan)
	if err != nil {
		return &outcome{plan: plan, failures: []string{err.Error()}}, nil
	}
	for i := range plan {
		if fewer := slices.Delete(slices.Clone(plan), i, i+1); len(fewer) > 0 {
			if out, err := e.try(fewer); err == nil && len(out.failures) > 0 {
				best, plan = out, fewer
				break
			}
		}
	}
	var shortest *suite
	if plan.has(Gap, Revert) {
		return best, nil // they are about certain steps
	}
	for i := len(e.suite.script) - 2; i >= 0; i-- {
		from := e.suite
		if shortest != nil {
			from = shortest
		}
		if i >= len(from.script)-1 || from.script[i] == Settle() {
			continue
		}
		short := *from
		short.script = slices.Delete(slices.Clone(from.script), i, i+1)
		if i > 0 && short.script[i] == Settle() && short.script[i-1] == Settle() || i == 0 && short.script[0] == Settle() {
			short.script = slices.Delete(short.script, i, i+1)
		}
		if out := e.breaks(&short, plan); out != nil {
			best, shortest = out, &short
		}
	}
	return best, shortest
}

// breaks returns how the operator breaks with another script; nil if it does not.
func (e *exploration) breaks(s *suite, plan Plan) *outcome {
	e.t.Helper()
	if len(s.script) < 2 {
		return nil
	}
	ref, err := s.refer(e.t)
	if err != nil {
		return nil
	}
	out, err := (&exploration{t: e.t, suite: s, reference: ref}).try(plan)
	if err != nil || len(out.failures) == 0 {
		return nil
	}
	return out
}
