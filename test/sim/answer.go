package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/kuberator/kuberator/test/internal/answer"
)

// errNotServed is a path that nothing answers. The server says it in plain text.
var errNotServed = errors.New("404 page not found")

// routeError is how the router of the kinds that are compiled in refuses a request.
func routeError(code int, message string) error {
	return apierrors.NewGenericServerResponse(code, "", schema.GroupResource{}, "", message, 0, false)
}

// failed is the answer to a request that could not be served. An error is returned if there
// is no client to answer.
func failed(err error, header http.Header) (*http.Response, error) {
	if errors.Is(err, errSevered) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil, err
	}
	if errors.Is(err, errNotServed) {
		return answer.New(http.StatusNotFound, "text/plain; charset=utf-8", []byte(errNotServed.Error()+"\n")), nil
	}
	status := metav1.Status{Status: metav1.StatusFailure, Code: http.StatusInternalServerError, Message: err.Error()}
	if known := apierrors.APIStatus(nil); errors.As(err, &known) {
		status = known.Status()
	}
	media, body := errorMedia(header), statusBody(status)
	switch media {
	case mediaYAML:
		body, err = yaml.JSONToYAML(body)
	case mediaProtobuf:
		body, err = runtime.Encode(protobufs, &status)
	default:
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("encode a Status: %w", err)
	}
	response := answer.New(int(status.Code), media, body)
	answer.RetryAfter(response, status)
	return response, nil
}

var protobufs = scheme.Codecs.CodecForVersions(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), nil, schema.GroupVersion{Version: "v1"}, nil)

func statusBody(status metav1.Status) []byte {
	status.Kind, status.APIVersion = "Status", "v1"
	body, err := json.Marshal(status)
	if err != nil {
		panic(err) //nolint:forbidigo // a struct of texts and numbers
	}
	return body
}

// write gives a body of JSON the form that the client asked for.
func (r *request) write(code int, body []byte) (*http.Response, error) {
	if r.form.media != mediaYAML {
		return answer.New(code, mediaJSON, body), nil
	}
	body, err := yaml.JSONToYAML(body)
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return answer.New(code, mediaYAML, body), nil
}

// answer is an object, in the version and the form that the client asked for.
func (r *request) answer(code int, rec *record) (*http.Response, error) {
	switch {
	case r.form.as == "PartialObjectMetadataList":
		return nil, fmt.Errorf("object of kind %s is no list", r.resource.gvk.Kind)
	case r.form.as == asTable:
		body, err := r.table([]*record{rec}, metav1.ListMeta{ResourceVersion: rec.view().GetResourceVersion()}, true)
		if err != nil {
			return nil, err
		}
		return r.write(code, body)
	case r.form.media == mediaProtobuf:
		return r.protobufObject(code, rec)
	}
	return r.write(code, r.encode(nil, rec, true))
}

// encode appends an object's JSON, in the version and the form that the client asked for.
// A kind that is compiled in is not named in a list of its objects.
func (r *request) encode(out []byte, rec *record, named bool) []byte {
	if r.form.as != "" {
		return r.metadataOnly(out, rec)
	}
	return r.encodeAll(out, rec, named)
}

// metadataOnly appends the JSON of the object that has only the metadata of another one.
func (r *request) metadataOnly(out []byte, rec *record) []byte {
	out = append(appendText(append(out, `{"kind":"PartialObjectMetadata","apiVersion":`...), r.form.group), `,"metadata":`...)
	return append(appendValue(out, r.resource.read(rec).object["metadata"]), '}')
}

// presented is a state as this request sees it.
func (r *request) presented(rec *record) *record {
	rec = r.resource.read(rec)
	var o *unstructured.Unstructured
	if c := r.resource.custom; c != nil && c.schema != c.stored {
		o, _ = r.resource.view(rec)
	}
	if shown := r.resource.rules.shown; shown != nil && !r.asStored {
		o = rec.copy()
		shown(o.Object)
	}
	if o == nil {
		return rec
	}
	return &record{object: o.Object, raw: appendObject(nil, o.Object, isTypeMeta)}
}

func (r *request) encodeAll(out []byte, rec *record, named bool) []byte {
	rec = r.presented(rec)
	if !named && r.resource.typed != nil {
		return append(out, rec.raw...)
	}
	apiVersion, kind := r.resource.gvk.ToAPIVersionAndKind()
	out = append(appendText(append(out, `{"kind":`...), kind), `,"apiVersion":`...)
	if out = appendText(out, apiVersion); len(rec.raw) > len("{}") {
		out = append(out, ',')
	}
	return append(out, rec.raw[1:]...)
}

// removed is the answer to a deletion after which the object is gone.
func (r *request) removed(rec *record) (*http.Response, error) {
	status := metav1.Status{Status: metav1.StatusSuccess, Details: &metav1.StatusDetails{
		Name: rec.view().GetName(), Group: r.resource.gvk.Group, Kind: r.resource.plural, UID: rec.view().GetUID(),
	}}
	if r.form.media == mediaProtobuf {
		body, err := runtime.Encode(protobufs, &status)
		if err != nil {
			return nil, fmt.Errorf("encode a Status: %w", err)
		}
		return answer.New(http.StatusOK, mediaProtobuf, body), nil
	}
	return r.write(http.StatusOK, statusBody(status))
}

func keyOf(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}
