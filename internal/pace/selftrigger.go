package pace

import (
	"hash/maphash"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
)

// mostProgress bounds how many different objects a chain of attempts may write at full speed:
// one that makes an object of a new name each time is a loop too.
const mostProgress = 1000

// SelfTrigger is what an object's attempts wrote last, and how often they caused one another.
// nil is nothing.
//
// An object whose attempts are caused by nothing but what its own earlier attempt wrote, which
// then writes again, is in a loop: a status with the current time, for instance. It may go on like
// that 20 times, and then 10 times a minute: what needs a few rounds to come to rest has them,
// and what never does costs the API server little. Other events are not slowed.
type SelfTrigger struct {
	wrote []uint64 // hashes of the states
	// refs are the objects that were written, and progress means that the last attempt wrote
	// one that is not among those: 60 children, made one by one, are no loop.
	refs     []uint64
	progress bool
	Brake
}

// State is one of any object. A deleted one has no RV.
type State struct {
	Kind schema.GroupKind
	Key  types.NamespacedName
	RV   string
}

// Learn returns what is known after an attempt with the writes own, which is nothing if there
// are none.
func (l *SelfTrigger) Learn(seed maphash.Seed, own []journal.Write) *SelfTrigger {
	if len(own) == 0 {
		return nil
	}
	if l == nil {
		l = &SelfTrigger{}
	}
	l.wrote, l.progress = make([]uint64, 0, len(own)), false
	for _, w := range own {
		ref := maphash.Comparable(seed, w.Ref)
		if !slices.Contains(l.refs, ref) && len(l.refs) < mostProgress {
			l.progress, l.refs = true, append(l.refs, ref)
		}
		s := State{Kind: w.Kind, Key: w.Key, RV: w.ResourceVersion}
		if w.Outcome == journal.Deleted || w.Outcome == journal.Gone { // or it had its last finalizer removed
			s.RV = ""
		}
		l.wrote = append(l.wrote, maphash.Comparable(seed, s))
	}
	return l
}

// Wrote reports whether the last attempt left an object in the state.
func (l *SelfTrigger) Wrote(seed maphash.Seed, s State) bool {
	return l != nil && slices.Contains(l.wrote, maphash.Comparable(seed, s))
}

// TooFast is [Brake.TooFast] for one more attempt that was caused by the last one, if that wrote
// nothing new.
func (l *SelfTrigger) TooFast() bool { return !l.progress && l.Brake.TooFast() }
