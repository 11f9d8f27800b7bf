package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kuberator/kuberator/test/sim/internal/tables"
)

// scaling is where the objects of a kind of a CustomResourceDefinition have what the subresource
// scale shows.
type scaling struct {
	SpecReplicasPath, StatusReplicasPath, LabelSelectorPath string
}

// scales reports whether a kind has the subresource scale.
func (r *resource) scales() bool {
	return scalable.Has(r.gr().String()) || r.custom != nil && r.custom.scaling != nil
}

func fieldsOfPath(path string) []string { return strings.Split(strings.TrimPrefix(path, "."), ".") }

// scaleCustom serves the subresource of a kind of a CustomResourceDefinition.
func (s *Server) scaleCustom(r *request) (*http.Response, error) {
	at, code := r.resource.custom.scaling, http.StatusOK
	rec := s.store.get(r.resource.gr(), r.key())
	if rec == nil {
		return nil, apierrors.NewNotFound(r.resource.gr(), r.name)
	}
	if r.verb != "get" {
		w, err := r.options()
		if err != nil {
			return nil, err
		}
		rec, code, err = s.modify(w, false, func(current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
			return r.scaledCustom(w, current)
		})
		if err != nil {
			return nil, err
		}
	}
	scale, found := at.show(r.resource.read(rec).view())
	if !found {
		return nil, apierrors.NewInternalError(fmt.Errorf("the spec replicas field %q does not exist", at.SpecReplicasPath))
	}
	return r.writeScale(code, scale)
}

// show is what the subresource shows of an object; found is false if the object does not say how
// many replicas are wanted.
func (at *scaling) show(o *unstructured.Unstructured) (scale *autoscalingv1.Scale, found bool) {
	wanted, found, _ := unstructured.NestedInt64(o.Object, fieldsOfPath(at.SpecReplicasPath)...)
	running, _, _ := unstructured.NestedInt64(o.Object, fieldsOfPath(at.StatusReplicasPath)...)
	selector, _, _ := unstructured.NestedString(o.Object, fieldsOfPath(at.LabelSelectorPath)...)
	return newScale(o, wanted, running, selector), found
}

// scaledCustom is an object with as many replicas as the request wants.
func (r *request) scaledCustom(w *write, current *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	at := r.resource.custom.scaling
	shown, _ := at.show(current)
	next, err := r.rescaled(w, current, shown, fieldsOfPath(at.SpecReplicasPath)...)
	if err == nil && next.GetResourceVersion() == "" { // a Scale need not say which state it is about
		next.SetResourceVersion(current.GetResourceVersion())
	}
	return next, err
}

// validate says what is wrong with what the subresource shows of an object.
func (at *scaling) validate(object map[string]any) (errs field.ErrorList) {
	if at == nil {
		return nil
	}
	for _, path := range []string{at.SpecReplicasPath, at.StatusReplicasPath} {
		n, _, err := unstructured.NestedInt64(object, fieldsOfPath(path)...)
		switch {
		case err != nil:
			errs = append(errs, field.Invalid(field.NewPath(path), n, err.Error()))
		case n < 0:
			errs = append(errs, field.Invalid(field.NewPath(path), n, "should be a non-negative integer"))
		case n > math.MaxInt32:
			errs = append(errs, field.Invalid(field.NewPath(path), n, fmt.Sprintf("should be less than or equal to %v", math.MaxInt32)))
		}
	}
	if path := at.LabelSelectorPath; path != "" {
		if _, _, err := unstructured.NestedString(object, fieldsOfPath(path)...); err != nil {
			errs = append(errs, field.Invalid(field.NewPath(path), "", err.Error()))
		}
	}
	return errs
}

// writeScale answers with a Scale, in the form that the client asked for.
func (r *request) writeScale(code int, scale *autoscalingv1.Scale) (*http.Response, error) {
	if r.form.media == mediaProtobuf || r.form.as != asTable {
		return r.writeTyped(code, scales.gvk, scale)
	}
	body, err := json.Marshal(scale)
	if err == nil {
		body, err = r.scaleTable(scale.ResourceVersion, body)
	}
	if err != nil {
		return nil, fmt.Errorf("encode a Scale: %w", err)
	}
	return r.write(code, body)
}

func (r *request) scaleTable(version string, scale []byte) ([]byte, error) {
	columns := tables.For(autoscalingv1.SchemeGroupVersion.WithKind("Scale").GroupKind())
	object, err := decodeObject(scale)
	if err != nil {
		return nil, err
	}
	row, err := columns.Row(object)
	if err != nil {
		return nil, err
	}
	row.Object.Raw, err = json.Marshal(map[string]any{"kind": "PartialObjectMetadata", "apiVersion": r.form.group, "metadata": object["metadata"]})
	if err != nil {
		return nil, err
	}
	return json.Marshal(&metav1.Table{
		TypeMeta: metav1.TypeMeta{Kind: asTable, APIVersion: r.form.group}, ListMeta: metav1.ListMeta{ResourceVersion: version},
		ColumnDefinitions: columns.Definitions, Rows: []metav1.TableRow{row},
	})
}
