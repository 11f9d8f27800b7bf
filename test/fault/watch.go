package fault

import (
	"encoding/json"
	"math"
	"strconv"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Watches are the watches of one resource that go through an Injector, now and later. What
// they show can be held back, and they can be broken off. It is safe for concurrent use.
//
// To be read event by event, all watches that go through an Injector are in JSON, whatever
// the client asked for.
type Watches struct{ gate *gate }

// Watches returns the watches of a resource, in all namespaces: "configmaps",
// "deployments.apps". Nothing happens to them until a method says so.
func (i *Injector) Watches(resource string) Watches {
	return Watches{i.gate(schema.ParseGroupResource(resource))}
}

// Hold stops the watches: nothing comes any more, neither events and bookmarks nor the
// stream's end. It is held back here, so reads show the newest state; for a client that sees
// the past, see [Injector.TimeTravel].
func (w Watches) Hold() { w.gate.change(func(g *gate) { g.held = true }) }

// ReleaseTo lets watches show what happened up to a resourceVersion (see [RV]), bookmarks
// too, and nothing from the first event on that came after it.
func (w Watches) ReleaseTo(rv uint64) {
	w.gate.change(func(g *gate) { g.held, g.limit = false, rv })
}

// Release ends Hold, ReleaseTo and [Injector.TimeTravel]: all that was held back is shown.
func (w Watches) Release() {
	w.gate.change(func(g *gate) { g.held, g.limit, g.travels = false, newest, false })
}

// Close ends the watches that are open, as a server does with its timeout. What is held back
// is not shown.
func (w Watches) Close() { w.gate.end(nil) }

// Gone ends the watches that are open with 410 Expired, as a server does that does not
// remember what comes next: clients list again. What is held back is not shown.
func (w Watches) Gone() {
	status := apierrors.NewResourceExpired("The resourceVersion for the provided watch is too old.").Status()
	status.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	event, _ := json.Marshal(map[string]any{"type": "ERROR", "object": status}) // numbers and texts
	w.gate.end(append(event, '\n'))
}

// RV returns an object's resourceVersion as a number, for [Watches.ReleaseTo] and
// [Injector.TimeTravel]. It is 0, before everything, if the object has none.
func RV(object metav1.Object) uint64 { return number(object.GetResourceVersion()) }

// newest is after all resourceVersions.
const newest uint64 = math.MaxUint64

func number(rv string) uint64 {
	n, err := strconv.ParseUint(rv, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// gate is what the events of one resource have to pass.
type gate struct {
	mu      sync.Mutex
	held    bool
	limit   uint64
	travels bool                 // lists too are at limit
	changed chan struct{}        // closed at the next change; nil if no goroutine waits for it
	open    map[*stream]struct{} // nil: there never was one
	touched bool                 // by the user
}

func (i *Injector) gate(resource schema.GroupResource) *gate {
	i.mu.Lock()
	defer i.mu.Unlock()
	g := i.gates[resource]
	if g == nil {
		g = &gate{limit: newest}
		i.gates[resource] = g
	}
	return g
}

func (g *gate) change(how func(*gate)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.touched = true
	how(g)
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}

// admits reports whether an event may pass; if not, changed is closed when to ask again. What
// has no resourceVersion, an ERROR or the end of the stream, is not of the future.
func (g *gate) admits(rv uint64) (ok bool, changed <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.held && rv <= g.limit {
		return true, nil
	}
	if g.changed == nil {
		g.changed = make(chan struct{}) // in the bubble of who waits
	}
	return false, g.changed
}

// end ends the open streams, with a last event or without.
func (g *gate) end(event []byte) {
	g.mu.Lock()
	g.touched = true
	open := make([]*stream, 0, len(g.open))
	for s := range g.open {
		open = append(open, s)
	}
	g.mu.Unlock()
	for _, s := range open {
		s.end(event)
	}
}

func (g *gate) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.touched && g.open == nil
}

// past returns the resourceVersion at which clients are; ok is false if it is the present.
func (g *gate) past() (rv uint64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.limit, g.travels
}
