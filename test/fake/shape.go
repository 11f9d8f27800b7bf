package fake

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// shape is the form in which a clientset has objects.
type shape interface {
	object(o *unstructured.Unstructured) (runtime.Object, error)
	list(l *unstructured.UnstructuredList) (runtime.Object, error)
}

// typedShape is that of generated clientsets: Go types, without their kind, as real clients
// return them.
type typedShape struct{ scheme *runtime.Scheme }

func (s typedShape) object(o *unstructured.Unstructured) (runtime.Object, error) {
	return s.convert(o.GroupVersionKind(), o.Object)
}

func (s typedShape) list(l *unstructured.UnstructuredList) (runtime.Object, error) {
	return s.convert(l.GroupVersionKind(), l.UnstructuredContent())
}

func (s typedShape) convert(gvk schema.GroupVersionKind, content map[string]any) (runtime.Object, error) {
	typed, err := s.scheme.New(gvk)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, typed); err != nil {
		return nil, fmt.Errorf("convert to %T: %w", typed, err)
	}
	typed.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	return typed, nil
}

type unstructuredShape struct{}

func (unstructuredShape) object(o *unstructured.Unstructured) (runtime.Object, error) { return o, nil }

func (unstructuredShape) list(l *unstructured.UnstructuredList) (runtime.Object, error) {
	return l, nil
}

type metadataShape struct{}

func (metadataShape) object(o *unstructured.Unstructured) (runtime.Object, error) {
	partial := &metav1.PartialObjectMetadata{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, partial); err != nil {
		return nil, fmt.Errorf("convert to metadata: %w", err)
	}
	return partial, nil
}

func (s metadataShape) list(l *unstructured.UnstructuredList) (runtime.Object, error) {
	list := &metav1.List{ListMeta: metav1.ListMeta{ResourceVersion: l.GetResourceVersion(), Continue: l.GetContinue()}}
	for i := range l.Items {
		partial, err := s.object(&l.Items[i])
		if err != nil {
			return nil, err
		}
		list.Items = append(list.Items, runtime.RawExtension{Object: partial})
	}
	return list, nil
}
