package explore

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Plan is what goes wrong in a run: one fault, or several. Its text, such as
// "create secrets default/a: committed+crash; update configmaps default/a #2: rejected-409", is what
// -explore.plan takes. The text of the empty plan, in which nothing goes wrong, is "none".
type Plan []Fault

// Fault is one thing that goes wrong at one point of a run.
type Fault struct {
	// At is a write of the operator, to the cluster or to an external system, by its verb and its
	// object: "create secrets default/a", "apply configmaps/status default/a #2", which is the second
	// one, "s3: put default/a". Or it is a step of the script: "step 3".
	//
	// A name that the server has made up ends in an asterisk: "create secrets default/a-*".
	At string
	// Kind is what goes wrong there.
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
	// Conflict: another client changes the object first: it sets an annotation.
	Conflict FaultKind = "conflict"
	// SecondLeader: another process starts and does its work before the write arrives. Then the
	// write arrives, and the first process goes on until both have settled, like one that has not
	// noticed yet that it has lost its lease.
	SecondLeader FaultKind = "second-leader"
	// Paused: the process stands still for 40 seconds, as if it was stopped, while another starts. Then
	// the write arrives, and it goes on. This and the next two are for operators that write a Lease.
	Paused FaultKind = "paused"
	// NoLease: for 40 seconds the process cannot reach its lease, and everything else; another starts.
	NoLease FaultKind = "no-lease"
	// SlowClock: the same, and the clock of the other process is faster by nearly a half.
	SlowClock FaultKind = "slow-clock"
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
	// Revert: after the step the object is changed back to what it was. It is tried for updates right
	// after a Settle, whose state is then right again, but for those of [Irreversible]. Where the server
	// refuses it, the plan counts as one whose fault did not happen.
	Revert FaultKind = "revert"
)

var (
	writeFaults = []FaultKind{
		NotSentCrash, CommittedCrash, CommittedError, Rejected409, Rejected429, Rejected500, Rejected504,
		Conflict, SecondLeader, Paused, NoLease, SlowClock, StaleCache, StaleCaches, StaleRestart,
	}
	stepFaults = []FaultKind{Gap, Revert}
)

// String returns the fault as it is written in a plan, such as
// "create secrets default/a: committed+crash".
func (f Fault) String() string { return f.At + ": " + string(f.Kind) }

// noFault is the text of the empty plan.
const noFault = "none"

// String returns the text of the plan, which -explore.plan and [ParsePlan] take.
func (p Plan) String() string {
	if len(p) == 0 {
		return noFault
	}
	texts := make([]string, len(p))
	for i, f := range p {
		texts[i] = f.String()
	}
	return strings.Join(texts, "; ")
}

// ParsePlan reads what Plan.String writes.
func ParsePlan(text string) (Plan, error) {
	if strings.TrimSpace(text) == noFault {
		return Plan{}, nil
	}
	var plan Plan
	for part := range strings.SplitSeq(text, ";") {
		fault, err := parseFault(part)
		if err != nil {
			return nil, fmt.Errorf("plan %q: %w", text, err)
		}
		plan = append(plan, fault)
	}
	return plan, nil
}

var stepPattern = regexp.MustCompile(`^step [1-9][0-9]*$`)

func parseFault(text string) (Fault, error) {
	text = strings.TrimSpace(text)
	colon := strings.LastIndex(text, ":")
	if colon < 1 {
		return Fault{}, fmt.Errorf("%q is no fault: write a point, a colon and what happens there, as in %q", text, "create secrets default/a: committed+crash")
	}
	f := Fault{At: strings.TrimSpace(text[:colon]), Kind: FaultKind(strings.TrimSpace(text[colon+1:]))}
	known, point := writeFaults, "a write"
	if stepPattern.MatchString(f.At) {
		known, point = stepFaults, "a step"
	}
	if !slices.Contains(known, f.Kind) {
		return f, fmt.Errorf("%q: %q does not happen at %s; what does: %v", text, f.Kind, point, known)
	}
	return f, nil
}

// at returns what happens at a point.
func (p Plan) at(point string) (FaultKind, bool) {
	for _, f := range p {
		if f.At == point {
			return f.Kind, true
		}
	}
	return "", false
}

// step returns the step of the script, counted from 0, at which a kind of fault happens, or -1.
func (p Plan) step(kind FaultKind) int {
	for _, f := range p {
		var i int
		if _, err := fmt.Sscanf(f.At, "step %d", &i); err == nil && f.Kind == kind {
			return i - 1
		}
	}
	return -1
}

func (p Plan) has(kinds ...FaultKind) bool {
	return slices.ContainsFunc(p, func(f Fault) bool { return slices.Contains(kinds, f.Kind) })
}
