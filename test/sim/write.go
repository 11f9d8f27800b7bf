package sim

import (
	"fmt"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// write is a request that changes an object.
type write struct {
	session     *Session
	resource    *resource
	verb        string
	subresource string
	key         types.NamespacedName
	dryRun      bool
	manager     string
	validation  string // Strict, Warn or Ignore
	warnings    []string
}

// write reads a request's options.
func (r *request) write() (*write, error) {
	w := &write{session: r.session, resource: r.resource, verb: r.verb, subresource: r.subresource, key: r.key(), validation: r.query.Get("fieldValidation")}
	if err := w.setDryRun(r.query["dryRun"]); err != nil {
		return nil, err
	}
	switch w.validation {
	case "", "Ignore", "Warn", "Strict":
	default:
		return nil, r.badOptions(field.NotSupported(field.NewPath("fieldValidation"), w.validation, []string{"", "Ignore", "Strict", "Warn"}))
	}
	w.manager = r.query.Get("fieldManager")
	if len(w.manager) > 128 {
		return nil, r.badOptions(field.TooLong(field.NewPath("fieldManager"), "", 128))
	}
	if w.manager == "" && r.contentType != string(types.ApplyPatchType) {
		w.manager, _, _ = strings.Cut(r.header.Get("User-Agent"), "/")
	}
	if w.manager == "" && r.contentType == string(types.ApplyPatchType) {
		return nil, r.badOptions(field.Required(field.NewPath("fieldManager"), "is required for apply patch"))
	}
	if r.query.Get("force") != "" && r.contentType != string(types.ApplyPatchType) && r.verb == "patch" {
		return nil, r.badOptions(field.Forbidden(field.NewPath("force"), "may not be specified for non-apply patch"))
	}
	return w, nil
}

func (w *write) setDryRun(values []string) error {
	for _, value := range values {
		if value != metav1.DryRunAll {
			return invalidOptions("DeleteOptions", field.NotSupported(field.NewPath("dryRun"), value, []string{metav1.DryRunAll}))
		}
		w.dryRun = true
	}
	return nil
}

func (r *request) badOptions(err *field.Error) error {
	kind := map[string]string{"create": "CreateOptions", "update": "UpdateOptions"}[r.verb]
	if kind == "" {
		kind = "PatchOptions"
	}
	return invalidOptions(kind, err)
}

func invalidOptions(kind string, err *field.Error) error {
	return apierrors.NewInvalid(schema.GroupKind{Group: "meta.k8s.io", Kind: kind}, "", field.ErrorList{err})
}

// commit makes a decided write effective, unless it is a dry run.
func (w *write) commit(s *Server, read *record, object map[string]any) (*record, bool, error) {
	if object != nil {
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
	rec, err := newRecord(object, rv)
	if rv == 0 && err == nil {
		unstructured.RemoveNestedField(object, "metadata", "resourceVersion")
		rec, err = reencoded(rec)
	}
	return rec, true, err
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

func (w *write) invalid(errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return apierrors.NewInvalid(w.resource.gvk.GroupKind(), w.key.Name, errs)
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
