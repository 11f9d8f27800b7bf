package repository

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MetadataLister is an optional interface that can be implemented by a cache.ListerWatcher. If
// implemented, ListMetadata lists names and resourceVersions only, for which an API server does
// not have to send whole objects.
type MetadataLister interface {
	ListMetadata(ctx context.Context, opts metav1.ListOptions) (*metav1.PartialObjectMetadataList, error)
}

// asMetadata asks for metadata, and for whole objects from a server that has nothing less.
const asMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"

// ListMetadata implements [MetadataLister]. What it lists are objects that cannot be decoded, too.
func (l *tolerantListWatch[T]) ListMetadata(ctx context.Context, opts metav1.ListOptions) (*metav1.PartialObjectMetadataList, error) {
	list := &metav1.PartialObjectMetadataList{}
	err := readList(ctx, l.request(opts).SetHeader("Accept", asMetadata), &list.TypeMeta, &list.ListMeta, func(item []byte) error {
		head, err := headOf(item)
		list.Items = append(list.Items, metav1.PartialObjectMetadata{ObjectMeta: head})
		return err
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}
