package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// decoderBuffer is how far the decoder looks to tell JSON from YAML.
const decoderBuffer = 4096

// decode returns the objects in the documents, each of which is YAML or JSON and
// may hold several, parted by a line of three dashes. The items of a List count as
// objects. Empty documents are skipped.
func decode(documents [][]byte) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	number := 0
	for _, document := range documents {
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(document), decoderBuffer)
		for {
			number++
			object := &unstructured.Unstructured{}
			err := decoder.Decode(&object.Object)
			if errors.Is(err, io.EOF) {
				number--
				break
			}
			if err != nil {
				return nil, fmt.Errorf("document %d: %w", number, err)
			}
			if len(object.Object) == 0 {
				continue
			}
			if objects, err = appendObject(objects, object); err != nil {
				return nil, fmt.Errorf("document %d: %w", number, err)
			}
		}
	}
	return objects, nil
}

// appendObject appends the object, or the items if it is a list.
func appendObject(objects []*unstructured.Unstructured, object *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if object.IsList() {
		err := object.EachListItem(func(item runtime.Object) error {
			var err error
			objects, err = appendObject(objects, item.(*unstructured.Unstructured))
			return err
		})
		return objects, err
	}
	switch {
	case object.GetKind() == "":
		return nil, errors.New("it has no kind")
	case object.GetAPIVersion() == "":
		return nil, fmt.Errorf("%s %s has no apiVersion", object.GetKind(), object.GetName())
	case object.GetName() == "":
		return nil, fmt.Errorf("%s of %s has no name", object.GetKind(), object.GetAPIVersion())
	}
	return append(objects, object), nil
}

// describe names an object in an error.
func describe(object *unstructured.Unstructured) string {
	if object.GetNamespace() == "" {
		return object.GetKind() + " " + object.GetName()
	}
	return object.GetKind() + " " + object.GetNamespace() + "/" + object.GetName()
}
