package repository

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
)

// FromDynamic returns the repository of a kind without a Go type: its objects are maps. It is for
// kinds that are known at run time only. client may be a fake. Objects for Create and Ensure need
// apiVersion and kind; Apply sets them.
func FromDynamic(client dynamic.Interface, gvr schema.GroupVersionResource, gvk schema.GroupVersionKind, opts ...Option) *Live[*unstructured.Unstructured] {
	l := fromClient[*unstructured.Unstructured, *unstructured.UnstructuredList](client, gvk, func(namespace string) dynamicClient {
		if namespace == "" {
			return dynamicClient{client.Resource(gvr)}
		}
		return dynamicClient{client.Resource(gvr).Namespace(namespace)}
	}, scopeUnknown, opts)
	l.resource = gvr
	return l
}

// FromMetadata returns the repository of the metadata of a kind: everything else is neither
// fetched nor cached. client may be a fake. Its objects can be read, patched and deleted, which
// is all that finalizers need. Create returns an error.
func FromMetadata(client metadata.Interface, gvr schema.GroupVersionResource, gvk schema.GroupVersionKind, opts ...Option) *Live[*metav1.PartialObjectMetadata] {
	l := fromClient[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList](client, gvk, func(namespace string) metadataClient {
		if namespace == "" {
			return metadataClient{client.Resource(gvr), gvr}
		}
		return metadataClient{client.Resource(gvr).Namespace(namespace), gvr}
	}, scopeUnknown, opts)
	l.resource = gvr
	return l
}

// dynamicClient gives client-go's dynamic client the methods of generated ones.
type dynamicClient struct{ in dynamic.ResourceInterface }

func (d dynamicClient) Create(ctx context.Context, obj *unstructured.Unstructured, opts metav1.CreateOptions) (*unstructured.Unstructured, error) {
	return d.in.Create(ctx, obj, opts)
}

func (d dynamicClient) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return d.in.Delete(ctx, name, opts)
}

func (d dynamicClient) Get(ctx context.Context, name string, opts metav1.GetOptions) (*unstructured.Unstructured, error) {
	return d.in.Get(ctx, name, opts)
}

func (d dynamicClient) List(ctx context.Context, opts metav1.ListOptions) (*unstructured.UnstructuredList, error) {
	return d.in.List(ctx, opts)
}

func (d dynamicClient) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, sub ...string) (*unstructured.Unstructured, error) {
	return d.in.Patch(ctx, name, pt, data, opts, sub...)
}

func (d dynamicClient) Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return d.in.Watch(ctx, opts)
}

// metadataClient gives client-go's metadata client the methods of generated ones.
type metadataClient struct {
	in  metadata.ResourceInterface
	gvr schema.GroupVersionResource
}

func (m metadataClient) Create(_ context.Context, obj *metav1.PartialObjectMetadata, _ metav1.CreateOptions) (*metav1.PartialObjectMetadata, error) {
	return nil, apierrors.NewMethodNotSupported(m.gvr.GroupResource(), "create "+obj.Name+" from its metadata alone")
}

func (m metadataClient) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return m.in.Delete(ctx, name, opts)
}

func (m metadataClient) Get(ctx context.Context, name string, opts metav1.GetOptions) (*metav1.PartialObjectMetadata, error) {
	return m.in.Get(ctx, name, opts)
}

func (m metadataClient) List(ctx context.Context, opts metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
	return m.in.List(ctx, opts)
}

func (m metadataClient) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, sub ...string) (*metav1.PartialObjectMetadata, error) {
	return m.in.Patch(ctx, name, pt, data, opts, sub...)
}

func (m metadataClient) Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return m.in.Watch(ctx, opts)
}
