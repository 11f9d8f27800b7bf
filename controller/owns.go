package controller

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/internal/queue"
	"github.com/kuberator/kuberator/repository"
)

// Owns makes a change of a child a reason to reconcile its owner: the object of the controller's
// kind that the controller owner reference of the child (controller: true) names by group, kind,
// name and UID, in the namespace of the child or cluster-scoped. A reference whose UID is not
// that of the cached owner is ignored. Run runs the informer too.
//
// Take it for children: it does not depend on whether Apply read them. An object that is somebody
// else's, and one that Apply looked for and that does not exist, are for [References]; the same
// informer may be given to both.
//
// If anyOf has predicates, an update counts only if one of them returns true or panics. Creations
// and deletions always count. If the owner of a child changes, both owners are reconciled.
//
// # Errors
//
// [Controller.Run] returns an error if the informer or a predicate is nil, or if the informer was
// given to Owns before. If Owns is called after Run or ReleaseAll it has no effect, is logged,
// and makes the next Run return an error. The same informer may be given to other functions too.
func Owns[U, T repository.Object, C Context[T]](c *Controller[T, C], children *informer.Informer[U], anyOf ...informer.Predicate[U]) {
	owns(c, "Owns", children, anyOf, func(ref *metav1.OwnerReference) bool { return ref.Controller != nil && *ref.Controller })
}

// OwnsShared is [Owns] for children that have several owners: all owner references count, not
// only the one with controller: true. A change of a child is a reason to reconcile every object
// of the controller's kind that its owner references name. The errors are those of Owns.
func OwnsShared[U, T repository.Object, C Context[T]](c *Controller[T, C], children *informer.Informer[U], anyOf ...informer.Predicate[U]) {
	owns(c, "OwnsShared", children, anyOf, func(*metav1.OwnerReference) bool { return true })
}

func owns[U, T repository.Object, C Context[T]](c *Controller[T, C], function string, children *informer.Informer[U], anyOf []informer.Predicate[U], counts func(*metav1.OwnerReference) bool) {
	listen(c, function, children, mapping[U]{ours: true, weight: queue.Change, filter: anyOf, keys: func(_ hub, before, after U) []types.NamespacedName {
		var owners []types.NamespacedName
		for _, child := range []U{before, after} {
			if child == *new(U) {
				continue
			}
			refs := child.GetOwnerReferences()
			for n := range refs {
				if !counts(&refs[n]) {
					continue
				}
				if key, ok := c.ownerOf(child.GetNamespace(), &refs[n]); ok {
					owners = append(owners, key)
				}
			}
		}
		return owners
	}})
}

// ownerOf returns the key of the cached owner that a child in the namespace refers to.
func (c *Controller[T, C]) ownerOf(namespace string, ref *metav1.OwnerReference) (types.NamespacedName, bool) {
	if ref.Kind != c.repo.Kind().Kind {
		return types.NamespacedName{}, false
	}
	if gv, err := schema.ParseGroupVersion(ref.APIVersion); err != nil || gv.Group != c.repo.Kind().Group {
		return types.NamespacedName{}, false
	}
	for _, namespace := range []string{namespace, metav1.NamespaceNone} {
		key := types.NamespacedName{Namespace: namespace, Name: ref.Name}
		if owner, ok := c.informer.View(key); ok && owner.GetUID() == ref.UID {
			return key, true
		}
	}
	return types.NamespacedName{}, false
}
