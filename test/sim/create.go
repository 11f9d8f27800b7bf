package sim

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

// create serves POST.
func (s *Server) create(r *request) (*http.Response, error) {
	w, err := r.write()
	if err != nil {
		return nil, err
	}
	object, err := r.object()
	if err != nil {
		return nil, err
	}
	rec, err := s.insert(w, &unstructured.Unstructured{Object: object}, false)
	if err != nil {
		return nil, err
	}
	return w.warn(r.answer(http.StatusCreated, rec))
}

// insert stores an object that does not exist. Whoever has applied it has set its fields'
// managers already.
func (s *Server) insert(w *write, o *unstructured.Unstructured, applied bool) (*record, error) {
	if err := w.adopt(o); err != nil {
		return nil, err
	}
	generated := o.GetName() == "" && o.GetGenerateName() != ""
	if generated {
		o.SetName(generatedName(o.GetGenerateName(), s.random.suffix()))
	}
	w.key.Name = o.GetName()
	if err := w.normalise(o); err != nil {
		return nil, err
	}
	if o.GetResourceVersion() != "" {
		return nil, apierrors.NewBadRequest("resourceVersion should not be set on objects to be created")
	}
	if err := s.checkNamespace(w); err != nil {
		return nil, err
	}
	s.begetMeta(w, o)
	if !applied {
		if err := w.resource.managed.updated(w, nil, o); err != nil {
			return nil, err
		}
	}
	w.beget(o)
	if err := w.invalid(w.validate(o, nil)); err != nil {
		return nil, err
	}
	if err := s.admit(w, o); err != nil {
		return nil, err
	}
	rec, done, err := w.commit(s, nil, o.Object)
	switch {
	case err != nil:
		return nil, err
	case !done && generated:
		return nil, apierrors.NewGenerateNameConflict(w.resource.gr(), w.key.Name, 1)
	case !done:
		return nil, apierrors.NewAlreadyExists(w.resource.gr(), w.key.Name)
	}
	if w.dryRun && s.store.get(w.resource.gr(), w.key) != nil {
		return nil, apierrors.NewAlreadyExists(w.resource.gr(), w.key.Name)
	}
	s.committed(w, nil, rec)
	return rec, nil
}

// adopt gives an object the namespace of the URL, which it must not contradict.
func (w *write) adopt(o *unstructured.Unstructured) error {
	if w.resource.namespaced && o.GetNamespace() == "" {
		o.SetNamespace(w.key.Namespace)
	}
	if o.GetNamespace() != w.key.Namespace {
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

// begetMeta sets what the server alone says of an object that is new.
func (s *Server) begetMeta(w *write, o *unstructured.Unstructured) {
	o.SetUID(types.UID(s.random.uid()))
	o.SetCreationTimestamp(metav1.NewTime(time.Now().Truncate(time.Second)))
	for _, name := range []string{"deletionTimestamp", "deletionGracePeriodSeconds", "generation", "selfLink"} {
		unstructured.RemoveNestedField(o.Object, "metadata", name)
	}
	if w.resource.generation {
		o.SetGeneration(1)
	}
}

// beget takes out of a new object what only its subresources can say.
func (w *write) beget(o *unstructured.Unstructured) {
	if w.resource.status {
		delete(o.Object, "status")
		if w.resource.typed != nil {
			o.Object["status"] = w.resource.emptyStatus()
		}
	}
	if prepare := births[w.resource.gr().String()]; prepare != nil {
		prepare(o)
	}
}

// births are what strategies of kinds that are compiled in do to new objects, where a
// client could not do without it.
var births = map[string]func(*unstructured.Unstructured){
	"namespaces": func(o *unstructured.Unstructured) {
		o.Object["spec"] = map[string]any{"finalizers": []any{"kubernetes"}}
		o.Object["status"] = map[string]any{"phase": "Active"}
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels["kubernetes.io/metadata.name"] = o.GetName()
		o.SetLabels(labels)
	},
	"pods":                   phase("Pending"),
	"persistentvolumeclaims": phase("Pending"),
	"persistentvolumes":      phase("Pending"),
}

func phase(phase string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { o.Object["status"] = map[string]any{"phase": phase} }
}

// emptyStatus is what a Go type writes for a status that says nothing.
func (r *resource) emptyStatus() any {
	object, err := untyped(r.gvk, r.typed())
	if err != nil || object["status"] == nil {
		return map[string]any{}
	}
	return object["status"]
}

func generatedName(base, suffix string) string {
	const longest = 63 - 5
	return base[:min(len(base), longest)] + suffix
}

func reencoded(rec *record) (*record, error) {
	raw, err := json.Marshal(rec.object)
	return &record{object: rec.object, raw: raw, rv: rec.rv, labels: rec.labels}, err
}
