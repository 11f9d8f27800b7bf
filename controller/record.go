package controller

import (
	"hash/maphash"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/pace"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/internal/unseen"
)

// item is a key in the hands of a worker, with the state of the object.
type item = queue.Item[types.NamespacedName, Reason, record]

// record is what this process knows of an object beyond its cache. It belongs to one UID: a new
// object of the same name starts without one. Only the worker that has the key uses it.
type record struct {
	uid    types.UID
	worked string           // the resourceVersion of the state that user code last got
	beyond *beyond          // what else there is to that; nil for most
	sent   *journal.Sent    // nil if nothing is known
	reads  dependents.Reads // of the last attempt that got to user code, and of those after it
	unseen *unseen.Writes   // nil if the caches show what was written for it
	asked  asked            // for Convergence
	// done means that the last attempt left nothing to be tried again. held is set when user code
	// got a state with our finalizer, and cleaned when Cleanup is done.
	done, held, cleaned bool
	pacing              *pacing // nil for most objects, of which there may be very many
}

// beyond is of a state that user code got and that its resourceVersion does not tell all of.
type beyond struct {
	content *content // of the state, if it has no resourceVersion
	left    version  // the state after the last write of that attempt, if that was no news
}

// pacing is what slows an object down that wrote, failed, or is paused, and what is left of earlier ones.
type pacing struct {
	past    *past             // nil for most
	pausing *pausing          // nil for most
	loop    *pace.SelfTrigger // nil if the last attempt wrote nothing
	undone  pace.Undone
	trouble *trouble // nil if there was none
}

// trouble is what is known of failures and loops.
type trouble struct {
	failing pace.Failing
	logged  struct { // last
		failure pace.Repeat
		loop    time.Time
	}
}

// past is what is left of objects that are gone.
type past struct {
	orphans []orphan // of any UID that the name had
	before  *record  // the object that had the name before, of whose end there was no event yet
}

// paced returns the pacing to be changed.
func (s *record) paced() *pacing {
	if s.pacing == nil {
		s.pacing = &pacing{}
	}
	return s.pacing
}

// troubled returns the trouble to be changed.
func (s *record) troubled() *trouble {
	p := s.paced()
	if p.trouble == nil {
		p.trouble = &trouble{}
	}
	return p.trouble
}

// failing returns the failures of the object, or nil if it never failed.
func (s *record) failing() *pace.Failing {
	if s.pacing == nil || s.pacing.trouble == nil {
		return nil
	}
	return &s.pacing.trouble.failing
}

// orphans returns the objects that Cleanup may be owed to.
func (s *record) orphans() []orphan {
	if s.pacing == nil || s.pacing.past == nil {
		return nil
	}
	return s.pacing.past.orphans
}

// before returns the object that had the name before, if there was no event of its end yet.
func (s *record) before() *record {
	if s.pacing == nil || s.pacing.past == nil {
		return nil
	}
	return s.pacing.past.before
}

// bury notes what is left of objects that are gone.
func (s *record) bury(what past) {
	if what.before != nil || len(what.orphans) > 0 {
		s.paced().past = &what
	}
}

// workedOn notes the state that user code got, and the one that it left if that is no news.
func (s *record) workedOn(state, left version) {
	s.worked, s.beyond = state.rv, nil
	if state.content != nil || left != (version{}) {
		s.beyond = &beyond{state.content, left}
	}
}

// last returns what workedOn noted.
func (s *record) last() (state, left version) {
	if s.beyond == nil {
		return version{rv: s.worked}, version{}
	}
	return version{s.worked, s.beyond.content}, s.beyond.left
}

// wrote notes what an attempt wrote.
func (s *record) wrote(seed maphash.Seed, own []journal.Write) {
	if len(own) == 0 && s.pacing == nil {
		return
	}
	p := s.paced()
	p.loop = p.loop.Learn(seed, own)
	p.undone.Learn(seed, own, time.Now())
}

// known lets f read or change what is known of what was sent.
func (s *record) known(f func(*journal.Sent)) {
	sent := s.sent
	if sent == nil {
		sent = &journal.Sent{}
	}
	if f(sent); sent.Applied != nil || sent.Status != (journal.Status{}) {
		s.sent = sent
	}
}

// version names a state: by its resourceVersion, or, for objects of fake clientsets,
// which have none, by its content. The zero value is no state.
type version struct {
	rv      string
	content *content
}

type content struct{ obj runtime.Object }

// versionOf names a state with the resourceVersion rv. obj must not be changed; nil is none.
func versionOf(rv string, obj journal.Object) version {
	switch {
	case rv != "":
		return version{rv: rv}
	case obj != nil:
		return version{content: &content{obj}}
	default:
		return version{}
	}
}

// is reports whether an event with the resourceVersion rv, which left the cache with obj, is
// about this state.
func (v version) is(rv string, obj runtime.Object) bool {
	if rv != "" || v.content == nil {
		return rv != "" && rv == v.rv
	}
	return equality.Semantic.DeepEqual(obj, v.content.obj)
}

// hasSeen reports, after an attempt that left nothing to be tried again, whether an event
// with the resourceVersion rv, which left the cache with obj, is no news. One about an older state
// than the last one worked on is none. (Where a server was restored from a backup, old numbers are
// news: such an event comes without one, see journal.Rewritten.)
func (s *record) hasSeen(rv string, obj journal.Object) bool {
	if !s.done {
		return false // its retry may have been given up for this very event
	}
	if worked, left := s.last(); worked.is(rv, obj) || left.is(rv, obj) {
		return true
	}
	return journal.Older(rv, s.worked)
}

// next returns the record of the next object of the name.
func (s *record) next(uid types.UID) record {
	after := record{uid: uid, reads: s.reads, unseen: s.unseen}
	before := s.before()
	if s.held || s.cleaned {
		before = &record{uid: s.uid, held: s.held, cleaned: s.cleaned}
	}
	after.bury(past{s.orphans(), before})
	return after
}

// recordOf returns the record of an object with the UID, which may be new, and keeps it
// until the object is gone.
func recordOf(it *item, uid types.UID) *record {
	if it.Keep = true; it.Record.uid != uid {
		it.Record = it.Record.next(uid)
	}
	return &it.Record
}
