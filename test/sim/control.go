package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// controllers are the two of kube-controller-manager without which deletions do not end:
// the garbage collector and the one that empties namespaces. They look at the whole state
// whenever something happened that could concern them, until there is nothing to do.
type controllers struct {
	server *Server
	gc     *Session // nil: off
	spaces *Session
	poke   chan struct{}
}

// reaction is how long it takes the controllers to notice something: code that expects them at
// once is wrong.
const reaction = 100 * time.Millisecond

func (s *Server) newControllers() *controllers {
	c := &controllers{server: s, poke: make(chan struct{}, 1)}
	if s.opts.GarbageCollection {
		c.gc = s.Session("garbage-collector")
	}
	if s.opts.NamespaceDeletion {
		c.spaces = s.Session("namespace-controller")
	}
	return c
}

// noticed is called after each change.
func (c *controllers) noticed(before, after *record) {
	if c == nil {
		return
	}
	o := after.view()
	if before == nil && len(o.GetOwnerReferences()) == 0 {
		return
	}
	if before != nil && o.GetDeletionTimestamp() == nil && len(o.GetOwnerReferences()) == 0 && c.server.store.exists(after) {
		return
	}
	c.wake()
}

// wake has the controllers look at everything.
func (c *controllers) wake() {
	if c == nil {
		return
	}
	select {
	case c.poke <- struct{}{}:
	default:
	}
}

func (c *controllers) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.poke:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(reaction):
		}
		for c.once() {
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// once looks at everything, and reports whether it has changed something.
func (c *controllers) once() (changed bool) {
	all := c.everything()
	if c.gc != nil {
		for _, o := range all {
			changed = c.collect(all, o) || changed
			changed = c.letGo(all, o) || changed
		}
	}
	if c.spaces != nil {
		for _, o := range all {
			changed = c.empty(all, o) || changed
		}
	}
	return changed
}

// item is an object with its kind.
type item struct {
	*unstructured.Unstructured
	resource *resource
	key      types.NamespacedName
}

func (c *controllers) everything() (all []item) {
	seen := map[schema.GroupResource]bool{}
	for _, r := range c.server.served() {
		if seen[r.gr()] {
			continue
		}
		seen[r.gr()] = true
		keys, records, _, _ := c.server.store.list(r.gr(), newest)
		for i, rec := range records {
			all = append(all, item{rec.view(), r, keys[i]})
		}
	}
	return all
}

// collect deletes an object whose owners are gone, or waiting for it to go; if some are
// still there it loses the references to the others.
func (c *controllers) collect(all []item, o item) bool {
	var kept []metav1.OwnerReference
	waited := false
	for _, ref := range o.GetOwnerReferences() {
		owner, known := c.owner(all, o, ref)
		switch {
		case known && owner == nil:
		case owner != nil && owner.GetDeletionTimestamp() != nil && slices.Contains(owner.GetFinalizers(), metav1.FinalizerDeleteDependents):
			waited = true
		default:
			kept = append(kept, ref)
		}
	}
	switch {
	case len(kept) == len(o.GetOwnerReferences()):
		return false
	case len(kept) > 0:
		return c.update(c.gc, o, func(o *unstructured.Unstructured) { setOwners(o, kept) })
	case o.GetDeletionTimestamp() != nil:
		return false
	}
	policy := metav1.DeletePropagationBackground
	if waited && len(dependents(all, o)) > 0 {
		policy = metav1.DeletePropagationForeground
	}
	return c.delete(c.gc, o, &metav1.DeleteOptions{PropagationPolicy: &policy, Preconditions: &metav1.Preconditions{UID: new(o.GetUID())}})
}

// owner finds what a reference means. It is unknown if its kind is not served.
func (c *controllers) owner(all []item, o item, ref metav1.OwnerReference) (owner *item, known bool) {
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err != nil {
		return nil, false
	}
	for _, r := range c.server.served() {
		known = known || r.gvk == gv.WithKind(ref.Kind)
	}
	for i := range all {
		if all[i].GetUID() == ref.UID && (all[i].key.Namespace == "" || all[i].key.Namespace == o.key.Namespace) {
			return &all[i], true
		}
	}
	return nil, known
}

func setOwners(o *unstructured.Unstructured, owners []metav1.OwnerReference) {
	if o.SetOwnerReferences(owners); len(owners) == 0 {
		unstructured.RemoveNestedField(o.Object, "metadata", "ownerReferences")
	}
}

func dependents(all []item, o item) (out []item) {
	for _, other := range all {
		if slices.ContainsFunc(other.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == o.GetUID() }) {
			out = append(out, other)
		}
	}
	return out
}

// letGo removes the finalizers of the garbage collector when their work is done.
func (c *controllers) letGo(all []item, o item) (changed bool) {
	if o.GetDeletionTimestamp() == nil {
		return false
	}
	below := dependents(all, o)
	switch finalizers := o.GetFinalizers(); {
	case slices.Contains(finalizers, metav1.FinalizerOrphanDependents):
		for _, d := range below {
			c.update(c.gc, d, func(d *unstructured.Unstructured) {
				setOwners(d, slices.DeleteFunc(d.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == o.GetUID() }))
			})
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

// empty deletes what is in a deleted namespace, and lets the namespace go after it.
func (c *controllers) empty(all []item, o item) (changed bool) {
	if o.resource != builtins()["namespaces"] || o.GetDeletionTimestamp() == nil {
		return false
	}
	left := false
	for _, other := range all {
		if other.key.Namespace != o.GetName() {
			continue
		}
		left = true
		if other.GetDeletionTimestamp() == nil {
			changed = c.delete(c.spaces, other, noOptions) || changed
		}
	}
	if left {
		return changed
	}
	return c.update(c.spaces, o, func(o *unstructured.Unstructured) { o.Object["spec"] = map[string]any{} })
}

var noOptions = &metav1.DeleteOptions{}

func (c *controllers) delete(as *Session, o item, options *metav1.DeleteOptions) bool {
	_, _, err := c.server.remove(&write{session: as, resource: o.resource, verb: "delete", key: o.key}, options)
	return c.succeeded(err)
}

func (c *controllers) update(as *Session, o item, how func(*unstructured.Unstructured)) bool {
	w := &write{session: as, resource: o.resource, verb: "update", subresource: "finalize", key: o.key, manager: as.name}
	_, _, err := c.server.modify(w, false, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if current.GetUID() != o.GetUID() {
			return nil, w.notFound()
		}
		next := current.DeepCopy()
		how(next)
		return next, nil
	})
	return c.succeeded(err)
}

// succeeded: what is gone or has changed meanwhile is looked at again. Nothing else fails.
func (c *controllers) succeeded(err error) bool {
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		panic(fmt.Sprintf("simulated API server: its own controllers: %v", err)) //nolint:forbidigo // a defect, in a goroutine of its own
	}
	return err == nil
}

func without(list []string, item string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(other string) bool { return other == item })
}

// exists reports whether a state is the current one of its object.
func (s *store) exists(rec *record) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, t := range s.tables {
		if o := rec.view(); t.objects[keyOf(o.GetNamespace(), o.GetName())] == rec {
			return true
		}
	}
	return false
}
