package explore

import "slices"

// plans are all that can go wrong in a run like the reference.
func (r *reference) plans(s *suite, o *options) []Plan {
	var out []Plan
	add := func(point string, kinds ...FaultKind) {
		for _, kind := range kinds {
			if o.wants(kind) {
				out = append(out, Plan{{At: point, Kind: kind}})
			}
		}
	}
	for _, w := range r.writes {
		if w.matters() {
			add(w.at.String(), w.faults()...)
			if r.leases && w.api {
				add(w.at.String(), Paused, NoLease, SlowClock)
			}
		}
	}
	for i, step := range s.script {
		if step == Settle() {
			continue
		}
		if slices.ContainsFunc(s.script[i+1:], func(s Step) bool { return s != Settle() }) {
			add(stepPoint(i), Gap)
		}
		if s.reversible(i) {
			add(stepPoint(i), Revert)
		}
	}
	if o.depth > 1 {
		out = append(out, r.pairs(o)...)
	}
	return out
}

// reversible reports whether the i-th step can be undone: the state before it must be known, which is
// that of a Settle right before it.
func (s *suite) reversible(i int) bool {
	if i < 1 || i >= len(s.script) || s.script[i-1] != Settle() {
		return false
	}
	update, ok := s.script[i].(updateStep)
	return ok && !update.final
}

// matters reports whether the write changed something that is compared: one that did not can fail
// without a trace.
func (rec *writeRecord) matters() bool { return rec.effective && !rec.masked }

// faults are all that can happen to a write. An external system refuses in one way only.
func (rec *writeRecord) faults() []FaultKind {
	out := []FaultKind{NotSentCrash, CommittedCrash, CommittedError, Rejected500}
	if rec.api {
		out = append(out, Rejected429, Rejected504)
		if rec.verb != "create" {
			out = append(out, Rejected409)
		}
		out = append(out, StaleCache)
	}
	out = append(out, StaleCaches, StaleRestart, SecondLeader)
	if rec.api && rec.target.key.Name != "" && rec.verb != "create" {
		out = append(out, Conflict)
	}
	return out
}

// pairs are crashes in the recovery from a crash: at the same write, when it is sent again, or at one
// after it.
func (r *reference) pairs(o *options) []Plan {
	var out []Plan
	kinds := []FaultKind{NotSentCrash, CommittedCrash}
	for i, w := range r.writes {
		for _, first := range kinds {
			if !w.matters() || !o.wants(first) {
				continue
			}
			for _, next := range append([]string{point{w.at.name, w.at.n + 1}.String()}, points(r.writes[i+1:])...) {
				for _, second := range kinds {
					out = append(out, Plan{{w.at.String(), first}, {next, second}})
				}
			}
		}
	}
	return out
}

func points(writes []*writeRecord) []string {
	out := make([]string, len(writes))
	for i, w := range writes {
		out[i] = w.at.String()
	}
	return out
}

func settles(script []Step) (n int) {
	for _, step := range script {
		if step == Settle() {
			n++
		}
	}
	return n
}

// prepare returns the script for a plan, and the states that are expected at its settles.
func (r *reference) prepare(s *suite, plan Plan) (*suite, []state) {
	at := plan.step(Revert)
	if at < 0 {
		return s, r.states
	}
	short := *s
	short.script = slices.Concat(s.script[:at+1], []Step{Settle()})
	return &short, r.states[settles(s.script[:at])-1 : settles(s.script[:at])]
}
