package sim

import (
	"maps"
	"net/http"
	"reflect"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// update serves PUT.
func (s *Server) update(r *request) (*http.Response, error) {
	w, err := r.write()
	if err != nil {
		return nil, err
	}
	object, err := r.object()
	if err != nil {
		return nil, err
	}
	sent := &unstructured.Unstructured{Object: object}
	if err := r.checkTarget(sent); err != nil {
		return nil, err
	}
	if err := w.adopt(sent); err != nil {
		return nil, err
	}
	if err := w.normalise(sent); err != nil {
		return nil, err
	}
	rec, code, err := s.modify(w, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if current == nil {
			return w.upsert(sent)
		}
		if uid := sent.GetUID(); uid != "" && uid != current.GetUID() {
			return nil, w.conflict("Precondition failed: UID in precondition: %v, UID in object meta: %v", uid, current.GetUID())
		}
		next := sent.DeepCopy()
		return next, w.resource.managed.updated(w, current, next)
	})
	if err != nil {
		return nil, err
	}
	return w.warn(r.answer(code, rec))
}

// checkTarget refuses an object with another name than the URL's.
func (r *request) checkTarget(o *unstructured.Unstructured) error {
	switch o.GetName() {
	case r.name:
		return nil
	case "":
		return apierrors.NewBadRequest("name must be provided")
	}
	return apierrors.NewBadRequest("the name of the object (" + o.GetName() + ") does not match the name on the URL (" + r.name + ")")
}

// upsert is what becomes of an update of an object that does not exist.
func (w *write) upsert(sent *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	switch {
	case !w.resource.upsert || w.subresource != "":
		return nil, w.notFound()
	case sent.GetUID() != "":
		return nil, w.conflict("Precondition failed: UID in precondition: %v, UID in object meta: ", sent.GetUID())
	}
	next := sent.DeepCopy()
	next.SetResourceVersion("")
	return next, nil
}

// modify replaces an object by what change makes of its current state, which is nil if
// there is none; change is asked again when somebody else was faster.
func (s *Server) modify(w *write, change func(current *unstructured.Unstructured) (*unstructured.Unstructured, error)) (*record, int, error) {
	for {
		read := s.store.get(w.resource.gr(), w.key)
		var current *unstructured.Unstructured
		if read != nil {
			current = read.copy()
		}
		next, err := change(current)
		if err != nil {
			return nil, 0, err
		}
		if read == nil {
			rec, err := s.insert(w, next, w.verb == "apply")
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
	current := read.view()
	if err := w.checkVersion(next, current); err != nil {
		return nil, false, err
	}
	w.keepMeta(next, current)
	w.split(next, current)
	next.SetResourceVersion(current.GetResourceVersion())
	if err := w.invalid(w.validate(next, current)); err != nil {
		return nil, false, err
	}
	if err := s.admit(w, next); err != nil {
		return nil, false, err
	}
	keepTimes(next, current)
	if reflect.DeepEqual(next.Object, current.Object) {
		return read, true, nil
	}
	w.count(next, current)
	object := next.Object
	if next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0 && !w.retained(next) {
		object = nil
	}
	rec, done, err = w.commit(s, read, object)
	if err != nil || !done {
		return nil, false, err
	}
	s.committed(w, read, rec)
	if object == nil { // the answer is what was asked for, the event the last state
		rec, err = newRecord(next.Object, rec.rv)
	}
	return rec, true, err
}

// checkVersion is optimistic locking.
func (w *write) checkVersion(next, current *unstructured.Unstructured) error {
	switch next.GetResourceVersion() {
	case current.GetResourceVersion():
		return nil
	case "", "0":
		if !w.resource.needsRV {
			return nil
		}
		return w.invalid(field.ErrorList{field.Invalid(field.NewPath("metadata", "resourceVersion"), uint64(0), "must be specified for an update")})
	}
	return w.conflict("the object has been modified; please apply your changes to the latest version and try again")
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
			next.SetLabels(current.GetLabels())
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

// keepTimes keeps the managers of fields as they were, if nothing but times differs.
func keepTimes(next, current *unstructured.Unstructured) {
	was, is := current.GetManagedFields(), next.GetManagedFields()
	for i := range is {
		if i < len(was) {
			is[i].Time = was[i].Time
		}
	}
	if reflect.DeepEqual(is, was) {
		next.SetManagedFields(was)
	}
}

// count raises the generation if what counts has changed: the spec of a kind that is
// compiled in, everything but metadata and status of others.
func (w *write) count(next, current *unstructured.Unstructured) {
	if !w.resource.generation || !changed(w.resource, next.Object, current.Object) {
		return
	}
	next.SetGeneration(current.GetGeneration() + 1)
}

func changed(r *resource, next, current map[string]any) bool {
	if r.typed != nil {
		return !reflect.DeepEqual(next["spec"], current["spec"])
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(next)), maps.Keys(current))
	return slices.ContainsFunc(keys, func(key string) bool {
		return key != "metadata" && (key != "status" || !r.status) && !reflect.DeepEqual(next[key], current[key])
	})
}
