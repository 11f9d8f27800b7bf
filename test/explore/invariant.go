package explore

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/test/sim"
)

// Invariant is something that must hold at every instant, also in the middle of a recovery.
type Invariant struct {
	// Name says in reports what must hold.
	Name string
	// Check returns an error if it does not hold after e. It must not call the server, which
	// is locked meanwhile.
	Check func(v *View, e Event) error
}

// Event is a change in the cluster that has just taken effect, or, if Change is nil, a call of an
// external system.
type Event struct {
	Change  *sim.Change
	Process string // whose doing it is; "user" for the script

	System, Op, Key string // of a call of an external system
}

// View gives access to the objects in the cluster.
type View struct {
	history *history
	primary schema.GroupResource
}

// Object returns the object of T of a namespace/name, or of a name in "default" or without
// namespace; nil if there is none. It is shared, and must not be changed.
func (v *View) Object(name string) *unstructured.Unstructured {
	return v.Get(v.primary.String(), name)
}

// Get returns the object of a resource ("configmaps", "deployments.apps") and of a
// namespace/name, or of a name in "default" or without namespace; nil if there is none. It
// is shared, and must not be changed.
func (v *View) Get(resource, name string) *unstructured.Unstructured {
	v.history.mu.Lock()
	defer v.history.mu.Unlock()
	gr := schema.ParseGroupResource(resource)
	if namespace, of, ok := strings.Cut(name, "/"); ok {
		return v.history.objects[ref{gr, types.NamespacedName{Namespace: namespace, Name: of}}]
	}
	if o := v.history.objects[ref{gr, types.NamespacedName{Name: name}}]; o != nil {
		return o
	}
	return v.history.objects[ref{gr, types.NamespacedName{Namespace: "default", Name: name}}]
}

// List returns the objects of a resource. They are shared, and must not be changed.
func (v *View) List(resource string) []*unstructured.Unstructured {
	v.history.mu.Lock()
	defer v.history.mu.Unlock()
	var out []*unstructured.Unstructured
	for r, o := range v.history.objects {
		if r.resource.String() == resource {
			out = append(out, o)
		}
	}
	return out
}

// FinalizerBeforeExternal holds if calls of an external system are made while the object of T
// that they are for exists and carries a finalizer: so that nothing is left in the system
// when the object goes. Without ops it is about all calls, otherwise about those: the ones
// that make something.
func FinalizerBeforeExternal(system string, ops ...string) Invariant {
	return Invariant{
		Name: "nothing is made in " + system + " for an object without a finalizer",
		Check: func(v *View, e Event) error {
			if e.System != system || len(ops) > 0 && !slices.Contains(ops, e.Op) {
				return nil
			}
			switch o := v.Object(e.Key); {
			case o == nil:
				return fmt.Errorf("%s %s: there is no such object", e.Op, e.Key)
			case len(o.GetFinalizers()) == 0:
				return fmt.Errorf("%s %s: the object has no finalizer", e.Op, e.Key)
			}
			return nil
		},
	}
}

// always are the invariants of every operator.
func (w *world) always() []Invariant {
	return []Invariant{{
		Name: "a process removes no finalizer that no process has added",
		Check: func(_ *View, e Event) error {
			c := e.Change
			if c == nil || c.Before == nil || !isProcess(e.Process) {
				return nil
			}
			var after []string
			if c.After != nil { // else it is gone, since the last finalizer was removed
				after = c.After.GetFinalizers()
			}
			for _, f := range c.Before.GetFinalizers() {
				if !slices.Contains(after, f) && !w.history.added(c.Before.GetUID(), f) {
					return fmt.Errorf("%s of %s %s removes %q", c.Verb, c.Resource.Resource, c.Key, f)
				}
			}
			return nil
		},
	}}
}

// added reports whether a process has added a finalizer to an object.
func (h *history) added(uid types.UID, finalizer string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.changes {
		if !isProcess(c.Session) || c.After == nil || c.After.GetUID() != uid || !slices.Contains(c.After.GetFinalizers(), finalizer) {
			continue
		}
		if c.Before == nil || !slices.Contains(c.Before.GetFinalizers(), finalizer) {
			return true
		}
	}
	return false
}

// holds checks what must hold after an event.
func (w *world) holds(e Event) {
	view := &View{history: w.history, primary: w.primary}
	for _, invariant := range append(w.always(), w.suite.invariants...) {
		if err := invariant.Check(view, e); err != nil {
			w.fail("not true any more: %s: %v (by %s)", invariant.Name, err, e.Process)
		}
	}
}
