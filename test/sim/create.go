package sim

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// create serves POST.
func (s *Server) create(r *request) (*http.Response, error) {
	w, err := r.options()
	if err != nil {
		return nil, err
	}
	object, err := r.object(w)
	if err != nil {
		return nil, err
	}
	o := &unstructured.Unstructured{Object: object}
	wipe(o)
	if err := w.adopt(o); err != nil {
		return nil, err
	}
	if err := w.resource.managed.updated(w, nil, o); err != nil {
		return nil, err
	}
	rec, err := s.insert(w, o)
	if err != nil {
		return nil, err
	}
	return r.answer(http.StatusCreated, rec)
}

// attempts is how often the server looks for a name that is free.
const attempts = 8

// insert stores an object that does not exist.
func (s *Server) insert(w *write, o *unstructured.Unstructured) (rec *record, err error) {
	if o.GetName() != "" || o.GetGenerateName() == "" {
		w.key.Name = o.GetName()
		return s.insertNamed(w, o)
	}
	for range attempts {
		o.SetName(generatedName(o.GetGenerateName(), s.random.suffix()))
		w.key.Name = o.GetName()
		if rec, err = s.insertNamed(w, o); !apierrors.IsAlreadyExists(err) {
			return rec, err
		}
	}
	return nil, apierrors.NewGenerateNameConflict(w.resource.gr(), w.key.Name, 1)
}

func (s *Server) insertNamed(w *write, o *unstructured.Unstructured) (*record, error) {
	if err := s.checkNamespace(w); err != nil {
		return nil, err
	}
	o.SetUID(types.UID(s.random.uid()))
	o.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	w.beget(o)
	if allocate := w.resource.rules.allocate; allocate != nil && w.subresource == "" {
		if err := w.invalid(o, allocate(o, w.dryRun)); err != nil {
			return nil, err
		}
	}
	if err := w.validate(o, nil); err != nil {
		return nil, err
	}
	if err := s.authoriseCreate(w); err != nil {
		return nil, err
	}
	if err := s.admit(w, o); err != nil {
		return nil, err
	}
	if rv, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64); err == nil && rv != 0 && w.verb == "create" && !w.dryRun {
		return nil, errors.New("resourceVersion should not be set on objects to be created")
	}
	rec, done, err := w.commit(s, nil, o.Object)
	if err != nil {
		return nil, err
	}
	if current := s.store.get(w.resource.gr(), w.key); !done || w.dryRun && current != nil {
		err := apierrors.NewAlreadyExists(w.resource.gr(), w.key.Name)
		if current != nil && current.view().GetDeletionTimestamp() != nil {
			err.ErrStatus.Message = "object is being deleted: " + err.ErrStatus.Message
		}
		return nil, err
	}
	s.committed(w, nil, rec)
	return rec, nil
}

// wipe takes from an object to be created what only the server says.
func wipe(o *unstructured.Unstructured) {
	metadata := child(o.Object, "metadata")
	for _, name := range []string{"creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"} {
		delete(metadata, name)
	}
}

// adopt gives an object the namespace of the URL, which it must not contradict.
func (w *write) adopt(o *unstructured.Unstructured) error {
	switch namespace := o.GetNamespace(); {
	case namespace == w.key.Namespace:
	case namespace == "", w.key.Namespace == "":
		o.SetNamespace(w.key.Namespace)
	default:
		return apierrors.NewBadRequest("the namespace of the provided object does not match the namespace sent on the request")
	}
	return nil
}

// checkNamespace refuses to create what the namespace does not take.
func (s *Server) checkNamespace(w *write) error {
	if !w.resource.namespaced {
		return nil
	}
	ns := builtins()["namespaces"].gr()
	rec := s.store.get(ns, keyOf("", w.key.Namespace))
	if rec == nil {
		return apierrors.NewNotFound(ns, w.key.Namespace)
	}
	if rec.view().GetDeletionTimestamp() == nil {
		return nil
	}
	err := apierrors.NewForbidden(w.resource.gr(), w.key.Name, errors.New("unable to create new content in namespace "+w.key.Namespace+" because it is being terminated"))
	err.ErrStatus.Details.Causes = append(err.ErrStatus.Details.Causes, metav1.StatusCause{
		Type: "NamespaceTerminating", Message: "namespace " + w.key.Namespace + " is being terminated", Field: "metadata.namespace",
	})
	return err
}

// beget makes of a new object what its kind wants: what only its subresources can say goes.
func (w *write) beget(o *unstructured.Unstructured) {
	r := w.resource
	if r.generation {
		o.SetGeneration(1)
	}
	if r.status {
		delete(o.Object, "status")
		if r.typed != nil {
			o.Object["status"] = r.emptyStatus()
		}
	}
	if r.rules.born != nil {
		r.rules.born(o)
	}
}

// emptyStatus is what a Go type writes for a status that says nothing.
func (r *resource) emptyStatus() any {
	object, err := r.untyped(r.typed())
	if err != nil || object["status"] == nil {
		return map[string]any{}
	}
	return object["status"]
}

func generatedName(base, suffix string) string {
	const longest = 63 - 5
	return base[:min(len(base), longest)] + suffix
}
