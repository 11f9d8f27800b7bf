package sim

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	smdschema "sigs.k8s.io/structured-merge-diff/v6/schema"

	"github.com/kuberator/kuberator/test/internal/answer"
	"github.com/kuberator/kuberator/test/sim/internal/openapi"
)

// The media types of OpenAPI documents in Protobuf.
const (
	openAPIv2Protobuf    = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
	openAPIv2ProtobufOld = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
	openAPIv3Protobuf    = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf"
	openAPIv3ProtobufOld = "application/com.github.proto-openapi.spec.v3@v1.0+protobuf"
)

// openAPI serves the documents that describe the kinds, which are made for each request.
func (s *Server) openAPI(r *http.Request, path []string) (*http.Response, error) {
	switch {
	case len(path) == 1 && path[0] == "v2":
		document, err := openapi.V2(s.describedKinds(nil), mergeSchema())
		if err != nil {
			return nil, err
		}
		return openAPIDocument(r, document, openapi.ProtobufV2, openAPIv2Protobuf, openAPIv2ProtobufOld)
	case path[0] != "v3":
		return nil, errNotServed
	case len(path) == 1:
		return s.openAPIPaths()
	}
	gv, ok := groupVersionAt(path[1:])
	kinds := s.describedKinds(&gv)
	if !ok || len(kinds) == 0 {
		return nil, errNotServed
	}
	document, err := openapi.V3(kinds, mergeSchema())
	if err != nil {
		return nil, err
	}
	return openAPIDocument(r, document, openapi.ProtobufV3, openAPIv3Protobuf, openAPIv3ProtobufOld)
}

// openAPIPaths says where the documents of version 3 are: one for each group and version.
func (s *Server) openAPIPaths() (*http.Response, error) {
	paths := map[string]any{}
	for _, r := range s.known() {
		path := "apis/" + groupVersion(r.gvk)
		if r.gvk.Group == "" {
			path = "api/" + r.gvk.Version
		}
		paths[path] = map[string]any{"serverRelativeURL": "/openapi/v3/" + path}
	}
	return document(map[string]any{"paths": paths})
}

// groupVersionAt reads api/VERSION and apis/GROUP/VERSION.
func groupVersionAt(path []string) (gv schema.GroupVersion, ok bool) {
	switch {
	case len(path) == 2 && path[0] == "api":
		return schema.GroupVersion{Version: path[1]}, true
	case len(path) == 3 && path[0] == "apis":
		return schema.GroupVersion{Group: path[1], Version: path[2]}, true
	}
	return gv, false
}

func openAPIDocument(r *http.Request, document []byte, encode func([]byte) ([]byte, error), media ...string) (*http.Response, error) {
	if !slices.Contains(media, firstMedia(r.Header.Get("Accept"))) {
		return answer.New(http.StatusOK, mediaJSON, document), nil
	}
	body, err := encode(document)
	if err != nil {
		return nil, err
	}
	return answer.New(http.StatusOK, media[0], body), nil
}

// firstMedia is the media type that a client names first. That of Protobuf has an @ for some, which
// parsers of media types refuse.
func firstMedia(accept string) string {
	first, _, _ := strings.Cut(accept, ",")
	media, _, _ := strings.Cut(first, ";")
	return strings.TrimSpace(media)
}

// describedKinds are the kinds of a group and version, or all, as documents describe them.
func (s *Server) describedKinds(of *schema.GroupVersion) (out []openapi.Kind) {
	for _, r := range s.known() {
		if of != nil && r.gvk.GroupVersion() != *of {
			continue
		}
		kind := openapi.Kind{GVK: r.gvk, ListKind: r.listKind, Plural: r.plural, Namespaced: r.namespaced, Verbs: r.verbs, Status: r.status}
		switch {
		case r.typed != nil:
			kind.Type = reflect.TypeOf(r.typed()).Elem()
			if list, err := scheme.Scheme.New(r.gvk.GroupVersion().WithKind(r.listKind)); err == nil {
				kind.ListType = reflect.TypeOf(list).Elem()
			}
		case r.custom != nil:
			kind.Custom = r.custom.openAPI
		}
		out = append(out, kind)
	}
	return out
}

// mergeSchema is the schema for server-side apply of the kinds that are compiled in; nil if it
// cannot be had.
func mergeSchema() *smdschema.Schema {
	types, err := typeConverter()
	if err != nil {
		return nil
	}
	typed, err := types.ObjectToTyped(&corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}})
	if err != nil {
		return nil
	}
	return typed.Schema()
}

// isOpenAPI returns the rest of a path of an OpenAPI document.
func isOpenAPI(path string) (rest []string, ok bool) {
	after, ok := strings.CutPrefix(path, "openapi/")
	return strings.Split(after, "/"), ok
}
