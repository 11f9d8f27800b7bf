package repository

import (
	"context"
	"encoding/json"
	"fmt"

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
	answer := l.request(opts).SetHeader("Accept", asMetadata).MaxRetries(0).Do(ctx)
	if err := answer.Error(); err != nil {
		return nil, err
	}
	raw, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	// managedFields are the larger part, and left out.
	var page struct {
		metav1.ListMeta `json:"metadata"`
		Items           []struct {
			Metadata struct {
				Namespace       string `json:"namespace"`
				Name            string `json:"name"`
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		} `json:"items"`
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return nil, fmt.Errorf("decode the list of metadata: %w", err)
	}
	list := &metav1.PartialObjectMetadataList{ListMeta: page.ListMeta, Items: make([]metav1.PartialObjectMetadata, len(page.Items))}
	for n, item := range page.Items {
		m := item.Metadata
		list.Items[n].ObjectMeta = metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, ResourceVersion: m.ResourceVersion}
	}
	return list, nil
}
