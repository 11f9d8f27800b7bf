package explore

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/kuberator/kuberator/test/sim"
)

// history is all that took effect in a run, and what is in the cluster after it. The
// server feeds it while it is locked, so that it never asks the server.
type history struct {
	mu         sync.Mutex
	objects    map[ref]*unstructured.Unstructured
	identities identities
	changes    []sim.Change
	counts     map[count]int
	fresh      map[types.UID]bool // what the operator has created since the last rest
	last       time.Time          // of what an operator did that no mask hides
}

// count is a kind of change that must happen as often in each run.
type count struct {
	verb   watch.EventType
	object string
}

func newHistory() *history {
	return &history{
		objects: map[ref]*unstructured.Unstructured{}, counts: map[count]int{}, fresh: map[types.UID]bool{}, last: time.Now(),
	}
}

// add takes in a change. byOperator: it is the operator's, not the script's.
func (h *history) add(c sim.Change, byOperator bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := ref{c.Resource.GroupResource(), c.Key}
	if notCompared.Has(r.resource.String()) {
		return
	}
	h.changes = append(h.changes, c)
	if !byOperator && c.Session != garbageCollector {
		h.last = time.Now() // before what the operator makes of it
	}
	o := objectOf(c)
	if c.Type == watch.Deleted {
		delete(h.objects, r)
	} else {
		h.objects[r] = c.After
	}
	name := identity(r, o)
	h.identities.add(r, o)
	if byOperator && c.Type != watch.Modified {
		h.counts[count{c.Type, name}]++
	}
	switch {
	case byOperator && c.Type == watch.Added:
		h.fresh[o.GetUID()] = true
	case c.Session == garbageCollector && c.Type == watch.Deleted && h.fresh[o.GetUID()]:
		h.counts[count{watch.Added, name}]--
	}
}

// garbageCollector is the session of the server's garbage collector.
const garbageCollector = "garbage-collector"

// settled notes that all is at rest. What is created, and collected before that, for an owner that is
// gone, is neither right nor wrong: who has seen its end in time does not create it.
func (h *history) settled() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.fresh)
}

func (h *history) state(external map[string]External) (state, error) {
	h.mu.Lock()
	objects, names := maps.Clone(h.objects), h.identities.known()
	h.mu.Unlock()
	return snapshot(objects, names, external)
}

func (h *history) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.changes)
}

// since returns the first change of a session after the first n.
func (h *history) since(n int, session string, r ref) (sim.Change, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.changes[n:] {
		if c.Session == session && c.Resource.GroupResource() == r.resource && r.names(c) {
			return c, true
		}
	}
	return sim.Change{}, false
}

// lastOf returns the state of an object after the last change of a session; nil if it made none.
func (h *history) lastOf(session string, r ref) *unstructured.Unstructured {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range slices.Backward(h.changes) {
		if c.Session == session && c.Resource.GroupResource() == r.resource && c.Key == r.key {
			return c.After
		}
	}
	return nil
}

// names reports whether a change is about the object that a write names; that of a new one may be made
// up by the server.
func (r ref) names(c sim.Change) bool {
	return r.key.Name == "" || r.key == c.Key || r.key.Namespace == c.Key.Namespace && r.key.Name == stableName(objectOf(c))
}

// active notes that the operator did something.
func (h *history) active() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = time.Now()
}

func (h *history) quietFor() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.last)
}

// counted returns how often the operator created and deleted what, with names that are the
// same in each run.
func (h *history) counted() map[count]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := h.identities.known()
	out := map[count]int{}
	for c, n := range h.counts {
		out[count{c.verb, names.made.Replace(c.object)}] += n
	}
	return out
}

// changed describes a change by the fields that differ, for people.
func changed(c sim.Change) string {
	if c.Type == watch.Added {
		return "created"
	}
	if c.Type == watch.Deleted {
		return "gone"
	}
	var parts []string
	before, after, paths := compare(c)
	for _, path := range paths {
		parts = append(parts, path+": "+orNothing(before[path])+" → "+orNothing(after[path]))
	}
	if len(parts) == 0 {
		return "changed in what is not compared"
	}
	return strings.Join(parts, ", ")
}

// compare returns the fields of an object that was changed, and the paths of those that differ.
func compare(c sim.Change) (before, after map[string]string, paths []string) {
	none := (&identities{}).known()
	before, after = none.flatten(c.Before), none.flatten(c.After)
	for _, path := range slices.Sorted(maps.Keys(union(before, after))) {
		if before[path] != after[path] {
			paths = append(paths, path)
		}
	}
	return before, after, paths
}

// objectOf is the object that a change is about: its last state, if it is gone.
func objectOf(c sim.Change) *unstructured.Unstructured {
	if c.After == nil {
		return c.Before
	}
	return c.After
}

// union has the keys of both maps.
func union[K comparable, V any](a, b map[K]V) map[K]V {
	out := make(map[K]V, len(a)+len(b))
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}
