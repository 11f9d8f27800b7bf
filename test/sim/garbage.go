package sim

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// owners are what the references of an object lead to.
type owners struct {
	solid   int         // how many are there and stay
	waiting int         // how many wait for their dependents to go
	others  []types.UID // those that wait and those that are gone
}

// collect deletes an object whose owners are gone, or waiting for it to go; if some are
// still there it loses the references to the others.
func (c *controllers) collect(all *world, o item) bool {
	if len(o.GetOwnerReferences()) == 0 || o.GetDeletionTimestamp() != nil {
		return false
	}
	found, known := c.owners(all, o)
	switch {
	case !known || found.solid > 0 && len(found.others) == 0:
		return false
	case found.solid > 0:
		return c.update(c.gc, o, func(o *unstructured.Unstructured) { dropOwners(o, found.others...) })
	}
	below, policy := all.below[o.GetUID()], metav1.DeletePropagationBackground
	switch finalizers := o.GetFinalizers(); {
	case found.waiting > 0 && len(below) > 0:
		policy = metav1.DeletePropagationForeground
		if slices.ContainsFunc(below, waits) { // for this one, it could be, which would then wait for ever
			c.update(c.gc, o, unblockOwners)
		}
	case slices.Contains(finalizers, metav1.FinalizerOrphanDependents):
		policy = metav1.DeletePropagationOrphan
	case slices.Contains(finalizers, metav1.FinalizerDeleteDependents):
		policy = metav1.DeletePropagationForeground
	}
	return c.delete(c.gc, o, &metav1.DeleteOptions{PropagationPolicy: &policy, Preconditions: &metav1.Preconditions{UID: new(o.GetUID())}})
}

// waits reports whether a deleted object waits for its dependents to go.
func waits(o item) bool {
	return o.GetDeletionTimestamp() != nil && slices.Contains(o.GetFinalizers(), metav1.FinalizerDeleteDependents)
}

// owners looks for the owners of an object. They are unknown if a reference has a kind that is not
// served, unless the collector has seen the owner go, or one in a namespace while the object is in none.
func (c *controllers) owners(all *world, o item) (found owners, known bool) {
	for _, ref := range o.GetOwnerReferences() {
		kind := c.kindOf(ref)
		if kind == nil && c.absent.has(ref, o.key.Namespace) {
			found.others = append(found.others, ref.UID)
			continue
		}
		if kind == nil || kind.namespaced && o.key.Namespace == "" {
			return owners{}, false
		}
		key := types.NamespacedName{Name: ref.Name}
		if kind.namespaced {
			key.Namespace = o.key.Namespace
		}
		owner, is := all.byUID[ref.UID]
		switch {
		case !is || owner.resource.gr() != kind.gr() || owner.key != key:
			found.others = append(found.others, ref.UID)
		case waits(owner):
			found.waiting++
			found.others = append(found.others, ref.UID)
		default:
			found.solid++
		}
	}
	return found, true
}

// kindOf is the kind that a reference names, nil if it is not served.
func (c *controllers) kindOf(ref metav1.OwnerReference) *resource {
	for _, r := range c.server.served() {
		if groupVersion(r.gvk) == ref.APIVersion && r.gvk.Kind == ref.Kind {
			return r
		}
	}
	return nil
}

// dropOwners removes all references to some owners.
func dropOwners(o *unstructured.Unstructured, owners ...types.UID) {
	kept := slices.DeleteFunc(o.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return slices.Contains(owners, ref.UID) })
	if o.SetOwnerReferences(kept); len(kept) == 0 {
		unstructured.RemoveNestedField(o.Object, "metadata", "ownerReferences")
	}
}

// unblockOwners lets all owners of an object go before it.
func unblockOwners(o *unstructured.Unstructured) {
	refs := o.GetOwnerReferences()
	for i := range refs {
		if block := refs[i].BlockOwnerDeletion; block != nil && *block {
			refs[i].BlockOwnerDeletion = new(false)
		}
	}
	o.SetOwnerReferences(refs)
}

// letGo removes the finalizers of the garbage collector when their work is done.
func (c *controllers) letGo(all *world, o item) (changed bool) {
	if o.GetDeletionTimestamp() == nil {
		return false
	}
	below := all.below[o.GetUID()]
	switch finalizers := o.GetFinalizers(); {
	case slices.Contains(finalizers, metav1.FinalizerOrphanDependents):
		for _, d := range below {
			c.update(c.gc, d, func(d *unstructured.Unstructured) { dropOwners(d, o.GetUID()) })
		}
		return c.update(c.gc, o, func(o *unstructured.Unstructured) {
			o.SetFinalizers(without(o.GetFinalizers(), metav1.FinalizerOrphanDependents))
		})
	case slices.Contains(finalizers, metav1.FinalizerDeleteDependents):
		for _, d := range below {
			for _, ref := range d.GetOwnerReferences() {
				if ref.UID == o.GetUID() && ref.BlockOwnerDeletion != nil && *ref.BlockOwnerDeletion {
					return false
				}
			}
		}
		return c.update(c.gc, o, func(o *unstructured.Unstructured) {
			o.SetFinalizers(without(o.GetFinalizers(), metav1.FinalizerDeleteDependents))
		})
	}
	return false
}
