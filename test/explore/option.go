package explore

import "slices"

// Option selects kinds of faults. Without options all kinds are tried, one fault in each run.
type Option func(*options)

type options struct {
	kinds    []FaultKind // empty: all
	depth    int
	parallel int
}

// Parallel is how many plans are tried side by side, each in a bubble of testing/synctest. 0 means what
// the flag -explore.parallel says, or as many as there are processors. An operator that keeps something
// in variables of packages that runs must not share needs 1.
func Parallel(n int) Option { return func(o *options) { o.parallel = n } }

// Crashes chooses crashes around writes: before they are sent and after they took effect.
// depth is how many happen in one run; runs of depth 2, a crash in the recovery from a
// crash, are as many as the square of the writes.
func Crashes(depth int) Option {
	return func(o *options) { o.kinds, o.depth = append(o.kinds, NotSentCrash, CommittedCrash), depth }
}

// Errors chooses writes that fail without a crash: whose answer is lost, or which are refused.
func Errors() Option {
	return only(CommittedError, Rejected409, Rejected429, Rejected500, Rejected504)
}

// Conflicts selects writes of another client right before those of the operator.
func Conflicts() Option { return only(Conflict) }

// TwoLeaders selects second processes that start while the first one goes on.
func TwoLeaders() Option { return only(SecondLeader) }

// Leases selects what happens to processes of an operator that elects a leader by a Lease: they stand
// still, or cannot reach the lease, or have a slow clock, while another process starts.
func Leases() Option { return only(Paused, NoLease, SlowClock) }

// Stale selects caches that are behind.
func Stale() Option { return only(StaleCache, StaleCaches, StaleRestart) }

// Gaps selects states that the operator never sees.
func Gaps() Option { return only(Gap) }

// Transitions selects steps of the script that are undone: the operator must undo its work too.
func Transitions() Option { return only(Revert) }

// Only selects the given kinds of faults.
func Only(kinds ...FaultKind) Option { return only(kinds...) }

// Depth is how many faults happen in one run, of those that crash. 0 means 1. The flag
// -explore.depth says the same.
func Depth(n int) Option { return func(o *options) { o.depth = n } }

func only(kinds ...FaultKind) Option {
	return func(o *options) { o.kinds = append(o.kinds, kinds...) }
}

func (o *options) wants(kind FaultKind) bool {
	return len(o.kinds) == 0 || slices.Contains(o.kinds, kind)
}
