package repository

import (
	"context"
	"errors"
	"reflect"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/internal/nilness"
)

// Client has the methods of a generated typed client, such as corev1client.ConfigMapInterface,
// that a repository calls.
type Client[T Object, L runtime.Object] interface { //nolint:interfacebloat // the methods are those of generated clients
	// Create, Delete, Get, List, Patch and Watch are those of the generated client: of one namespace, and with
	// the errors of the API server.
	Create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
	Patch(ctx context.Context, name string, pt types.PatchType, data []byte, opts metav1.PatchOptions, subresources ...string) (T, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// FromClient returns the repository of a namespaced kind over a generated
// clientset, real or fake:
//
//	repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
//
// clientset is needed to find out whether it can stream lists: a fake cannot, and an informer
// that tries would never sync.
//
// For a cluster-scoped kind, whose client takes no namespace, use [FromClusterClient]. Otherwise
// the compiler says:
//
//	type func() v1.NamespaceInterface of cs.CoreV1().Namespaces does not match func(namespace string) C (cannot infer T, L, and C)
//
// If client is nil or the kind is empty, [Live.Err], every request and controller.New return an
// error.
func FromClient[T Object, L runtime.Object, C Client[T, L]](clientset any, gvk schema.GroupVersionKind, client func(namespace string) C, opts ...Option) *Live[T] {
	s := scopeNamespaced
	if client != nil {
		s = scopeOf(client("any"))
	}
	return fromClient[T, L](clientset, gvk, client, s, opts)
}

// scopeOf asks a client that was made for a namespace. Generated ones, real or fake,
// say which namespace they are for: none, if the kind has none.
func scopeOf(client any) scope {
	namespace := "any"
	switch c := client.(type) {
	case interface{ GetNamespace() string }:
		namespace = c.GetNamespace()
	case interface{ Namespace() string }:
		namespace = c.Namespace()
	}
	if namespace == "" {
		return scopeCluster
	}
	return scopeNamespaced
}

// FromClusterClient is like [FromClient] for a cluster-scoped kind:
//
//	repository.FromClusterClient(cs, corev1.SchemeGroupVersion.WithKind("Namespace"), cs.CoreV1().Namespaces())
func FromClusterClient[T Object, L runtime.Object, C Client[T, L]](clientset any, gvk schema.GroupVersionKind, client C, opts ...Option) *Live[T] {
	return fromClient[T, L](clientset, gvk, func(string) C { return client }, scopeCluster, opts)
}

func fromClient[T Object, L runtime.Object, C Client[T, L]](clientset any, gvk schema.GroupVersionKind, client func(string) C, s scope, opts []Option) *Live[T] {
	plural, _ := meta.UnsafeGuessKindToResource(gvk)
	l := &Live[T]{kind: gvk, resource: plural, scope: s, backend: clientBackend[T, L, C]{clientset, client}}
	if reflect.ValueOf(clientset).Comparable() {
		l.whose = clientset
	}
	switch {
	case client == nil, nilness.Is(clientset):
		l.err = errors.New("repository.FromClient: the client is nil")
	case gvk.Kind == "":
		l.err = errors.New("repository.FromClient: the kind is empty")
	}
	return apply(l, opts)
}

type clientBackend[T Object, L runtime.Object, C Client[T, L]] struct {
	clientset any
	client    func(string) C
}

func (b clientBackend[T, L, C]) get(ctx context.Context, key types.NamespacedName) (T, error) {
	return b.client(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
}

func (clientBackend[T, L, C]) raw(context.Context, types.NamespacedName) (*unstructured.Unstructured, error) {
	return nil, errors.ErrUnsupported
}

func (b clientBackend[T, L, C]) create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error) {
	return b.client(obj.GetNamespace()).Create(ctx, obj, opts)
}

func (b clientBackend[T, L, C]) patch(ctx context.Context, key types.NamespacedName, pt types.PatchType, data []byte, opts metav1.PatchOptions, sub ...string) (T, error) {
	return b.client(key.Namespace).Patch(ctx, key.Name, pt, data, opts, sub...)
}

func (b clientBackend[T, L, C]) delete(ctx context.Context, key types.NamespacedName, opts metav1.DeleteOptions) error {
	return b.client(key.Namespace).Delete(ctx, key.Name, opts)
}

func (b clientBackend[T, L, C]) listerWatcher(namespace string) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			return b.client(namespace).List(ctx, opts)
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			return b.client(namespace).Watch(ctx, opts)
		},
	}, b.clientset)
}
