package explore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Plan is what goes wrong in a run: one fault, or several. Its text, such as
// "U3:committed+crash/U5:rejected-409", is what -explore.plan takes.
type Plan []Fault

// Fault is one thing that goes wrong at one point of a run.
type Fault struct {
	// Unit is what At counts: "U" the writes of the operator, to the cluster and to external
	// systems, "S" the steps of the script. Both count from 1.
	Unit string
	At   int
	Kind FaultKind
}

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of faults. What they do to a write:
const (
	// NotSentCrash: the process crashes before the write is sent.
	NotSentCrash FaultKind = "not-sent+crash"
	// CommittedCrash: the write takes effect, and the process crashes before the answer.
	CommittedCrash FaultKind = "committed+crash"
	// CommittedError: the write takes effect, and the answer is lost.
	CommittedError FaultKind = "committed+error"
	// Rejected409 and the others: the server refuses the write. 409 is answered to updates
	// and deletions only.
	Rejected409 FaultKind = "rejected-409"
	Rejected429 FaultKind = "rejected-429"
	Rejected500 FaultKind = "rejected-500"
	Rejected504 FaultKind = "rejected-504"
	// Conflict: another client changes the object first.
	Conflict FaultKind = "conflict"
	// SecondLeader: another process starts and does its work before the write arrives. Then the
	// write arrives, and the first process goes on until both have settled, like one that has not
	// noticed yet that it has lost its lease.
	SecondLeader FaultKind = "second-leader"
	// StaleCache: watches of the write's kind show neither the write nor anything after it,
	// until the next step of the script has been taken and all is quiet. Other kinds' do.
	StaleCache FaultKind = "stale"
	// StaleCaches: the same for watches of all kinds.
	StaleCaches FaultKind = "stale-all"
	// StaleRestart: the process crashes, and the next one starts beside an API server whose
	// watch cache does not show the write before this one yet, nor what came after it.
	StaleRestart FaultKind = "stale-restart"
)

// What they do to a step of the script:
const (
	// Gap: the operator is disconnected before the step and sees only the state after the next
	// step.
	Gap FaultKind = "gap"
	// Revert: after the step the object is changed back to what it was.
	Revert FaultKind = "revert"
)

var (
	writeFaults = []FaultKind{
		NotSentCrash, CommittedCrash, CommittedError, Rejected409, Rejected429, Rejected500, Rejected504,
		Conflict, SecondLeader, StaleCache, StaleCaches, StaleRestart,
	}
	stepFaults = []FaultKind{Gap, Revert}
)

// String returns the fault as it is written in a plan, such as "U3:committed+crash".
func (f Fault) String() string { return fmt.Sprintf("%s%d:%s", f.Unit, f.At, f.Kind) }

// String returns the text of the plan, which -explore.plan and [ParsePlan] take.
func (p Plan) String() string {
	texts := make([]string, len(p))
	for i, f := range p {
		texts[i] = f.String()
	}
	return strings.Join(texts, "/")
}

// ParsePlan reads what Plan.String writes.
func ParsePlan(text string) (Plan, error) {
	var plan Plan
	for part := range strings.SplitSeq(text, "/") {
		fault, err := parseFault(part)
		if err != nil {
			return nil, fmt.Errorf("plan %q: %w", text, err)
		}
		plan = append(plan, fault)
	}
	return plan, nil
}

func parseFault(text string) (Fault, error) {
	point, kind, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok || len(point) < 2 {
		return Fault{}, fmt.Errorf("%q is no fault: write a point, a colon and what happens there, as in %q", text, "U3:committed+crash")
	}
	f := Fault{Unit: point[:1], Kind: FaultKind(kind)}
	known := map[string][]FaultKind{"U": writeFaults, "S": stepFaults}[f.Unit]
	if known == nil {
		return f, fmt.Errorf("%q: a point is U and the number of a write, or S and that of a step", point)
	}
	var err error
	if f.At, err = strconv.Atoi(point[1:]); err != nil || f.At < 1 {
		return f, fmt.Errorf("%q: %q is no number of 1 or more", point, point[1:])
	}
	if !slices.Contains(known, f.Kind) {
		return f, fmt.Errorf("%q: %q does not happen at %s; what does: %v", text, kind, map[string]string{"U": "a write", "S": "a step"}[f.Unit], known)
	}
	return f, nil
}

// at returns what happens at a point.
func (p Plan) at(unit string, n int) (FaultKind, bool) {
	for _, f := range p {
		if f.Unit == unit && f.At == n {
			return f.Kind, true
		}
	}
	return "", false
}

func (p Plan) has(kinds ...FaultKind) bool {
	return slices.ContainsFunc(p, func(f Fault) bool { return slices.Contains(kinds, f.Kind) })
}
