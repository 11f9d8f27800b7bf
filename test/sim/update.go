package sim

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// update serves PUT.
func (s *Server) update(r *request) (*http.Response, error) {
	w, err := r.options()
	if err != nil {
		return nil, err
	}
	object, err := r.object(w)
	if err != nil {
		return nil, err
	}
	sent := &unstructured.Unstructured{Object: object}
	if err := w.adopt(sent); err != nil {
		return nil, err
	}
	if err := w.checkName(sent); err != nil {
		return nil, err
	}
	uid, again := sent.GetUID(), false
	rec, code, err := s.modify(w, w.upserts(), func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		var is types.UID
		if current != nil {
			is = current.GetUID()
		}
		if uid != "" && uid != is {
			return nil, w.otherUID(uid, is)
		}
		next := sent
		if again {
			next = &unstructured.Unstructured{Object: nil}
			if next.Object, err = r.object(w); err != nil {
				return nil, err
			}
			if err := w.adopt(next); err != nil {
				return nil, err
			}
		}
		again = true // what is sent becomes the next state, once
		return next, w.resource.managed.updated(w, current, next)
	})
	if err != nil {
		return nil, err
	}
	return r.answer(code, rec)
}

// upserts reports whether an update creates what is not there: that of the status of a Service
// does too.
func (w *write) upserts() bool {
	return w.resource.upsert && (w.subresource == "" || w.subresource == "status")
}

// checkName refuses an object with another name than the URL's.
func (w *write) checkName(o *unstructured.Unstructured) error {
	switch o.GetName() {
	case w.key.Name:
		return nil
	case "":
		return apierrors.NewBadRequest("the name of the object (" + w.key.Name + " based on URL) was undeterminable: name must be provided")
	}
	return apierrors.NewBadRequest("the name of the object (" + o.GetName() + ") does not match the name on the URL (" + w.key.Name + ")")
}

// modify replaces an object by what change makes of its current state, which it must not change.
// change is called again if another client was faster. If there is no object, and create allows
// it, change makes one of nil.
func (s *Server) modify(w *write, create bool, change func(current *unstructured.Unstructured) (*unstructured.Unstructured, error)) (*record, int, error) {
	for {
		read := s.store.get(w.resource.gr(), w.key)
		var current *unstructured.Unstructured
		switch {
		case read != nil:
			current, _ = w.resource.view(read)
		case !create:
			return nil, 0, w.notFound()
		}
		next, err := change(current)
		if err != nil {
			return nil, 0, err
		}
		if read == nil {
			if _, err := rvOf(next); err != nil {
				return nil, 0, err
			}
			rec, err := s.insert(w, next)
			if apierrors.IsAlreadyExists(err) {
				continue
			}
			return rec, http.StatusCreated, err
		}
		rec, done, err := s.replace(w, read, next)
		if done || err != nil {
			return rec, http.StatusOK, err
		}
	}
}

// replace commits the next state of an object, if it is a change. done is false if the
// object has changed meanwhile.
func (s *Server) replace(w *write, read *record, next *unstructured.Unstructured) (rec *record, done bool, err error) {
	current, settled := w.resource.view(read)
	if err := w.checkVersion(next, current); err != nil {
		return nil, false, err
	}
	w.keepMeta(next, current)
	w.split(next, current)
	if change := w.resource.rules.change; change != nil && w.subresource == "" {
		if err := w.invalid(next, change(next.Object, current.Object, w.dryRun)); err != nil {
			return nil, false, err
		}
	}
	w.count(next, current)
	next.SetResourceVersion(current.GetResourceVersion())
	if err := w.validate(next, current); err != nil {
		return nil, false, err
	}
	if err := s.admit(w, next); err != nil {
		return nil, false, err
	}
	unstructured.RemoveNestedField(next.Object, "metadata", "selfLink")
	keepTimes(next.Object, current.Object)
	if current.GetDeletionTimestamp() != nil && !w.held(next) {
		return s.finish(w, read, next)
	}
	if settled && equal(next.Object, current.Object) {
		return read, true, nil
	}
	rec, done, err = w.commit(s, read, next.Object)
	if err != nil || !done {
		return nil, false, err
	}
	s.committed(w, read, rec)
	return rec, true, nil
}

// finish removes an object that nothing holds any more. The answer is what was asked for, at
// the resourceVersion of before; the event is the last state that was stored.
func (s *Server) finish(w *write, read *record, next *unstructured.Unstructured) (rec *record, done bool, err error) {
	rec, done, err = w.commit(s, read, nil)
	if err != nil || !done {
		return nil, false, err
	}
	s.committed(w, read, rec)
	return &record{object: next.Object, raw: appendObject(nil, next.Object, isTypeMeta), rv: read.rv, schema: read.schema}, true, nil
}

// checkVersion is optimistic locking.
func (w *write) checkVersion(next, current *unstructured.Unstructured) error {
	if next.GetResourceVersion() == current.GetResourceVersion() {
		return nil
	}
	switch rv, err := rvOf(next); {
	case err != nil:
		return err
	case rv != 0:
		return w.conflict("the object has been modified; please apply your changes to the latest version and try again")
	case w.resource.needsRV: // the error has no field for a resource, which is named as a kind
		return apierrors.NewInvalid(schema.GroupKind{Group: w.resource.gvk.Group, Kind: w.resource.plural}, w.key.Name, field.ErrorList{
			field.Invalid(field.NewPath("metadata", "resourceVersion"), rv, "must be specified for an update"),
		})
	}
	return nil
}

// rvOf is the resourceVersion that an object says it has, 0 if it says none.
func rvOf(o *unstructured.Unstructured) (uint64, error) {
	if text := o.GetResourceVersion(); text != "" {
		return strconv.ParseUint(text, 10, 64)
	}
	return 0, nil
}

// keepMeta sets what an update cannot change, where it does not say it.
func (w *write) keepMeta(next, current *unstructured.Unstructured) {
	next.SetGeneration(current.GetGeneration())
	if current.GetGeneration() == 0 {
		unstructured.RemoveNestedField(next.Object, "metadata", "generation")
	}
	if next.GetUID() == "" {
		next.SetUID(current.GetUID())
	}
	next.SetCreationTimestamp(current.GetCreationTimestamp())
	if at := current.GetDeletionTimestamp(); at != nil {
		next.SetDeletionTimestamp(at)
	}
	if next.GetDeletionGracePeriodSeconds() == nil && current.GetDeletionGracePeriodSeconds() != nil {
		next.SetDeletionGracePeriodSeconds(current.GetDeletionGracePeriodSeconds())
	}
}

// split takes from an update what belongs to the other half: the main resource does not
// change the status, and its subresource nothing else.
func (w *write) split(next, current *unstructured.Unstructured) {
	switch {
	case w.subresource == "status":
		status, has := next.Object["status"]
		managed, metadata := next.GetManagedFields(), next.Object["metadata"]
		next.Object = maps.Clone(current.Object)
		if has {
			next.Object["status"] = status
		} else {
			delete(next.Object, "status")
		}
		if w.resource.custom != nil {
			next.Object["metadata"] = maps.Clone(current.Object["metadata"].(map[string]any)) //nolint:forcetypeassert // it was stored
			next.SetManagedFields(managed)
		} else {
			next.Object["metadata"] = metadata
			w.resource.keepByStatus(next, current)
		}
	case w.subresource == "" && w.resource.status:
		if status, has := current.Object["status"]; has {
			next.Object["status"] = status
		} else {
			delete(next.Object, "status")
		}
	}
	if w.subresource == "" && w.resource.plural == "namespaces" && w.resource.gvk.Group == "" {
		next.Object["spec"] = current.Object["spec"]
	}
}

// keepTimes keeps the managers of fields as they were, if nothing but their times differs.
func keepTimes(next, current map[string]any) {
	meta, was := child(next, "metadata"), child(current, "metadata")
	fields := meta["managedFields"]
	if fields == nil || !sameManagers(fields, was["managedFields"]) {
		return
	}
	meta["managedFields"] = was["managedFields"]
	if !equal(next, current) {
		meta["managedFields"] = fields
	}
}

func sameManagers(a, b any) bool {
	is, _ := a.([]any)
	was, _ := b.([]any)
	return slices.EqualFunc(is, was, func(a, b any) bool { return equal(withoutTime(a), withoutTime(b)) })
}

// withoutTime is an entry of a manager without its time. What is owned since a write of a Scale has none.
func withoutTime(entry any) map[string]any {
	fields, _ := entry.(map[string]any)
	fields = maps.Clone(fields)
	delete(fields, "time")
	return fields
}

// count raises the generation if what counts has changed: the spec of a kind that is
// compiled in, everything but metadata and status of others.
func (w *write) count(next, current *unstructured.Unstructured) {
	if w.resource.generation && (w.subresource == "" || w.subresource == "scale") && changed(w.resource, next.Object, current.Object) {
		next.SetGeneration(current.GetGeneration() + 1)
	}
}

func changed(r *resource, next, current map[string]any) bool {
	if r.rules.counts != nil {
		return r.rules.counts(next, current)
	}
	if r.typed != nil {
		return !equal(next["spec"], current["spec"])
	}
	return !equal(r.counted(next), r.counted(current))
}

// counted is what counts of an object of a kind without a Go type.
func (r *resource) counted(object map[string]any) map[string]any {
	out := maps.Clone(object)
	delete(out, "metadata")
	if r.status {
		delete(out, "status")
	}
	return out
}
