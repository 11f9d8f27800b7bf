package controller

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/dependents"
	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/journal"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// source is another kind whose events become keys of the controller's own.
type source interface { //nolint:interfacebloat // all that a controller does with an informer of any type
	subscribe(context.Context, hub) (subscription, error)
	keep(ctx context.Context, onError func(error)) (subscription, error)
	resource() schema.GroupVersionResource
	// informer returns the informer, and whether what attempts read from it counts.
	informer() (in any, referenced bool)
	kind() schema.GroupVersionKind
	// readers returns the keys whose last attempts read an object by name or in a list, see readers.
	readers(h hub, obj journal.Object) []types.NamespacedName
}

// sourceOf is a source: one informer, and all that was asked of it. An event goes
// through all mappings at once, so that a key that several name has one reason.
type sourceOf[U repository.Object] struct {
	in   *informer.Informer[U]
	maps []mapping[U]
}

// mapping leads from an event to keys. If filter is not empty, updates count only if
// one of its predicates holds.
type mapping[U repository.Object] struct {
	of     string       // the exported function that it was given to
	ours   bool         // keys is code of this package
	reads  bool         // it needs to know what attempts read
	weight queue.Weight // of a change
	keys   func(h hub, before, after U) []types.NamespacedName
	filter []informer.Predicate[U]
}

func (s *sourceOf[U]) subscribe(ctx context.Context, h hub) (subscription, error) {
	return s.in.SubscribeFresh(ctx, secondary[U]{hub: h, kind: s.in.Kind(), maps: s.maps})
}

func (s *sourceOf[U]) keep(ctx context.Context, onError func(error)) (subscription, error) {
	return s.in.Keep(ctx, onError)
}

func (s *sourceOf[U]) informer() (any, bool) {
	return s.in, slices.ContainsFunc(s.maps, func(m mapping[U]) bool { return m.reads })
}

func (s *sourceOf[U]) kind() schema.GroupVersionKind { return s.in.Kind() }

func (s *sourceOf[U]) readers(h hub, obj journal.Object) []types.NamespacedName {
	of, ok := obj.(U)
	if !ok {
		return nil
	}
	return readers(h, s.in, *new(U), of)
}

func (s *sourceOf[U]) resource() schema.GroupVersionResource {
	if r, ok := s.in.Repository().(repository.Resourced); ok {
		return r.Resource()
	}
	return schema.GroupVersionResource{}
}

// hub is the running controller, as the handlers of other kinds see it.
type hub interface {
	add(key types.NamespacedName, reason Reason, weight queue.Weight)
	arrived(ref journal.Ref)
	dependencies(informer any) *dependents.Table
	trouble(err error)
	opened()
}

// subscription is an informer.Subscription of any type.
type subscription interface {
	Synced() []cache.DoneChecker
	Full(namespace string) bool
	Stats() informer.Stats
	Stop() error
}

// Watches reconciles, when an object of another kind changes, the objects whose keys the function
// returns. before is nil for a new object and after is nil for a deleted one; return the keys for
// both, so that the objects that it no longer refers to are reconciled too. The function is
// called by one goroutine, must return quickly and must not change the objects. If it panics, the
// event is lost for this function; the panic is logged and given to Options.Observer. Run runs
// the informer too.
//
// If anyOf has predicates, an update counts only if one of them returns true or panics. Creations
// and deletions always count.
//
// # Errors
//
// [Controller.Run] returns an error if the informer, the function or a predicate is nil. If
// Watches is called after Run or ReleaseAll it has no effect, is logged, and makes the next Run
// return an error. The same informer may be given to Watches several times, with different
// functions, and to other functions too.
func Watches[U, T repository.Object, C Context[T]](c *Controller[T, C], in *informer.Informer[U], keys func(before, after U) []types.NamespacedName, anyOf ...informer.Predicate[U]) {
	m := mapping[U]{weight: queue.Change, filter: anyOf}
	if keys != nil {
		m.keys = func(_ hub, before, after U) []types.NamespacedName { return keys(before, after) }
	}
	listen(c, "Watches", in, m)
}

// secondary turns the events of another kind into keys.
type secondary[U repository.Object] struct {
	hub
	kind schema.GroupVersionKind
	maps []mapping[U]
}

func (s secondary[U]) OnAdd(obj U, first bool) {
	weight := queue.Change
	if first {
		weight = queue.Background
	}
	s.mapped(VerbAdded, *new(U), obj, false, weight)
}

func (s secondary[U]) OnUpdate(before, after U) {
	switch journal.OrderOf(before, after) {
	case journal.Same:
		s.mapped(VerbResync, before, after, false, queue.Background)
	case journal.Rewritten:
		s.mapped(VerbUpdated, before, after, true, queue.Change)
	case journal.Later:
		s.mapped(VerbUpdated, before, after, false, queue.Change)
	}
}

// OnDelete maps the last known state. If there is none, it is not known what the object belonged
// to.
func (s secondary[U]) OnDelete(obj cache.DeletedObject[U]) {
	if obj.OptionalObj != *new(U) {
		s.mapped(VerbDeleted, obj.OptionalObj, *new(U), false, queue.Change)
	}
}

// OnFull implements informer.FullHandler.
func (s secondary[U]) OnFull() { s.opened() }

func (s secondary[U]) OnError(err error) { s.trouble(err) }

func (s secondary[U]) mapped(verb Verb, before, after U, rewritten bool, weight queue.Weight) {
	subject := after
	if subject == *new(U) {
		subject = before
	}
	reason := Reason{Verb: verb, Kind: s.kind.GroupKind(), Key: repository.Key(subject), ResourceVersion: subject.GetResourceVersion()}
	if rewritten {
		reason.ResourceVersion = "" // another state had the number
	}
	// Each key once: a worker may have taken it between two of them, and would run it
	// a second time.
	found := map[types.NamespacedName]queue.Weight{}
	for _, m := range s.maps {
		for _, key := range s.keys(m, verb == VerbUpdated && !rewritten, subject, before, after) {
			found[key] = max(found[key], m.weight)
		}
	}
	for key, most := range found {
		if weight == queue.Background {
			most = weight
		}
		s.add(key, reason, most)
	}
	s.arrived(journal.Ref{Kind: s.kind.GroupKind(), Key: reason.Key})
}

// keys calls a mapping. If it panics, the change is lost for this mapping, and not for others:
// only it knows which keys it meant.
func (s secondary[U]) keys(m mapping[U], filtered bool, subject, before, after U) (found []types.NamespacedName) {
	if filtered && !passes(m.filter, before, after, s.panicked(kerr.OpFilter, subject)) {
		return nil
	}
	if m.ours {
		return m.keys(s.hub, before, after)
	}
	if err := foreign.Call(func() { found = m.keys(s.hub, before, after) }); err != nil {
		s.panicked(kerr.OpMap, subject)(err)
	}
	return found
}

// panicked returns what reports a panic for obj.
func (s secondary[U]) panicked(op kerr.Op, obj U) func(error) {
	return func(err error) { s.trouble(kerr.New(op, s.kind, repository.Key(obj), obj.GetUID(), err)) }
}
