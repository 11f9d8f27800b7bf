package sim

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// store holds the states of all objects, and what has changed: etcd and the watch cache of
// a real server in one. One counter numbers all changes. Nothing waits with the lock held.
type store struct {
	mu     sync.RWMutex
	rv     uint64
	tables map[schema.GroupResource]*table
	keep   int // how many changes of a kind are remembered
	// oldest is where the history begins of a kind that has not been written or asked for yet;
	// began, where that of one does which was dropped in between.
	oldest  uint64
	began   map[schema.GroupResource]uint64
	observe func(Change)
}

// table is what a store holds of one kind.
type table struct {
	objects map[types.NamespacedName]*record
	sorted  []types.NamespacedName // of objects, or nil: sorted when asked for
	changes []change               // the newest, in order
	oldest  uint64                 // changes after this resourceVersion are remembered
	news    chan struct{}          // closed at the next change
	closed  bool                   // the kind is gone: watches end
}

// change is what one write did to one object.
type change struct {
	verb          watch.EventType
	key           types.NamespacedName
	before, after *record // before is nil for an object that is new; after is the last state of one that is gone
}

func newStore(keep int, observe func(Change)) *store {
	// So that the first changes already show who compares numbers as text.
	const first = 9_990
	return &store{
		rv: first, oldest: first, tables: map[schema.GroupResource]*table{}, began: map[schema.GroupResource]uint64{},
		keep: keep, observe: observe,
	}
}

// table returns the table of a kind, for which the lock is held.
func (s *store) table(gr schema.GroupResource) *table {
	gr = home(gr)
	t := s.tables[gr]
	if t == nil {
		t = &table{objects: map[types.NamespacedName]*record{}, oldest: max(s.oldest, s.began[gr]), news: make(chan struct{})}
		s.tables[gr] = t
	}
	return t
}

func (s *store) now() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.rv
}

func (s *store) get(gr schema.GroupResource, key types.NamespacedName) *record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if t := s.tables[home(gr)]; t != nil {
		return t.objects[key]
	}
	return nil
}

// commit replaces the state of an object, if it is still the one that was read (nil: that
// it does not exist), and reports whether it did. A nil object removes it.
func (s *store) commit(w *write, read *record, object map[string]any) (*record, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gr := w.resource.gr()
	t := s.table(gr)
	switch {
	case w.session.isSevered():
		return nil, false, errSevered
	case t.objects[w.key] != read:
		return nil, false, nil
	}
	verb := watch.Modified
	switch {
	case read == nil:
		verb = watch.Added
	case object == nil:
		verb, object = watch.Deleted, read.copy().Object
	}
	s.rv++
	after := w.resource.record(object, s.rv)
	s.log(t, change{verb: verb, key: w.key, before: read, after: after})
	if s.observe != nil {
		s.observe(newChange(w, verb, read, after))
	}
	return after, true, nil
}

// log makes a change the newest of its table, and wakes who waits for one.
func (s *store) log(t *table, c change) {
	switch c.verb {
	case watch.Deleted:
		delete(t.objects, c.key)
	default:
		t.objects[c.key] = c.after
	}
	if c.verb != watch.Modified {
		t.sorted = nil
	}
	t.changes = append(t.changes, c)
	if over := len(t.changes) - s.keep; over > s.keep/4 {
		t.oldest = t.changes[over-1].after.rv
		t.changes = slices.Clone(t.changes[over:])
	}
	t.wake()
}

func (t *table) wake() {
	close(t.news)
	t.news = make(chan struct{})
}

// forget makes resourceVersions expire: no watch and no list begins before now.
func (s *store) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest = s.rv
	for _, t := range s.tables {
		t.changes, t.oldest = nil, s.rv
	}
}

// drop removes a kind, and ends its watches.
func (s *store) drop(gr schema.GroupResource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[gr]; t != nil {
		t.closed = true
		t.wake()
		delete(s.tables, gr)
	}
	s.began[gr] = s.rv
}

// after returns the changes of a table that came after a resourceVersion and not after
// another, a channel that is closed at the next one, and the resourceVersion up to which
// this is all. ok is false if changes after since are forgotten, or the kind is gone.
func (s *store) after(t *table, since, until uint64) (changes []change, news <-chan struct{}, seen uint64, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if since < t.oldest {
		return nil, nil, 0, false
	}
	from, to := t.shown(since), len(t.changes)
	if until != newest {
		to = t.shown(until)
	}
	if from < to {
		changes = slices.Clip(t.changes[from:to])
	}
	if t.closed && len(changes) == 0 {
		return nil, nil, 0, false
	}
	return changes, t.news, min(s.rv, until), true
}

func byRV(c change, rv uint64) int { return cmp.Compare(c.after.rv, rv) }

// newest stands for whatever resourceVersion is the newest.
const newest = ^uint64(0)

// list returns the objects of a kind at a resourceVersion, or the newest, sorted by
// namespace and name, and that resourceVersion. ok is false if it is forgotten.
func (s *store) list(gr schema.GroupResource, at uint64) (keys []types.NamespacedName, objects []*record, rv uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.table(gr)
	if at >= s.rv {
		return t.keys(), t.records(t.keys()), s.rv, true
	}
	if at < t.oldest {
		return nil, nil, 0, false
	}
	return t.past(at)
}

// past is a list as it was.
func (t *table) past(at uint64) (keys []types.NamespacedName, objects []*record, rv uint64, ok bool) {
	then := &table{objects: t.asOf(at)}
	return then.keys(), then.records(then.keys()), at, true
}

// asOf returns the objects as they were, without what has happened since.
func (t *table) asOf(rv uint64) map[types.NamespacedName]*record {
	then := maps.Clone(t.objects)
	for _, c := range slices.Backward(t.changes[t.shown(rv):]) {
		if c.before == nil {
			delete(then, c.key)
		} else {
			then[c.key] = c.before
		}
	}
	return then
}

// shown returns how many of the changes that are remembered a resourceVersion includes.
func (t *table) shown(rv uint64) int {
	n, _ := slices.BinarySearchFunc(t.changes, rv+1, byRV)
	return n
}

func (t *table) keys() []types.NamespacedName {
	if t.sorted == nil {
		t.sorted = make([]types.NamespacedName, 0, len(t.objects))
		for key := range t.objects {
			t.sorted = append(t.sorted, key)
		}
		slices.SortFunc(t.sorted, compareKeys)
	}
	return t.sorted
}

func (t *table) records(keys []types.NamespacedName) []*record {
	out := make([]*record, len(keys))
	for i, key := range keys {
		out[i] = t.objects[key]
	}
	return out
}

// compareKeys orders as etcd does, in which the key of an object is a path.
func compareKeys(a, b types.NamespacedName) int {
	return cmp.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
}
