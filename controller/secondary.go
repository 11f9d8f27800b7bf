package controller

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/attempt"
	"github.com/kuberator/kuberator/internal/foreign"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// source is another kind whose events become keys of the controller's own.
type source interface {
	subscribe(context.Context, hub) (subscription, error)
	resource() schema.GroupVersionResource
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
	ours   bool         // keys is code of this package
	weight queue.Weight // of a change
	keys   func(h hub, before, after U) []types.NamespacedName
	filter []informer.Predicate[U]
}

func (s *sourceOf[U]) subscribe(ctx context.Context, h hub) (subscription, error) {
	return s.in.Subscribe(ctx, secondary[U]{hub: h, kind: s.in.Kind(), maps: s.maps})
}

func (s *sourceOf[U]) resource() schema.GroupVersionResource {
	if r, ok := s.in.Repository().(repository.Resourced); ok {
		return r.Resource()
	}
	return schema.GroupVersionResource{}
}

// listen adds a mapping for an informer.
func listen[U, T repository.Object, C Context[T]](c *Controller[T, C], in *informer.Informer[U], m mapping[U]) {
	for _, have := range c.sources {
		if s, ok := have.(*sourceOf[U]); ok && s.in == in {
			s.maps = append(s.maps, m)
			return
		}
	}
	c.caches.add(in.Kind().GroupKind(), typed[U]{in})
	c.sources = append(c.sources, &sourceOf[U]{in: in, maps: []mapping[U]{m}})
}

// hub is the running controller, as the handlers of other kinds see it.
type hub interface {
	add(key types.NamespacedName, reason Reason, weight queue.Weight)
	arrived(ref attempt.Ref)
	dependencies(informer any) *deps
	trouble(err error)
	opened()
}

// subscription is an informer.Subscription of any type.
type subscription interface {
	Synced() []cache.DoneChecker
	Full(namespace string) bool
	Stop() error
}

// Owns makes a change of a child a reason to reconcile its owner: the object of the
// controller's kind that the child's controller owner reference names, by group,
// kind, name and UID, in the child's namespace or cluster-scoped. A reference whose
// UID is not that of the cached owner is ignored. It must be called before Run,
// which runs the informer too.
func Owns[U, T repository.Object, C Context[T]](c *Controller[T, C], children *informer.Informer[U]) {
	listen(c, children, mapping[U]{ours: true, weight: queue.Change, keys: func(_ hub, before, after U) []types.NamespacedName {
		var owners []types.NamespacedName
		for _, child := range []U{before, after} {
			if child == *new(U) {
				continue
			}
			if key, ok := c.ownerOf(child); ok {
				owners = append(owners, key)
			}
		}
		return owners
	}})
}

// ownerOf returns the key of the cached owner of child.
func (c *Controller[T, C]) ownerOf(child metav1.Object) (types.NamespacedName, bool) {
	ref := metav1.GetControllerOfNoCopy(child)
	if ref == nil || ref.Kind != c.repo.Kind().Kind {
		return types.NamespacedName{}, false
	}
	if gv, err := schema.ParseGroupVersion(ref.APIVersion); err != nil || gv.Group != c.repo.Kind().Group {
		return types.NamespacedName{}, false
	}
	for _, namespace := range []string{child.GetNamespace(), metav1.NamespaceNone} {
		key := types.NamespacedName{Namespace: namespace, Name: ref.Name}
		if owner, ok := c.informer.View(key); ok && owner.GetUID() == ref.UID {
			return key, true
		}
	}
	return types.NamespacedName{}, false
}

// Watches makes a change of an object of another kind a reason to reconcile the
// keys that the function returns for it. before is nil for a new object and after
// for a deleted one; returning the keys of both reconciles what an object left as
// well as what it joined. The function is called by one goroutine, must not block
// and must not change the objects. If it panics the change is lost and reported. It
// must be called before Run, which runs the informer too.
func Watches[U, T repository.Object, C Context[T]](c *Controller[T, C], in *informer.Informer[U], keys func(before, after U) []types.NamespacedName) {
	listen(c, in, mapping[U]{weight: queue.Change, keys: func(_ hub, before, after U) []types.NamespacedName { return keys(before, after) }})
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
	switch attempt.OrderOf(before, after) {
	case attempt.Same:
		s.mapped(VerbResync, before, after, false, queue.Background)
	case attempt.Rewritten:
		s.mapped(VerbUpdated, before, after, true, queue.Change)
	case attempt.Later:
		s.mapped(VerbUpdated, before, after, false, queue.Change)
	}
}

// OnDelete maps the last known state. If there is none, nobody can tell what the
// object belonged to.
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
	s.arrived(attempt.Ref{Kind: s.kind.GroupKind(), Key: reason.Key})
}

// keys asks a mapping, whose panic loses the change for it, and for nobody else: only
// it knows which keys it meant.
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
