package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// request is what a client asks for, read from its HTTP request.
type request struct {
	ctx         context.Context //nolint:containedctx // it stands for an http.Request, which has one too
	session     *Session
	resource    *resource
	verb        string
	namespace   string
	name        string
	subresource string
	query       url.Values
	header      http.Header
	body        []byte
	contentType string
}

func (r *request) key() types.NamespacedName {
	return types.NamespacedName{Namespace: r.namespace, Name: r.name}
}

// maxBody is the size of the largest request that a server reads.
const maxBody = 3 << 20

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }() // it is the client's
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the request's body: %w", err)
	case len(data) > maxBody:
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("limit is %d", maxBody))
	}
	return data, nil
}

// object returns the object in a request's body, as JSON, YAML or, of kinds that are
// compiled in, Protobuf.
func (r *request) object() (map[string]any, error) {
	switch r.contentType {
	case "application/json", "":
		return r.decode(r.body)
	case "application/yaml", "application/apply-patch+yaml":
		data, err := yaml.YAMLToJSON(r.body)
		if err != nil {
			return nil, apierrors.NewBadRequest("error decoding YAML: " + err.Error())
		}
		return r.decode(data)
	case "application/vnd.kubernetes.protobuf":
		if r.resource.typed != nil {
			return decodeProtobuf(r.resource, r.body)
		}
	}
	return nil, unsupportedMedia(r)
}

func (r *request) decode(data []byte) (map[string]any, error) {
	object, err := decodeObject(data)
	if err == nil && object == nil {
		err = errors.New("the body is empty")
	}
	if err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): %v", r.resource.gvk.Kind, err))
	}
	return object, r.checkKind(object)
}

// checkKind complains about an object that is not of the kind that the URL names.
func (r *request) checkKind(object map[string]any) error {
	want := r.resource.gvk
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	if r.resource.typed != nil {
		// What a compiled type can be is known without being said.
		if apiVersion == "" {
			apiVersion = want.GroupVersion().String()
		}
		if kind == "" {
			kind = want.Kind
		}
	}
	if kind == "" {
		return apierrors.NewBadRequest("Object 'Kind' is missing in '" + string(r.body[:min(len(r.body), 100)]) + "'")
	}
	if got := schema.FromAPIVersionAndKind(apiVersion, kind); got != want {
		return apierrors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: the URL is of %s", kind, apiVersion, want.Kind, want.GroupVersion()))
	}
	object["apiVersion"], object["kind"] = apiVersion, kind
	return nil
}

func decodeProtobuf(res *resource, data []byte) (map[string]any, error) {
	typed := res.typed()
	if _, _, err := scheme.Codecs.UniversalDeserializer().Decode(data, &res.gvk, typed); err != nil {
		return nil, apierrors.NewBadRequest("error decoding Protobuf: " + err.Error())
	}
	return untyped(res.gvk, typed)
}

func mediaType(header http.Header) string {
	media, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return header.Get("Content-Type")
	}
	return media
}
