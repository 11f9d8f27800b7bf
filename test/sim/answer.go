package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// errNotServed is a path that no resource answers. The server says it in plain text.
var errNotServed = errors.New("404 page not found")

func notServed() (*http.Response, error) { return nil, errNotServed }

// failed is the answer to a request that could not be served. An error that is no API
// status is returned: it is a defect of the simulator, or the request's end.
func failed(err error) (*http.Response, error) {
	if errors.Is(err, errNotServed) {
		response := ok(http.StatusNotFound, []byte(errNotServed.Error()+"\n"))
		response.Header.Set("Content-Type", "text/plain; charset=utf-8")
		return response, nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return nil, err
	}
	response := ok(int(status.Status().Code), statusBody(status.Status()))
	if d := status.Status().Details; d != nil && d.RetryAfterSeconds > 0 {
		response.Header.Set("Retry-After", fmt.Sprint(d.RetryAfterSeconds))
	}
	return response, nil
}

func statusBody(status metav1.Status) []byte {
	status.Kind, status.APIVersion = "Status", "v1"
	body, err := json.Marshal(status)
	if err != nil {
		panic(err) // a struct of texts and numbers
	}
	return body
}

// answer is an object, in the version and the form that the client asked for.
func (r *request) answer(code int, rec *record) (*http.Response, error) {
	body, err := r.encode(rec)
	if err != nil {
		return nil, err
	}
	return ok(code, body), nil
}

// encode returns an object's JSON, in the version and the form that the client asked for.
func (r *request) encode(rec *record) ([]byte, error) {
	if r.metadataOnly() {
		return json.Marshal(map[string]any{"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": rec.object["metadata"]})
	}
	apiVersion := r.resource.gvk.GroupVersion().String()
	if rec.object["apiVersion"] == apiVersion {
		return rec.raw, nil
	}
	other := make(map[string]any, len(rec.object))
	for k, v := range rec.object {
		other[k] = v
	}
	other["apiVersion"] = apiVersion
	return json.Marshal(other)
}

// metadataOnly is what the metadata client asks for.
func (r *request) metadataOnly() bool {
	accept := r.header.Get("Accept")
	return strings.Contains(accept, "as=PartialObjectMetadata;") || strings.Contains(accept, "as=PartialObjectMetadataList;")
}

// removed is the answer to a deletion after which the object is gone.
func (r *request) removed(rec *record) (*http.Response, error) {
	return ok(http.StatusOK, statusBody(metav1.Status{Status: metav1.StatusSuccess, Details: &metav1.StatusDetails{
		Name: rec.view().GetName(), Group: r.resource.gvk.Group, Kind: r.resource.plural, UID: rec.view().GetUID(),
	}})), nil
}

// unsupportedMedia refuses a body in a form that the resource does not take.
func unsupportedMedia(r *request) error {
	accepted := "application/json, application/yaml"
	if r.verb == "patch" {
		accepted = strings.Join(r.resource.patches(), ", ")
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusUnsupportedMediaType, Reason: metav1.StatusReasonUnsupportedMediaType,
		Message: "the body of the request was in an unknown format - accepted media types include: " + accepted,
	}}
}

func keyOf(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// untyped returns a typed object as JSON has it.
func untyped(gvk schema.GroupVersionKind, typed runtime.Object) (map[string]any, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, fmt.Errorf("convert a %s: %w", gvk.Kind, err)
	}
	object["apiVersion"], object["kind"] = gvk.ToAPIVersionAndKind()
	return object, nil
}
