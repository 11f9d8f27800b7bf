package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

func (r *request) decodeDeleteOptions(options *metav1.DeleteOptions) error {
	if r.contentType == mediaProtobuf {
		if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(r.body, nil, options); err != nil {
			return apierrors.NewBadRequest("error decoding Protobuf: " + err.Error())
		}
		return nil
	}
	object, err := decodeObject(r.body)
	if err == nil && object["kind"] != nil && object["kind"] != "DeleteOptions" {
		return apierrors.NewBadRequest("decoded object cannot be converted to DeleteOptions")
	}
	if err == nil {
		err = json.Unmarshal(r.body, options)
	}
	if err != nil {
		return apierrors.NewBadRequest(err.Error())
	}
	return nil
}

// deletion reads and checks the options of a deletion.
func (r *request) deletion() (*write, *metav1.DeleteOptions, error) {
	options, err := r.deleteOptions()
	if err != nil {
		return nil, nil, err
	}
	w := &write{session: r.session, request: r, resource: r.resource, verb: r.verb, key: r.key()}
	if errs := metavalidation.ValidateDeleteOptions(options); len(errs) > 0 {
		return nil, nil, invalidOptions("DeleteOptions", errs...)
	}
	w.dryRun = len(options.DryRun) > 0
	if r.resource.rules.orphans && options.PropagationPolicy == nil && options.OrphanDependents == nil {
		options.PropagationPolicy = new(metav1.DeletePropagationOrphan)
		if r.resource.gvk.Kind == "Job" {
			r.warn("child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning")
		}
	}
	return w, options, nil
}

// delete serves DELETE of one object.
func (s *Server) delete(r *request) (*http.Response, error) {
	w, options, err := r.deletion()
	if err != nil {
		return nil, err
	}
	rec, gone, err := s.remove(w, options)
	switch {
	case err != nil:
		return nil, err
	case gone && !returned.Has(r.resource.gr().String()):
		return r.removed(rec)
	}
	return r.answer(http.StatusOK, rec)
}

// remove deletes an object, or marks it as deleted while somebody holds it.
func (s *Server) remove(w *write, options *metav1.DeleteOptions) (rec *record, gone bool, err error) {
	for {
		read := s.store.get(w.resource.gr(), w.key)
		if read == nil {
			return nil, false, w.notFound()
		}
		if err := w.precondition(options.Preconditions, read); err != nil {
			return nil, false, err
		}
		next := read.copy()
		setPropagation(next, options)
		w.markDeleted(next)
		if len(next.GetFinalizers()) == 0 && !w.retained(next) {
			next = nil
		}
		if next != nil && read.view().GetDeletionTimestamp() != nil && slices.Equal(next.GetFinalizers(), read.view().GetFinalizers()) {
			return read, false, nil // it was deleted before
		}
		var object map[string]any
		if next != nil {
			object = next.Object
		}
		rec, done, err := w.commit(s, read, object)
		if err != nil {
			return nil, false, err
		}
		if done {
			s.committed(w, read, rec)
			return rec, next == nil, nil
		}
	}
}

// precondition refuses to delete another object, or another state, than was meant. The error
// names the kind in place of the resource.
func (w *write) precondition(p *metav1.Preconditions, read *record) error {
	o := read.view()
	kind := schema.GroupResource{Group: w.resource.gvk.Group, Resource: w.resource.gvk.Kind}
	switch {
	case p == nil:
		return nil
	case p.UID != nil && *p.UID != o.GetUID():
		return apierrors.NewConflict(kind, w.key.Name, fmt.Errorf("the UID in the precondition (%s) does not match the UID in record (%s). "+
			"The object might have been deleted and then recreated", *p.UID, o.GetUID()))
	case p.ResourceVersion != nil && *p.ResourceVersion != o.GetResourceVersion():
		return apierrors.NewConflict(kind, w.key.Name, fmt.Errorf("the ResourceVersion in the precondition (%s) does not match the ResourceVersion in record (%s). "+
			"The object might have been modified", *p.ResourceVersion, o.GetResourceVersion()))
	}
	return nil
}

// markDeleted sets what an object shows from its deletion to its end.
func (w *write) markDeleted(o *unstructured.Unstructured) {
	if o.GetDeletionTimestamp() != nil {
		return
	}
	o.SetDeletionTimestamp(new(metav1.NewTime(time.Now().Truncate(time.Second))))
	if w.resource == definitions {
		markTerminating(o)
		return
	}
	o.SetDeletionGracePeriodSeconds(new(int64(0)))
	if o.GetGeneration() > 0 {
		o.SetGeneration(o.GetGeneration() + 1)
	}
	if w.isNamespace() {
		o.Object["status"] = map[string]any{"phase": "Terminating"}
		o.SetDeletionGracePeriodSeconds(nil)
	}
}

func (w *write) isNamespace() bool {
	return w.resource.plural == "namespaces" && w.resource.gvk.Group == ""
}

// retained reports whether something else than finalizers holds a deleted object: what
// holds a namespace is in its spec.
func (w *write) retained(o *unstructured.Unstructured) bool {
	finalizers, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "finalizers")
	return w.isNamespace() && len(finalizers) > 0
}

// setPropagation puts the finalizers on an object that let its dependents go first, or stay.
func setPropagation(o *unstructured.Unstructured, options *metav1.DeleteOptions) {
	want := ""
	switch {
	case options.PropagationPolicy != nil && *options.PropagationPolicy == metav1.DeletePropagationForeground:
		want = metav1.FinalizerDeleteDependents
	case options.PropagationPolicy != nil && *options.PropagationPolicy == metav1.DeletePropagationOrphan,
		options.OrphanDependents != nil && *options.OrphanDependents:
		want = metav1.FinalizerOrphanDependents
	case options.PropagationPolicy == nil && options.OrphanDependents == nil:
		return // as it was
	}
	was := o.GetFinalizers()
	keep := slices.DeleteFunc(slices.Clone(was), func(f string) bool {
		return (f == metav1.FinalizerDeleteDependents || f == metav1.FinalizerOrphanDependents) && f != want
	})
	if want != "" && !slices.Contains(keep, want) {
		keep = append(keep, want)
	}
	if !slices.Equal(keep, was) {
		o.SetFinalizers(keep)
	}
}

// deleteCollection serves DELETE of what a selection has.
func (s *Server) deleteCollection(r *request) (*http.Response, error) {
	_, options, err := r.deletion()
	if err != nil {
		return nil, err
	}
	_, selection, err := r.selection()
	if err != nil {
		return nil, err
	}
	keys, records, _, _ := s.store.list(r.resource.gr(), newest)
	var deleted []*record
	for i, rec := range records {
		if !selection.matches(keys[i], rec) {
			continue
		}
		w := &write{session: r.session, resource: r.resource, verb: r.verb, key: keys[i], dryRun: len(options.DryRun) > 0}
		_, _, err := s.remove(w, options)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		deleted = append(deleted, rec)
	}
	return r.listOf(deleted, metav1.ListMeta{ResourceVersion: formatRV(s.store.now())})
}
