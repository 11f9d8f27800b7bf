package sim

import (
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// write is a request that changes an object.
type write struct {
	session     *Session
	request     *request // nil: a write of the server itself
	resource    *resource
	verb        string
	subresource string
	key         types.NamespacedName
	dryRun      bool
	manager     string
	validation  string // of fields: Strict, Warn or Ignore
}

func (w *write) warn(warnings ...string) {
	if w.request != nil {
		w.request.warn(warnings...)
	}
}

// options reads the options of a request that writes.
func (r *request) options() (*write, error) {
	w := &write{session: r.session, request: r, resource: r.resource, verb: r.verb, subresource: r.subresource, key: r.key(), validation: r.query.Get("fieldValidation")}
	w.manager, w.dryRun = r.query.Get("fieldManager"), len(r.query["dryRun"]) > 0
	if errs := r.checkOptions(w); len(errs) > 0 {
		kind := map[string]string{"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions"}[r.verb]
		return nil, invalidOptions(kind, errs...)
	}
	if w.validation == "" {
		w.validation = metav1.FieldValidationWarn
	}
	if w.manager == "" {
		w.manager, _, _ = strings.Cut(r.header.Get("User-Agent"), "/")
	}
	return w, nil
}

func (r *request) checkOptions(w *write) field.ErrorList {
	dryRun := r.query["dryRun"]
	switch r.verb {
	case "create":
		return metavalidation.ValidateCreateOptions(&metav1.CreateOptions{DryRun: dryRun, FieldManager: w.manager, FieldValidation: w.validation})
	case "update":
		return metavalidation.ValidateUpdateOptions(&metav1.UpdateOptions{DryRun: dryRun, FieldManager: w.manager, FieldValidation: w.validation})
	}
	options := &metav1.PatchOptions{DryRun: dryRun, FieldManager: w.manager, FieldValidation: w.validation}
	if r.query.Has("force") {
		options.Force = new(isTrue(r.query.Get("force")))
	}
	return metavalidation.ValidatePatchOptions(options, types.PatchType(r.contentType))
}

// isTrue reads a flag of a query, as the server does.
func isTrue(text string) bool { return text != "false" && text != "0" }

func invalidOptions(kind string, errs ...*field.Error) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: "meta.k8s.io", Kind: kind}, "", errs)
}

// commit makes a decided write effective, unless it is a dry run.
func (w *write) commit(s *Server, read *record, object map[string]any) (*record, bool, error) {
	if object != nil {
		unstructured.RemoveNestedField(object, "metadata", "selfLink")
		if err := w.checkSize(object); err != nil {
			return nil, false, err
		}
	}
	if !w.dryRun {
		return s.store.commit(w, read, object)
	}
	rv := uint64(0)
	if read != nil {
		rv = read.rv
	}
	if object == nil {
		return read, true, nil
	}
	sent := child(object, "metadata")["resourceVersion"] // it stays in what is not created
	rec := w.resource.record(object, rv)
	if rv == 0 {
		if child(rec.object, "metadata")["resourceVersion"] = sent; sent == nil {
			delete(child(rec.object, "metadata"), "resourceVersion")
		}
		rec.raw = appendObject(nil, rec.object, isTypeMeta)
	}
	return rec, true, nil
}

// maxStored is the size of the largest request that etcd takes.
const maxStored = 1.5 * (1 << 20)

// checkSize refuses what etcd refuses, with the error that comes out of the API server.
func (w *write) checkSize(object map[string]any) error {
	if size := sizeOf(object); size > maxStored {
		return &apierrors.StatusError{ErrStatus: metav1.Status{
			Status: metav1.StatusFailure, Code: 500, Message: "etcdserver: request is too large",
		}}
	}
	return nil
}

// sizeOf is about the length of a value in JSON.
func sizeOf(value any) int {
	switch v := value.(type) {
	case string:
		return len(v) + 2
	case map[string]any:
		size := 2
		for key, item := range v {
			size += len(key) + 4 + sizeOf(item)
		}
		return size
	case []any:
		size := 2
		for _, item := range v {
			size += 1 + sizeOf(item)
		}
		return size
	default:
		return 8
	}
}

func (w *write) notFound() error { return apierrors.NewNotFound(w.resource.gr(), w.key.Name) }

func (w *write) conflict(format string, args ...any) error {
	return apierrors.NewConflict(w.resource.gr(), w.key.Name, fmt.Errorf(format, args...))
}

// invalid is the answer to an object with errors. It is named as it names itself.
func (w *write) invalid(o *unstructured.Unstructured, errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	kind := o.GroupVersionKind().GroupKind()
	if w.resource.gr() == eventsGroup {
		kind.Group = "" // they are stored as those of v1
	}
	return apierrors.NewInvalid(kind, o.GetName(), errs)
}

// otherUID is the conflict of who means another object than the one that is there.
func (w *write) otherUID(want, is types.UID) error {
	key := w.resource.storagePrefix() + "/" + w.key.Name
	if w.resource.namespaced {
		key = w.resource.storagePrefix() + "/" + w.key.String()
	}
	return w.conflict("StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, AdditionalErrorMsg: "+
		"Precondition failed: UID in precondition: %v, UID in object meta: %v", key, want, is)
}

// storagePrefix is where etcd has the objects of a kind, which some errors tell.
func (r *resource) storagePrefix() string {
	other := map[string]string{
		"replicationcontrollers": "controllers", "endpoints": "services/endpoints", "nodes": "minions",
		"services": "services/specs", "ingresses.networking.k8s.io": "ingress",
	}
	switch name, special := other[r.gr().String()]; {
	case special:
		return "/registry/" + name
	case r.typed == nil:
		return "/registry/" + r.gvk.Group + "/" + r.plural
	}
	return "/registry/" + r.plural
}

// deleteOptions are in the body, or, if that is empty, in the URL.
func (r *request) deleteOptions() (*metav1.DeleteOptions, error) {
	options := &metav1.DeleteOptions{}
	if len(r.body) > 0 {
		return options, r.decodeDeleteOptions(options)
	}
	if err := metav1.Convert_url_Values_To_v1_DeleteOptions(new(url.Values(r.query)), options, nil); err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return options, nil
}
