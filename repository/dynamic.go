package repository

import (
	"context"

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
// is all that finalizers need. Create returns an error. Their TypeMeta is that of gvk, so that events
// can be recorded about them.
func FromMetadata(client metadata.Interface, gvr schema.GroupVersionResource, gvk schema.GroupVersionKind, opts ...Option) *Live[*metav1.PartialObjectMetadata] {
	kind := metav1.TypeMeta{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind}
	l := fromClient[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList](client, gvk, func(namespace string) metadataClient {
		if namespace == "" {
			return metadataClient{client.Resource(gvr), gvr, kind}
		}
		return metadataClient{client.Resource(gvr).Namespace(namespace), gvr, kind}
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
