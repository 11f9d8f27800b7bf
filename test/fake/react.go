package fake

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	clienttesting "k8s.io/client-go/testing"
)

// notServed is an object of a kind that neither the scheme nor a CRD has.
type notServed struct{ gvk schema.GroupVersionKind }

func (e *notServed) Error() string {
	return fmt.Sprintf("the kind %s is not served: it must be in the scheme or in a CRD", e.gvk)
}

func isMissing(err error) bool { return apierrors.IsNotFound(err) }

// react answers a call other than a watch.
func (h *hardened) react(action clienttesting.Action) (bool, runtime.Object, error) {
	in, err := h.resource(action)
	if err != nil {
		return true, nil, err
	}
	var subresources []string
	if s := action.GetSubresource(); s != "" {
		subresources = []string{s}
	}
	switch a := action.(type) {
	case clienttesting.CreateActionImpl:
		return h.create(in, a, subresources)
	case clienttesting.UpdateActionImpl:
		o, err := h.untyped(a.GetObject())
		if err != nil {
			return true, nil, err
		}
		got, err := in.Update(h.ctx, o, a.GetUpdateOptions(), subresources...)
		return h.answer(got, err)
	case clienttesting.PatchActionImpl:
		options := a.GetPatchOptions()
		if options.FieldManager == "" {
			options.FieldManager = defaultManager
		}
		got, err := in.Patch(h.ctx, a.GetName(), a.GetPatchType(), a.GetPatch(), options, subresources...)
		return h.answer(got, err)
	case clienttesting.GetActionImpl:
		got, err := in.Get(h.ctx, a.GetName(), a.GetGetOptions(), subresources...)
		return h.answer(got, err)
	case clienttesting.ListActionImpl:
		got, err := in.List(h.ctx, listOptions(a.GetListOptions(), a.GetListRestrictions().Labels.String(), a.GetListRestrictions().Fields.String()))
		if err != nil {
			return true, nil, err
		}
		list, err := h.shape.list(got)
		return true, list, err
	case clienttesting.DeleteActionImpl:
		return true, nil, in.Delete(h.ctx, a.GetName(), a.GetDeleteOptions(), subresources...)
	case clienttesting.DeleteCollectionActionImpl:
		options := listOptions(a.GetListOptions(), a.GetListRestrictions().Labels.String(), a.GetListRestrictions().Fields.String())
		return true, nil, in.DeleteCollection(h.ctx, a.GetDeleteOptions(), options)
	}
	return true, nil, fmt.Errorf("test/fake: %s %s is not simulated: prepend a reactor for it", action.GetVerb(), describe(action))
}

// defaultManager is what the fields of who names no manager are managed by.
const defaultManager = "fake"

func describe(action clienttesting.Action) string {
	name := action.GetResource().GroupResource().String()
	if s := action.GetSubresource(); s != "" {
		name += "/" + s
	}
	return name
}

// create creates an object, and its namespace with it.
func (h *hardened) create(in dynamic.ResourceInterface, a clienttesting.CreateActionImpl, subresources []string) (bool, runtime.Object, error) {
	if len(subresources) > 0 {
		return true, nil, fmt.Errorf("test/fake: create %s is not simulated: prepend a reactor for it", describe(a))
	}
	o, err := h.untyped(a.GetObject())
	if err != nil {
		return true, nil, err
	}
	if a.GetNamespace() != "" {
		if err := h.server.AddNamespace(a.GetNamespace()); err != nil {
			return true, nil, err
		}
	}
	got, err := in.Create(h.ctx, o, a.GetCreateOptions())
	return h.answer(got, err)
}

// resource is where a call goes.
func (h *hardened) resource(action clienttesting.Action) (dynamic.ResourceInterface, error) {
	gvr := action.GetResource()
	if _, ok := h.server.KindFor(gvr); !ok {
		return nil, apierrors.NewGenericServerResponse(404, action.GetVerb(), gvr.GroupResource(), "", "the server has no "+gvr.String(), 0, true)
	}
	if action.GetNamespace() == "" {
		return h.client.Resource(gvr), nil
	}
	return h.client.Resource(gvr).Namespace(action.GetNamespace()), nil
}

func (h *hardened) answer(got *unstructured.Unstructured, err error) (bool, runtime.Object, error) {
	if err != nil {
		return true, nil, err
	}
	object, err := h.shape.object(got)
	return true, object, err
}

// untyped returns an object as a client sends it.
func (h *hardened) untyped(object runtime.Object) (*unstructured.Unstructured, error) {
	if o, ok := object.(*unstructured.Unstructured); ok {
		return o.DeepCopy(), nil
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("convert %T: %w", object, err)
	}
	o := &unstructured.Unstructured{Object: content}
	if gvk := object.GetObjectKind().GroupVersionKind(); !gvk.Empty() {
		o.SetGroupVersionKind(gvk)
		return o, nil
	}
	gvks, _, err := h.scheme.ObjectKinds(object)
	if err != nil {
		return nil, err
	}
	o.SetGroupVersionKind(gvks[0])
	return o, nil
}

// listOptions has the selectors that a fake keeps apart.
func listOptions(options metav1.ListOptions, labels, fields string) metav1.ListOptions {
	options.LabelSelector, options.FieldSelector = labels, fields
	return options
}
