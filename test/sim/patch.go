package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

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
)

// patch serves PATCH, in all four forms.
func (s *Server) patch(r *request) (*http.Response, error) {
	if forms := r.resource.patches(); !slices.Contains(forms, r.contentType) {
		return nil, unsupportedMedia(forms...)
	}
	w, err := r.options()
	if err != nil {
		return nil, err
	}
	p := &patch{request: r, write: w}
	change, create := p.merge, false
	if r.contentType == string(types.ApplyPatchType) {
		w.verb, create, change = "apply", w.subresource == "" || w.upserts(), p.apply
	}
	rec, code, err := s.modify(w, create, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
		next, err := change(current)
		if err != nil {
			return nil, err
		}
		if current == nil && next.GetUID() != "" {
			return nil, w.conflict("uid mismatch: the provided object specified uid %s, and no existing object was found", next.GetUID())
		}
		if err := w.adopt(next); err != nil {
			return nil, err
		}
		return next, w.checkName(next)
	})
	if err != nil {
		return nil, err
	}
	return r.answer(code, rec)
}

// patches are the forms of patches that a resource takes.
func (r *resource) patches() []string {
	forms := []string{string(types.JSONPatchType), string(types.MergePatchType)}
	if r.typed != nil {
		forms = append(forms, string(types.StrategicMergePatchType))
	}
	return append(forms, string(types.ApplyPatchType))
}

// patch makes the next state of an object out of the current one.
type patch struct {
	*request

	write  *write
	strict []string // what strict validation of fields complains about
}

// merge is what all patches but server-side apply do.
func (p *patch) merge(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	p.strict = nil
	before := appendObject(nil, current.Object, nil)
	how := map[string]func([]byte) ([]byte, error){
		string(types.JSONPatchType): p.json, string(types.MergePatchType): p.mergeJSON, string(types.StrategicMergePatchType): p.strategic,
	}[p.contentType]
	after, err := how(before)
	if err != nil {
		return nil, err
	}
	object, _, strict, err := p.resource.decode(after, p.write.validation)
	if strict = append(p.strict, strict...); err == nil && len(strict) > 0 && p.write.validation == metav1.FieldValidationStrict {
		err = fmt.Errorf("strict decoding error: %s", strings.Join(strict, ", "))
	}
	if err != nil {
		return nil, apierrors.NewInvalid(schema.GroupKind{}, "", field.ErrorList{field.Invalid(field.NewPath("patch"), string(after), err.Error())})
	}
	p.warn(strict...)
	next := &unstructured.Unstructured{Object: object}
	return next, p.write.resource.managed.updated(p.write, current, next)
}

// maxOperations is how many operations a JSON patch may have.
const maxOperations = 10_000

func (p *patch) json(current []byte) ([]byte, error) {
	if err := p.check(&[]jsonOperation{}, "json patch "); err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(p.body)
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

type jsonOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	From  string `json:"from"`
	Value any    `json:"value"`
}

func (p *patch) mergeJSON(current []byte) ([]byte, error) {
	if err := p.check(&map[string]any{}, ""); err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(current, p.body)
	if errors.Is(err, jsonpatch.ErrBadJSONPatch) {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return after, err
}

func (p *patch) strategic(current []byte) ([]byte, error) {
	if err := p.check(&map[string]any{}, ""); err != nil {
		return nil, err
	}
	after, err := strategicpatch.StrategicMergePatch(current, p.body, p.resource.typed())
	switch {
	case errors.Is(err, mergepatch.ErrNoListOfLists), errors.Is(err, mergepatch.ErrPatchContentNotMatchRetainKeys):
		return nil, generic(http.StatusUnprocessableEntity, err)
	case isAny(err, mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat):
		return nil, apierrors.NewBadRequest(err.Error())
	}
	return after, err
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// check reads a patch, of which some libraries would accept what is none, and notes the
// fields that it has twice.
func (p *patch) check(into any, prefix string) error {
	if p.write.validation == metav1.FieldValidationIgnore {
		if !json.Valid(p.body) {
			return apierrors.NewBadRequest("error decoding patch: it is no JSON")
		}
		return nil
	}
	twice, err := sigsjson.UnmarshalStrict(p.body, into)
	if err != nil {
		return apierrors.NewBadRequest("error decoding patch: " + err.Error())
	}
	for _, err := range twice {
		p.strict = append(p.strict, prefix+err.Error())
	}
	return nil
}

// generic is an error that the server has no reason of its own for.
func generic(code int, err error) error {
	return apierrors.NewGenericServerResponse(code, "", schema.GroupResource{}, "", err.Error(), 0, false)
}

// apply is server-side apply.
func (p *patch) apply(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	applied, twice, err := decodeApplied(p.body)
	if err != nil || applied == nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding YAML: %v", err))
	}
	live := current
	if current == nil {
		if live, err = p.resource.blank(); err != nil {
			return nil, err
		}
	}
	next, err := p.resource.managed.applied(p.write, live.DeepCopy(), &unstructured.Unstructured{Object: applied}, p.query.Has("force") && isTrue(p.query.Get("force")))
	if err != nil {
		return nil, err
	}
	if twice != nil {
		switch p.write.validation {
		case metav1.FieldValidationStrict:
			return nil, apierrors.NewBadRequest("error strict decoding YAML: " + twice.Error())
		case metav1.FieldValidationWarn:
			p.warn(twice.Error())
		}
	}
	if current != nil && sameButManagers(next.Object, current.Object) {
		return next, nil // it gets no defaults, which this version may have and the stored one not
	}
	return next, p.write.normalise(next)
}

// sameButManagers reports whether two states of an object differ in nothing but the managers of fields.
func sameButManagers(next, current map[string]any) bool {
	a, b := maps.Clone(next), maps.Clone(current)
	for _, object := range []map[string]any{a, b} {
		metadata := maps.Clone(child(object, "metadata"))
		delete(metadata, "managedFields")
		object["metadata"] = metadata
	}
	return equal(a, b)
}
