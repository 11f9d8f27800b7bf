package repository

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// SetController adds an owner reference to child that makes owner, an object of kind, its
// controller: the garbage collector deletes child with owner, and controller.Owns maps child to
// owner. It changes child in memory only.
//
// It returns an error for an owner reference for which the garbage collector would delete the
// child: of an owner in another namespace, of a namespaced owner with a cluster-scoped child, and
// of an owner without a UID; and for a child that has another controller. Setting the same
// controller twice changes nothing.
func SetController(owner metav1.Object, kind schema.GroupVersionKind, child metav1.Object) error {
	refuse := func(why string) error {
		return fmt.Errorf("make %s %s the controller of %s: %s", kind.Kind, Key(owner), Key(child), why)
	}
	switch {
	case owner.GetUID() == "":
		return refuse("the owner has no UID: read it from the API server first")
	case owner.GetNamespace() != "" && owner.GetNamespace() != child.GetNamespace():
		return refuse("an owner must be cluster-scoped or in the namespace of its child")
	}
	if is := metav1.GetControllerOf(child); is != nil {
		if is.UID == owner.GetUID() {
			return nil
		}
		return refuse(fmt.Sprintf("it is controlled by %s %s", is.Kind, is.Name))
	}
	child.SetOwnerReferences(append(child.GetOwnerReferences(), *metav1.NewControllerRef(owner, kind)))
	return nil
}
