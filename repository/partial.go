package repository

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
)

// metadataClient gives client-go's metadata client the methods of generated ones. It sets the kind of the
// objects, which the server does not say; package informer does that for what is watched.
type metadataClient struct {
	in   metadata.ResourceInterface
	gvr  schema.GroupVersionResource
	kind metav1.TypeMeta
}

func (m metadataClient) Create(_ context.Context, obj *metav1.PartialObjectMetadata, _ metav1.CreateOptions) (*metav1.PartialObjectMetadata, error) {
	return nil, apierrors.NewMethodNotSupported(m.gvr.GroupResource(), "create "+obj.Name+" from its metadata alone")
}

func (m metadataClient) Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error {
	return m.in.Delete(ctx, name, opts)
}

func (m metadataClient) Get(ctx context.Context, name string, opts metav1.GetOptions) (*metav1.PartialObjectMetadata, error) {
	return m.named(m.in.Get(ctx, name, opts))
}

func (m metadataClient) List(ctx context.Context, opts metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
	list, err := m.in.List(ctx, opts)
	if err != nil {
		return nil, err
	}
	for i := range list.Items {
		list.Items[i].TypeMeta = m.kind
	}
	return list, nil
}

func (m metadataClient) Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, sub ...string) (*metav1.PartialObjectMetadata, error) {
	return m.named(m.in.Patch(ctx, name, pt, data, opts, sub...))
}

func (m metadataClient) Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
	return m.in.Watch(ctx, opts)
}

func (m metadataClient) named(obj *metav1.PartialObjectMetadata, err error) (*metav1.PartialObjectMetadata, error) {
	if err != nil {
		return nil, err
	}
	obj.TypeMeta = m.kind
	return obj, nil
}
