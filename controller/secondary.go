package controller

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// source is another kind whose events become keys of the controller's own.
type source struct {
	subscribe func(ctx context.Context, enqueue func(types.NamespacedName, Reason)) (subscription, error)
	resource  schema.GroupVersionResource
}

// subscription is an informer.Subscription of any type.
type subscription interface {
	Synced() []cache.DoneChecker
	Stop() error
}

// Owns makes a change of a child a reason to reconcile its owner: the object of the
// controller's kind that the child's controller owner reference names, by group,
// kind, name and UID, in the child's namespace or cluster-scoped. A reference whose
// UID is not that of the cached owner is ignored. It must be called before Run,
// which runs the informer too.
func Owns[U, T repository.Object, C Context[T]](c *Controller[T, C], children *informer.Informer[U]) {
	Watches(c, children, func(before, after U) []types.NamespacedName {
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
	})
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
	s := source{subscribe: func(ctx context.Context, enqueue func(types.NamespacedName, Reason)) (subscription, error) {
		return in.Subscribe(ctx, secondary[U]{kind: in.Kind(), keys: keys, enqueue: enqueue, trouble: c.trouble})
	}}
	if r, ok := in.Repository().(repository.Resourced); ok {
		s.resource = r.Resource()
	}
	c.sources = append(c.sources, s)
}

// secondary turns the events of another kind into keys.
type secondary[U repository.Object] struct {
	kind    schema.GroupVersionKind
	keys    func(before, after U) []types.NamespacedName
	enqueue func(types.NamespacedName, Reason)
	trouble func(error)
}

func (s secondary[U]) OnAdd(obj U, _ bool) { s.mapped(VerbAdded, *new(U), obj) }

func (s secondary[U]) OnUpdate(before, after U) {
	verb := VerbUpdated
	if rv := after.GetResourceVersion(); rv != "" && rv == before.GetResourceVersion() {
		verb = VerbResync
	}
	s.mapped(verb, before, after)
}

// OnDelete maps the last known state. If there is none, nobody can tell what the
// object belonged to.
func (s secondary[U]) OnDelete(obj cache.DeletedObject[U]) {
	if obj.OptionalObj != *new(U) {
		s.mapped(VerbDeleted, obj.OptionalObj, *new(U))
	}
}

func (s secondary[U]) OnError(err error) { s.trouble(err) }

func (s secondary[U]) mapped(verb Verb, before, after U) {
	subject := after
	if subject == *new(U) {
		subject = before
	}
	defer func() {
		if value := recover(); value != nil {
			s.trouble(kerr.New(kerr.OpMap, s.kind, repository.Key(subject), subject.GetUID(), kerr.Recovered(value)))
		}
	}()
	reason := Reason{Verb: verb, Kind: s.kind.Kind, Key: repository.Key(subject), ResourceVersion: subject.GetResourceVersion()}
	// Each key once: a worker may have taken it between two of them, and would run it
	// a second time.
	for key := range sets.New(s.keys(before, after)...) {
		s.enqueue(key, reason)
	}
}
