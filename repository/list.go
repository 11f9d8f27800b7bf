package repository

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"

	"github.com/kuberator/kuberator/internal/credentials"
	"github.com/kuberator/kuberator/kerr"
)

// List reads the objects of a namespace, or of all if it is empty, from the API server, as of
// now, page by page. Selectors are taken from opts. It is for decisions that must not miss an
// object that the cache does not have yet, such as what to clean up.
//
// If objects cannot be decoded, the others are returned beside an error that names them. A
// repository that is confined to several namespaces must be given one of them.
func (l *Live[T]) List(ctx context.Context, namespace string, opts metav1.ListOptions) ([]T, error) {
	if err := l.checkList(namespace); err != nil {
		return nil, l.wrap(kerr.OpList, types.NamespacedName{Namespace: namespace}, "", err)
	}
	lw := l.ListerWatcher()
	if namespace != "" {
		lw = l.ListerWatcherIn(namespace)
	}
	objs, err := ListFrom[T](ctx, l.kind, lw, opts)
	return objs, credentials.Mark(l.whose, err)
}

// checkList is check for a list, which has no name. Without a namespace it goes to
// all, or to the only one that there is.
func (l *Live[T]) checkList(namespace string) error {
	if namespace == "" && len(l.namespaces) < 2 {
		return l.err
	}
	return l.check(types.NamespacedName{Namespace: namespace, Name: "any"})
}

// ListFrom is [Live.List] with a ListerWatcher of the kind, such as one of
// informer.Informer.ListerWatchers.
func ListFrom[T Object](ctx context.Context, kind schema.GroupVersionKind, lw cache.ListerWatcher, opts metav1.ListOptions) ([]T, error) {
	var undecodable []error
	if tolerant, ok := lw.(Tolerant); ok {
		tolerant.OnUndecodable(func(err error) { undecodable = append(undecodable, err) })
	}
	var objs []T
	list, _, err := pager.New(cache.ToListerWatcherWithContext(lw).ListWithContext).List(ctx, opts)
	if err == nil {
		err = meta.EachListItem(list, func(obj runtime.Object) error {
			typed, ok := obj.(T)
			if !ok {
				return fmt.Errorf("the list has a %T", obj)
			}
			objs = append(objs, typed)
			return nil
		})
	}
	if err = errors.Join(append(undecodable, err)...); err != nil {
		err = kerr.New(kerr.OpList, kind, types.NamespacedName{}, "", err)
	}
	return objs, err
}
