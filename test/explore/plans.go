package explore

import "slices"

// plans are all that can go wrong in a run like the reference.
func (r *reference) plans(s *suite, o *options) []Plan {
	var out []Plan
	add := func(unit string, at int, kinds ...FaultKind) {
		for _, kind := range kinds {
			if o.wants(kind) {
				out = append(out, Plan{{Unit: unit, At: at, Kind: kind}})
			}
		}
	}
	for i, w := range r.writes {
		if !w.effective || w.masked { // what changes nothing can fail without a trace
			continue
		}
		add("U", i+1, NotSentCrash, CommittedCrash, CommittedError, w.rejection(i, o))
		if w.api {
			add("U", i+1, StaleCache)
		}
		add("U", i+1, StaleCaches, StaleRestart, SecondLeader)
		if w.api && w.target.key.Name != "" && w.verb != "create" {
			add("U", i+1, Conflict)
		}
	}
	for i, step := range s.script {
		if step == Settle() {
			continue
		}
		if slices.ContainsFunc(s.script[i+1:], func(s Step) bool { return s != Settle() }) {
			add("S", i+1, Gap)
		}
		if _, ok := step.(updateStep); ok && settles(s.script[:i]) > 0 {
			add("S", i+1, Revert)
		}
	}
	if o.depth > 1 {
		out = append(out, r.pairs(o)...)
	}
	return out
}

// rejection is how the server refuses the i-th write: each time otherwise.
func (w writeRecord) rejection(i int, o *options) FaultKind {
	kinds := []FaultKind{Rejected500, Rejected409, Rejected429, Rejected504}
	for n := range kinds {
		kind := kinds[(i+n)%len(kinds)]
		if o.wants(kind) && (kind != Rejected409 || w.api && w.verb != "create") {
			return kind
		}
	}
	return Rejected500
}

// pairs are crashes in the recovery from a crash.
func (r *reference) pairs(o *options) []Plan {
	var out []Plan
	kinds := []FaultKind{NotSentCrash, CommittedCrash}
	for i, w := range r.writes {
		for _, first := range kinds {
			if !w.effective || w.masked || !o.wants(first) {
				continue
			}
			for next := i + 2; next <= len(r.writes)+1; next++ {
				for _, second := range kinds {
					out = append(out, Plan{{"U", i + 1, first}, {"U", next, second}})
				}
			}
		}
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
	if !plan.has(Revert) {
		return s, r.states
	}
	at := plan[0].At
	short := *s
	short.script = slices.Concat(s.script[:at], []Step{Settle()})
	return &short, r.states[settles(s.script[:at-1])-1 : settles(s.script[:at-1])]
}
