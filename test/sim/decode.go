package sim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	sigsjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// decodeObject reads a JSON object, with whole numbers as int64. A null is a nil map.
func decodeObject(data []byte) (map[string]any, error) {
	var object map[string]any
	err := sigsjson.UnmarshalCaseSensitivePreserveInts(data, &object)
	return object, err
}

// decodeAs reads an object of a media type: JSON, YAML or, of kinds that are compiled in,
// Protobuf.
func (r *resource) decodeAs(media string, body []byte, validation string) (map[string]any, schema.GroupVersionKind, []string, error) {
	switch {
	case media == mediaJSON || media == "":
	case media == mediaYAML:
		data, err := yaml.YAMLToJSON(body)
		if err != nil {
			return nil, schema.GroupVersionKind{}, nil, fmt.Errorf("error converting YAML to JSON: %w", err)
		}
		body = data
	case media == mediaProtobuf && r.typed != nil:
		typed := r.typed()
		if _, _, err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Decode(body, &r.gvk, typed); err != nil {
			return nil, schema.GroupVersionKind{}, nil, err
		}
		object, err := r.untyped(typed)
		return object, r.gvk, nil, err
	default:
		return nil, schema.GroupVersionKind{}, nil, unsupportedMedia(written...)
	}
	return r.decode(body, validation)
}

// decode reads an object from JSON and brings it into the form that its kind has: fields that are
// not known are dropped, and missing ones get their defaults. strict is what strict validation of
// fields complains about. gvk is what the object says that it is.
func (r *resource) decode(data []byte, validation string) (object map[string]any, gvk schema.GroupVersionKind, strict []string, err error) {
	if r.typed != nil {
		return r.decodeTyped(data, validation)
	}
	strict, err = unmarshal(data, &object, validation)
	if err != nil {
		gvk, headErr := r.head(data)
		return nil, gvk, nil, cmp.Or(headErr, err)
	}
	apiVersion, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	if kind == "" {
		return nil, gvk, nil, fmt.Errorf("Object 'Kind' is missing in '%s'", data) //nolint:staticcheck // the server's words
	}
	gvk = schema.FromAPIVersionAndKind(apiVersion, kind)
	unknown, err := r.normaliseCustom(object, gvk)
	if validation != metav1.FieldValidationIgnore {
		for _, path := range unknown {
			strict = append(strict, fmt.Sprintf("unknown field %q", path))
		}
	}
	return object, gvk, strict, err
}

// head reads what an object says that it is. What a compiled type can be is known without
// being said.
func (r *resource) head(data []byte) (gvk schema.GroupVersionKind, err error) {
	var head metav1.TypeMeta
	if err := json.Unmarshal(data, &head); err != nil {
		return gvk, fmt.Errorf("couldn't get version/kind; json parse error: %w", err)
	}
	return r.said(head), nil
}

func (r *resource) said(head metav1.TypeMeta) schema.GroupVersionKind {
	gvk := schema.FromAPIVersionAndKind(head.APIVersion, head.Kind)
	if r.typed != nil && head.APIVersion == "" {
		gvk.Group, gvk.Version = r.gvk.Group, r.gvk.Version
	}
	if r.typed != nil && head.Kind == "" {
		gvk.Kind = r.gvk.Kind
	}
	return gvk
}

func (r *resource) decodeTyped(data []byte, validation string) (map[string]any, schema.GroupVersionKind, []string, error) {
	typed := r.typed()
	strict, err := unmarshal(data, typed, validation)
	apiVersion, kind := typed.GetObjectKind().GroupVersionKind().ToAPIVersionAndKind()
	gvk := r.said(metav1.TypeMeta{APIVersion: apiVersion, Kind: kind})
	if err != nil {
		var headErr error
		if gvk, headErr = r.head(data); headErr != nil {
			return nil, gvk, nil, headErr
		}
	}
	switch {
	case gvk != r.gvk && !scheme.Scheme.Recognizes(gvk):
		return nil, gvk, nil, runtime.NewNotRegisteredErrForKind("pkg/runtime/scheme.go:111", gvk)
	case gvk != r.gvk:
		return nil, gvk, nil, fmt.Errorf("converting (%s.%s) to (%s.%s): unknown conversion", gvk.Version, gvk.Kind, internalPackage(r.gvk.Group), r.gvk.Kind)
	case err != nil:
		return nil, gvk, nil, err
	}
	object, err := r.untyped(typed)
	if o, ok := typed.(metav1.Object); ok && err == nil && o.GetManagedFields() != nil && len(o.GetManagedFields()) == 0 {
		child(object, "metadata")["managedFields"] = []any{} // which resets them, unlike none
	}
	return object, gvk, strict, err
}

// internalPackage is the Go package in which the server has the types of a group.
func internalPackage(group string) string {
	if group == "" {
		return "core"
	}
	name, _, _ := strings.Cut(group, ".")
	return name
}

// unmarshal returns what strict validation says of JSON that is valid, unless it is ignored.
func unmarshal(data []byte, into any, validation string) (strict []string, err error) {
	if validation == metav1.FieldValidationIgnore {
		return nil, sigsjson.UnmarshalCaseSensitivePreserveInts(data, into)
	}
	errs, err := sigsjson.UnmarshalStrict(data, into)
	for _, e := range errs {
		strict = append(strict, e.Error())
	}
	return strict, err
}

// untyped returns a typed object as JSON has it, with the defaults of its kind.
func (r *resource) untyped(typed runtime.Object) (map[string]any, error) {
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return nil, fmt.Errorf("convert a %s: %w", r.gvk.Kind, err)
	}
	object["apiVersion"], object["kind"] = r.gvk.ToAPIVersionAndKind()
	metadata, _ := object["metadata"].(map[string]any)
	if metadata["creationTimestamp"] == nil {
		delete(metadata, "creationTimestamp")
	}
	if r.rules.defaults != nil {
		r.rules.defaults(object)
	}
	return object, nil
}
