package sim

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// normalise brings an object into the form that its kind has: fields that nobody knows are
// dropped, or refused if the client asked for that, and missing ones get their defaults.
func (w *write) normalise(o *unstructured.Unstructured) error {
	if w.resource.typed != nil {
		known, err := w.resource.known(o.Object, w.validation == metav1.FieldValidationStrict)
		if err != nil {
			return decodeError(w.resource, err)
		}
		o.Object = known
		return nil
	}
	if err := normaliseMeta(o); err != nil {
		return decodeError(w.resource, err)
	}
	unknown := w.resource.custom.schema.Prune(o.Object)
	if len(unknown) > 0 && w.validation == metav1.FieldValidationStrict {
		return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: strict decoding error: %s",
			w.resource.gvk.Kind, w.resource.gvk.Version, w.resource.gvk.Kind, strings.Join(unknown, ", ")))
	}
	if w.validation != metav1.FieldValidationIgnore {
		w.warnings = append(w.warnings, unknown...)
	}
	w.resource.custom.schema.Default(o.Object)
	return nil
}

func decodeError(r *resource, err error) error {
	return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", r.gvk.Kind, r.gvk.Version, r.gvk.Kind, err))
}

// normaliseMeta drops what is no field of ObjectMeta.
func normaliseMeta(o *unstructured.Unstructured) error {
	old, found := o.Object["metadata"].(map[string]any)
	if !found {
		if o.Object["metadata"] != nil {
			return fmt.Errorf("metadata is a %T, and no object", o.Object["metadata"])
		}
		o.Object["metadata"] = map[string]any{}
		return nil
	}
	var meta metav1.ObjectMeta
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(old, &meta); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	clean, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&meta)
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if clean["creationTimestamp"] == nil {
		delete(clean, "creationTimestamp")
	}
	o.Object["metadata"] = clean
	return nil
}

// validate says what is wrong with an object that was normalised.
func (w *write) validate(o, old *unstructured.Unstructured) field.ErrorList {
	meta := field.NewPath("metadata")
	errs := apivalidation.ValidateObjectMetaAccessor(o, w.resource.namespaced, w.nameRule(), meta)
	var before map[string]any
	if old != nil {
		errs = append(errs, apivalidation.ValidateObjectMetaAccessorUpdate(o, old, meta)...)
		before = old.Object
	}
	if w.resource.custom != nil {
		errs = append(errs, w.resource.custom.schema.Validate(o.Object, before)...)
	}
	return errs
}

// nameRule is what names of a kind look like.
func (w *write) nameRule() apivalidation.ValidateNameFunc {
	switch {
	case w.resource.gvk.Group == "rbac.authorization.k8s.io":
		return path.ValidatePathSegmentName
	case w.resource.custom != nil || w.resource.gvk.Group != "":
		return apivalidation.NameIsDNSSubdomain
	case w.resource.plural == "namespaces":
		return apivalidation.ValidateNamespaceName
	case w.resource.plural == "services":
		return apivalidation.NameIsDNS1035Label
	}
	return apivalidation.NameIsDNSSubdomain
}

// warn adds the server's warnings to an answer.
func (w *write) warn(response *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	for _, warning := range w.warnings {
		response.Header.Add("Warning", "299 - "+strconv.Quote(warning))
	}
	return response, nil
}
