package controller

import (
	"hash/maphash"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/journal"
)

// An object whose attempts are caused by nothing but what its own earlier attempt
// wrote, which then writes again, is in a loop: a status with the current time, two
// controllers that undo each other's work. It may go on like that 20 times, and
// then 10 times a minute: what needs a few rounds to settle has them, and what never
// settles costs the API server little. Other events are not slowed.
const (
	loopBurst     = 20
	loopPerMinute = 10
	loopPause     = time.Minute / loopPerMinute
	// mostProgress bounds how many different objects a chain of attempts may write at full
	// speed: one that makes an object of a new name each time is a loop too.
	mostProgress = 1000
)

// loop is what an object's attempts wrote last, and how often they caused one
// another. nil is no loop.
type loop struct {
	wrote []uint64 // hashes of the states
	left  version  // the object after the last write to itself, if that was no news
	// refs are the objects that were written, and progress means that the last attempt wrote
	// one that is not among those: 60 children, made one by one, are no loop.
	refs     []uint64
	progress bool
	brake
}

// trace is a state of any object.
type trace struct {
	kind schema.GroupKind
	key  types.NamespacedName
	rv   string
}

// learn returns the loop after an attempt with the writes own. One that wrote nothing
// ends it.
func (l *loop) learn(seed maphash.Seed, own []journal.Write, left version) *loop {
	if len(own) == 0 {
		return nil
	}
	if l == nil {
		l = &loop{}
	}
	l.left, l.wrote = left, make([]uint64, 0, len(own))
	l.progress = false
	for _, w := range own {
		ref := maphash.Comparable(seed, w.Ref)
		if !slices.Contains(l.refs, ref) && len(l.refs) < mostProgress {
			l.progress, l.refs = true, append(l.refs, ref)
		}
		t := trace{kind: w.Kind, key: w.Key, rv: w.ResourceVersion}
		if w.Outcome == journal.Deleted {
			t.rv = ""
		}
		l.wrote = append(l.wrote, maphash.Comparable(seed, t))
	}
	return l
}

// caused tells whether all reasons are events about what the last attempt wrote.
func (l *loop) caused(seed maphash.Seed, reasons []Reason) bool {
	if l == nil {
		return false
	}
	events := 0
	for _, reason := range reasons {
		t := trace{kind: reason.Kind, key: reason.Key, rv: reason.ResourceVersion}
		switch reason.Verb {
		case VerbCaughtUp:
			continue
		case VerbAdded, VerbUpdated:
		case VerbDeleted:
			t.rv = ""
		case VerbResync, VerbTimer, VerbRetry, VerbEnqueued:
			return false
		}
		if !slices.Contains(l.wrote, maphash.Comparable(seed, t)) {
			return false
		}
		events++
	}
	return events > 0
}
