package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	sigsjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/test/internal/apirequest"
)

// patch serves PATCH, in all four forms.
func (s *Server) patch(r *request) (*http.Response, error) {
	w, err := r.write()
	if err != nil {
		return nil, err
	}
	change, err := r.patcher(w)
	if err != nil {
		return nil, err
	}
	rec, code, err := s.modify(w, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		next, err := change(current)
		if err != nil {
			return nil, err
		}
		return next, r.checkPatched(w, current, next)
	})
	if err != nil {
		return nil, err
	}
	return w.warn(r.answer(code, rec))
}

type changer = func(current *unstructured.Unstructured) (*unstructured.Unstructured, error)

// patches are the forms of patches that a resource takes.
func (r *resource) patches() []string {
	forms := []string{string(types.JSONPatchType), string(types.MergePatchType), string(types.ApplyPatchType)}
	if r.typed != nil {
		forms = append(forms, string(types.StrategicMergePatchType))
	}
	return forms
}

// patcher returns what makes the next state of an object out of the current one.
func (r *request) patcher(w *write) (changer, error) {
	var patch func(current []byte) ([]byte, error)
	switch types.PatchType(r.contentType) {
	case types.ApplyPatchType:
		return r.applier(w)
	case types.JSONPatchType:
		patch = r.jsonPatch
	case types.MergePatchType:
		patch = r.mergePatch
	case types.StrategicMergePatchType:
		patch = r.strategicPatch
	}
	if patch == nil || types.PatchType(r.contentType) == types.StrategicMergePatchType && r.resource.typed == nil {
		return nil, unsupportedMedia(r)
	}
	if !json.Valid(r.body) {
		return nil, apierrors.NewBadRequest("invalid JSON patch")
	}
	return func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		if current == nil {
			return nil, w.notFound()
		}
		current.SetAPIVersion(r.resource.gvk.GroupVersion().String())
		before, err := json.Marshal(current.Object)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", current.GetName(), err)
		}
		after, err := patch(before)
		if err != nil {
			return nil, err
		}
		return r.patched(w, current, after)
	}, nil
}

// patched reads the result of a patch.
func (r *request) patched(w *write, current *unstructured.Unstructured, after []byte) (*unstructured.Unstructured, error) {
	object, err := decodeObject(after)
	if err == nil && object == nil {
		err = errors.New("the result is no object")
	}
	next := &unstructured.Unstructured{Object: object}
	if err == nil {
		err = r.checkKind(next.Object)
	}
	if err == nil {
		err = w.normalise(next)
	}
	if err != nil {
		if apierrors.IsBadRequest(err) && w.resource.custom != nil && object != nil && next.GetKind() != "" && !isStrict(w) {
			return nil, err
		}
		return nil, unprocessable(field.Invalid(field.NewPath("patch"), string(after[:min(len(after), 200)]), err.Error()))
	}
	return next, w.resource.managed.updated(w, current, next)
}

func isStrict(w *write) bool { return w.validation == metav1.FieldValidationStrict }

// checkPatched refuses a patch that would make another object of it.
func (r *request) checkPatched(w *write, current, next *unstructured.Unstructured) error {
	if next.GetName() != r.name && (current != nil || next.GetName() != "") {
		return apierrors.NewBadRequest("the name of the object (" + next.GetName() + ") does not match the name on the URL (" + r.name + ")")
	}
	return w.adopt(next)
}

// maxOperations is how many operations a JSON patch may have.
const maxOperations = 10_000

func (r *request) jsonPatch(current []byte) ([]byte, error) {
	if err := r.strict(&[]map[string]any{}); err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(r.body)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if len(patch) > maxOperations {
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("The allowed maximum operations in a JSON patch is %d, got %d", maxOperations, len(patch)))
	}
	after, err := patch.Apply(current)
	if err != nil {
		return nil, generic(http.StatusUnprocessableEntity, err)
	}
	return after, nil
}

func (r *request) mergePatch(current []byte) ([]byte, error) {
	if err := r.strict(&map[string]any{}); err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(current, r.body)
	if errors.Is(err, jsonpatch.ErrBadJSONPatch) {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return after, err
}

func (r *request) strategicPatch(current []byte) ([]byte, error) {
	after, err := strategicpatch.StrategicMergePatch(current, r.body, r.resource.typed())
	switch {
	case err == nil:
		return after, nil
	case errors.Is(err, mergepatch.ErrNoListOfLists), errors.Is(err, mergepatch.ErrPatchContentNotMatchRetainKeys):
		return nil, generic(http.StatusUnprocessableEntity, err)
	default:
		return nil, apierrors.NewBadRequest(err.Error())
	}
}

// strict refuses a patch that has a field twice, if the client asked for that.
func (r *request) strict(into any) error {
	if r.query.Get("fieldValidation") != metav1.FieldValidationStrict {
		return nil
	}
	twice, err := sigsjson.UnmarshalStrict(r.body, into)
	switch {
	case err != nil:
		return apierrors.NewBadRequest("error decoding patch: " + err.Error())
	case len(twice) > 0:
		return unprocessable(field.Invalid(field.NewPath("patch"), string(r.body), errors.Join(twice...).Error()))
	}
	return nil
}

// generic is an error that the server has no reason of its own for.
func generic(code int, err error) error {
	return apierrors.NewGenericServerResponse(code, "", schema.GroupResource{}, "", err.Error(), 0, false)
}

func unprocessable(err *field.Error) error {
	return apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{err})
}

// applier is server-side apply.
func (r *request) applier(w *write) (changer, error) {
	w.verb = "apply"
	data, err := yaml.YAMLToJSON(r.body)
	if err != nil {
		return nil, apierrors.NewBadRequest("error decoding YAML: " + err.Error())
	}
	applied, err := decodeObject(data)
	if err != nil || applied == nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	return func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		patch := (&unstructured.Unstructured{Object: applied}).DeepCopy()
		live := current
		if current == nil {
			if w.subresource != "" {
				return nil, w.notFound()
			}
			live = &unstructured.Unstructured{}
			live.SetGroupVersionKind(r.resource.gvk)
			live.SetName(r.name)
			live.SetNamespace(r.namespace)
		}
		next, err := w.resource.managed.applied(w, live, patch, apirequest.IsTrue(r.query.Get("force")))
		if err != nil {
			return nil, err
		}
		if current == nil && next.GetUID() != "" {
			return nil, w.conflict("Precondition failed: UID in precondition: %v, UID in object meta: ", next.GetUID())
		}
		return next, w.normalise(next)
	}, nil
}
