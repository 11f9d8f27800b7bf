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
	if r.resource.rules.orphans && propagation(options) == "" {
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
	case gone && rec.view().GetUID() != "" && !returned.Has(r.resource.gr().String()):
		return r.removed(rec)
	}
	r.asStored = !gone
	code := http.StatusOK
	if orphan := options.OrphanDependents; !gone && orphan != nil && !*orphan { //nolint:staticcheck // old clients say it so
		code = http.StatusAccepted
	}
	return r.answer(code, rec)
}

// remove deletes an object, or marks it as deleted while something keeps it, such as a finalizer.
func (s *Server) remove(w *write, options *metav1.DeleteOptions) (rec *record, gone bool, err error) {
	for {
		read := s.store.get(w.resource.gr(), w.key)
		if read == nil {
			return nil, false, w.notFound()
		}
		if err := w.precondition(options.Preconditions, read); err != nil {
			return nil, false, err
		}
		current, settled := w.resource.view(read)
		next, twice := w.deleted(current, options)
		if next != nil && settled && equal(next.Object, current.Object) {
			return read, false, nil // it was deleted before
		}
		if next == nil && w.dryRun && len(current.GetFinalizers()) > 0 {
			rec, err := w.resource.blankRecord() // what the server would have filled in while it took the finalizers away
			return rec, true, err
		}
		var object map[string]any
		if next != nil {
			object = next.Object
		}
		if p := options.Preconditions; next == nil && p != nil && p.ResourceVersion != nil && len(current.GetFinalizers()) > 0 {
			// The server has looked at the finalizers, and now compares with no version at all.
			return nil, false, w.conflict("StorageError: invalid object: Precondition failed: ResourceVersion in precondition: , ResourceVersion in object meta: %s", current.GetResourceVersion())
		}
		rec, done, err := w.commit(s, read, object)
		if err != nil {
			return nil, false, err
		}
		if !done {
			continue
		}
		s.committed(w, read, rec)
		if !twice || w.dryRun {
			return rec, next == nil, nil
		}
		options = &metav1.DeleteOptions{} // the marked one goes at once
	}
}

// deleted is the state of an object after its deletion, nil if it is gone. twice says that it
// is marked first, and then gone: so it is with what is deleted gracefully, when that takes
// no time.
func (w *write) deleted(current *unstructured.Unstructured, options *metav1.DeleteOptions) (next *unstructured.Unstructured, twice bool) {
	next = current.DeepCopy()
	setPropagation(next, options)
	isPod := w.resource.gvk.Kind == "Pod"
	graceful := isPod && w.shorten(next, options)
	if grace := next.GetDeletionGracePeriodSeconds(); !graceful && !(isPod && grace != nil && *grace > 0) {
		w.markDeleted(next)
	}
	switch {
	case graceful:
		return next, !w.held(next)
	case w.held(next):
		return next, false
	}
	return nil, false
}

// shorten begins a graceful deletion, or shortens one, and reports whether it did. A Pod that
// runs nowhere is gone at once.
func (w *write) shorten(o *unstructured.Unstructured, options *metav1.DeleteOptions) bool {
	spec, status := child(o.Object, "spec"), child(o.Object, "status")
	period := int64(30)
	if own, ok := spec["terminationGracePeriodSeconds"].(int64); ok {
		period = own
	}
	if options.GracePeriodSeconds != nil {
		period = max(*options.GracePeriodSeconds, 0)
	}
	if spec["nodeName"] == nil || status["phase"] == "Failed" || status["phase"] == "Succeeded" {
		period = 0
	}
	began := time.Now()
	if at := o.GetDeletionTimestamp(); at != nil {
		was := o.GetDeletionGracePeriodSeconds()
		if was == nil || *was == 0 || period >= *was || options.GracePeriodSeconds == nil {
			return false
		}
		began = at.Add(-time.Duration(*was) * time.Second)
	} else {
		o.SetGeneration(o.GetGeneration() + 1)
	}
	o.SetDeletionTimestamp(new(metav1.NewTime(began.Add(time.Duration(period) * time.Second).Truncate(time.Second))))
	o.SetDeletionGracePeriodSeconds(&period)
	return true
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
	was := o.GetDeletionTimestamp()
	if was != nil && (w.resource == definitions || w.isNamespace()) {
		return
	}
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	if was == nil || was.After(now.Time) { // a client may have said one when it created the object
		o.SetDeletionTimestamp(&now)
	}
	if w.resource == definitions {
		markTerminating(o)
		return
	}
	o.SetDeletionGracePeriodSeconds(new(int64(0)))
	if was == nil && o.GetGeneration() > 0 {
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

// held reports whether something keeps a deleted object: a finalizer, which a namespace has
// in its spec, or that its time is not over.
func (w *write) held(o *unstructured.Unstructured) bool {
	finalizers, _, _ := unstructured.NestedStringSlice(o.Object, "spec", "finalizers")
	grace := o.GetDeletionGracePeriodSeconds()
	return len(o.GetFinalizers()) > 0 || w.isNamespace() && len(finalizers) > 0 || grace != nil && *grace > 0
}

// propagation is what options say of the dependents, in the old way or the new one.
func propagation(options *metav1.DeleteOptions) metav1.DeletionPropagation {
	switch {
	case options.PropagationPolicy != nil:
		return *options.PropagationPolicy
	case options.OrphanDependents == nil: //nolint:staticcheck // old clients say it so
		return ""
	case *options.OrphanDependents: //nolint:staticcheck // see above
		return metav1.DeletePropagationOrphan
	}
	return metav1.DeletePropagationBackground
}

// setPropagation puts the finalizers on an object that let its dependents go first, or stay.
func setPropagation(o *unstructured.Unstructured, options *metav1.DeleteOptions) {
	want := ""
	switch propagation(options) {
	case metav1.DeletePropagationBackground:
	case metav1.DeletePropagationForeground:
		want = metav1.FinalizerDeleteDependents
	case metav1.DeletePropagationOrphan:
		want = metav1.FinalizerOrphanDependents
	case "":
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

// deleteCollection serves DELETE of what a selection has, or of a page of it.
func (s *Server) deleteCollection(r *request) (*http.Response, error) {
	_, options, err := r.deletion()
	if err != nil {
		return nil, err
	}
	items, meta, err := s.page(r)
	if err != nil {
		return nil, err
	}
	for _, rec := range items {
		o := rec.view()
		w := &write{session: r.session, resource: r.resource, verb: r.verb, key: keyOf(o.GetNamespace(), o.GetName()), dryRun: len(options.DryRun) > 0}
		if _, _, err := s.remove(w, options); err != nil && !apierrors.IsNotFound(err) {
			return nil, err
		}
	}
	return r.listOf(items, meta)
}
