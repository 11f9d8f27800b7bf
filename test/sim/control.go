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
	absent *absent
}

// reaction is how long it takes the controllers to notice something: code that expects them at
// once is wrong.
const reaction = 100 * time.Millisecond

func (s *Server) newControllers() *controllers {
	c := &controllers{server: s, poke: make(chan struct{}, 1), absent: newAbsent()}
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
	gone := before != nil && !c.server.store.exists(after)
	if gone && c.gc != nil {
		c.absent.add(o)
	}
	deleting := before != nil && o.GetDeletionTimestamp() != nil
	if gone || deleting || len(o.GetOwnerReferences()) > 0 {
		c.wake()
	}
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
		for _, o := range all.items {
			changed = c.collect(all, o) || changed
			changed = c.letGo(all, o) || changed
		}
	}
	if c.spaces != nil {
		for _, o := range all.items {
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

// world is all objects, and who owns whom.
type world struct {
	items []item
	byUID map[types.UID]item
	below map[types.UID][]item // the dependents of each uid
}

func (c *controllers) everything() *world {
	all := &world{byUID: map[types.UID]item{}, below: map[types.UID][]item{}}
	seen := map[schema.GroupResource]bool{}
	for _, r := range c.server.served() {
		if seen[r.gr()] {
			continue
		}
		seen[r.gr()] = true
		keys, records, _, _ := c.server.store.list(r.gr(), newest)
		for i, rec := range records {
			all.add(item{rec.view(), r, keys[i]})
		}
	}
	return all
}

func (e *world) add(o item) {
	e.items = append(e.items, o)
	e.byUID[o.GetUID()] = o
	var owners []types.UID
	for _, ref := range o.GetOwnerReferences() {
		if !slices.Contains(owners, ref.UID) {
			owners = append(owners, ref.UID)
			e.below[ref.UID] = append(e.below[ref.UID], o)
		}
	}
}

// empty deletes what is in a deleted namespace, and lets the namespace go after it.
func (c *controllers) empty(all *world, o item) (changed bool) {
	if o.resource != builtins()["namespaces"] || o.GetDeletionTimestamp() == nil {
		return false
	}
	left := false
	for _, other := range all.items {
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
