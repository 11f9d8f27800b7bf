package explore

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// user is who takes the steps of a script.
type user struct {
	world   *world
	dynamic dynamic.Interface
}

func (u *user) config() *rest.Config { return u.world.userSession.Config() }

func (u *user) settle(ctx context.Context) error { return u.world.settle(ctx) }

// untyped returns a copy of an object with its kind and a namespace.
func (u *user) untyped(object runtime.Object) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	if from, ok := object.(*unstructured.Unstructured); ok {
		o = from.DeepCopy()
	} else {
		gvks, _, err := u.world.suite.scheme.ObjectKinds(object)
		if err != nil {
			return nil, fmt.Errorf("Case.Scheme does not know %T: %w", object, err)
		}
		if o.Object, err = runtime.DefaultUnstructuredConverter.ToUnstructured(object); err != nil {
			return nil, fmt.Errorf("convert %T: %w", object, err)
		}
		o.SetGroupVersionKind(gvks[0])
	}
	return o, u.place(o)
}

// place gives an object of a namespaced kind a namespace, which is there.
func (u *user) place(o *unstructured.Unstructured) error {
	_, namespaced, err := u.world.mapping(o.GroupVersionKind())
	if err != nil || !namespaced {
		return err
	}
	if o.GetNamespace() == "" {
		o.SetNamespace("default")
	}
	return u.world.server.AddNamespace(o.GetNamespace())
}

// target is the object that a step means, one that is given, or that of T with a name, and its client.
func (u *user) target(object runtime.Object, name string) (*unstructured.Unstructured, dynamic.ResourceInterface, error) {
	if object == nil {
		object = named(u.world.suite.primary, name)
	}
	o, err := u.untyped(object)
	if err != nil {
		return nil, nil, err
	}
	in, err := u.client(o)
	return o, in, err
}

// named is the object of a kind that has a name, or namespace/name.
func named(kind schema.GroupVersionKind, name string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	if namespace, of, ok := strings.Cut(name, "/"); ok {
		o.SetNamespace(namespace)
		name = of
	}
	o.SetName(name)
	return o
}

func (u *user) client(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvr, namespaced, err := u.world.mapping(o.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if namespaced {
		return u.dynamic.Resource(gvr).Namespace(o.GetNamespace()), nil
	}
	return u.dynamic.Resource(gvr), nil
}

// mapping says how the server serves a kind.
func (w *world) mapping(gvk schema.GroupVersionKind) (schema.GroupVersionResource, bool, error) {
	gvr, namespaced, ok := w.server.Mapping(gvk)
	if !ok {
		return gvr, false, fmt.Errorf("the server does not serve %s: add it to Case.Kinds", gvk)
	}
	return gvr, namespaced, nil
}

// newOf returns a new object of a pointer type.
func newOf[O Object]() O {
	return reflect.New(reflect.TypeFor[O]().Elem()).Interface().(O) //nolint:forcetypeassert // it is that type
}
