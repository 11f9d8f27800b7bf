package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// validate says what is wrong with an object that is about to be stored; old is its current
// state, nil if there is none.
func (w *write) validate(o, old *unstructured.Unstructured) error {
	meta := field.NewPath("metadata")
	r := w.resource
	errs := w.validateKind(o)
	accessor := metadataOf{o}
	if len(errs) == 0 {
		errs = apivalidation.ValidateObjectMetaAccessor(accessor, r.namespaced, w.nameRule(), meta)
		if r.typed != nil {
			errs = append(errs, validateFinalizers(o, meta)...)
		}
		var before map[string]any
		if old != nil {
			errs = append(errs, apivalidation.ValidateObjectMetaAccessorUpdate(accessor, metadataOf{old}, meta)...)
			before = old.Object
		}
		if r.custom != nil {
			object := o.Object
			if status, has := object["status"]; has && status == nil && before["status"] == nil && r.status { // no change, if it is null
				object = maps.Clone(object)
				delete(object, "status")
			}
			errs = append(errs, r.custom.schema.Validate(object, before)...)
			errs = append(errs, r.custom.scaling.validate(object)...)
			errs = append(errs, r.custom.evaluate(w, object, before, errs)...)
		}
		switch {
		case w.subresource == "status" && old != nil:
			if r.rules.status != nil {
				errs = append(errs, r.rules.status(o.Object)...)
			}
		case r.rules.validate != nil:
			errs = append(errs, r.rules.validate(o.Object, before)...)
		}
	}
	if r.custom != nil && r != definitions && len(errs) == 0 {
		w.warn(finalizerWarnings(o, old)...)
	}
	if r.rules.warnings != nil && len(errs) == 0 && (w.subresource == "" || old == nil) {
		w.warn(r.rules.warnings(o.Object)...)
	}
	for _, err := range errs {
		oldOwnerError(err)
	}
	return w.invalid(o, errs)
}

// oldOwnerError says of owner references what the simulated release says: later ones, as the
// library is, name the item.
func oldOwnerError(err *field.Error) {
	const list = "metadata.ownerReferences"
	if rest, ok := strings.CutPrefix(err.Field, list+"["); ok {
		_, rest, _ = strings.Cut(rest, "]")
		err.Type, err.Field = field.ErrorTypeInvalid, list+rest
	}
}

// metadataOf is what is validated of an object's metadata: the managers of fields are the
// server's own.
type metadataOf struct{ *unstructured.Unstructured }

func (metadataOf) GetManagedFields() []metav1.ManagedFieldsEntry { return nil }

// validateKind refuses an object of another kind, which only a kind of a CRD lets come so far.
func (w *write) validateKind(o *unstructured.Unstructured) (errs field.ErrorList) {
	want := w.resource.gvk
	if w.request == nil {
		return nil // the server itself changes objects as they are stored
	}
	if o.GetKind() != want.Kind {
		errs = append(errs, field.Invalid(field.NewPath("kind"), o.GetKind(), "must be "+want.Kind))
	}
	if gv := groupVersion(want); o.GetAPIVersion() != gv {
		errs = append(errs, field.Invalid(field.NewPath("apiVersion"), o.GetAPIVersion(), "must be "+gv))
	}
	return errs
}

// nameRule is what names of a kind look like.
func (w *write) nameRule() apivalidation.ValidateNameFunc {
	switch {
	case w.resource.gvk.Group == "rbac.authorization.k8s.io":
		return pathSegment
	case w.resource.custom != nil || w.resource.gvk.Group != "":
		return apivalidation.NameIsDNSSubdomain
	case w.resource.plural == "namespaces":
		return apivalidation.ValidateNamespaceName
	case w.resource.plural == "services":
		return apivalidation.NameIsDNS1035Label
	}
	return apivalidation.NameIsDNSSubdomain
}

// pathSegment refuses what cannot be a part of a path.
func pathSegment(name string, prefix bool) []string {
	if prefix {
		return content.IsPathSegmentPrefix(name)
	}
	return content.IsPathSegmentName(name)
}

// standardFinalizers need no domain.
var standardFinalizers = sets.New("kubernetes", "orphan", "foregroundDeletion")

// validateFinalizers is the rule of kinds that are compiled in. Of others it is a warning.
func validateFinalizers(o *unstructured.Unstructured, meta *field.Path) (errs field.ErrorList) {
	for i, name := range o.GetFinalizers() {
		if !strings.Contains(name, "/") && !standardFinalizers.Has(name) {
			errs = append(errs, field.Invalid(meta.Child("finalizers").Index(i), name, "name is neither a standard finalizer name nor is it fully qualified"))
		}
	}
	return errs
}

// finalizerWarnings are about finalizers that are new.
func finalizerWarnings(o, old *unstructured.Unstructured) (warnings []string) {
	var known []string
	if old != nil {
		known = old.GetFinalizers()
	}
	for _, name := range o.GetFinalizers() {
		if !strings.Contains(name, "/") && !standardFinalizers.Has(name) && !slices.Contains(known, name) {
			warnings = append(warnings, fmt.Sprintf("metadata.finalizers: %q: prefer a domain-qualified finalizer name to avoid accidental conflicts with other finalizer writers", name))
		}
	}
	return warnings
}
