package sim

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
)

// absent remembers objects that are gone, as the garbage collector of kube-controller-manager does: their
// dependents are collected even if their kind is not served any more, since its CustomResourceDefinition went too.
type absent struct{ gone *lru.Cache }

// identity is what a reference says of an owner.
type identity struct {
	apiVersion, kind, namespace, name string
	uid                               types.UID
}

// newAbsent returns one that remembers as many objects as can go before the collector looks.
func newAbsent() *absent { return &absent{lru.New(1 << 14)} }

func (a *absent) add(o *unstructured.Unstructured) {
	a.gone.Add(identity{o.GetAPIVersion(), o.GetKind(), o.GetNamespace(), o.GetName(), o.GetUID()}, nil)
}

// has reports whether the owner is gone that an object in a namespace refers to: one there, or one in no namespace.
func (a *absent) has(ref metav1.OwnerReference, namespace string) bool {
	owner := identity{ref.APIVersion, ref.Kind, namespace, ref.Name, ref.UID}
	if _, found := a.gone.Get(owner); found {
		return true
	}
	owner.namespace = ""
	_, found := a.gone.Get(owner)
	return found
}
