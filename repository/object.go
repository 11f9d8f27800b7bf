// Package repository reads and writes objects of one kind on the API server.
//
// A [Repository] is made by [New] from a rest.Config, without generated code, or by
// [FromClient] from a generated clientset, fakes included. Every write of the
// library and of user code passes through it: it is where a write is pinned to a
// UID, attributed to the reconcile that sends it, and where its error gets the
// step and the object.
package repository

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// Object is a pointer to an API type, such as *corev1.ConfigMap.
type Object interface {
	comparable
	metav1.Object
	runtime.Object
}

// Patcher patches objects of one kind.
type Patcher[T Object] interface {
	// Patch sends data as a patch of type pt to the object that obj names, or to
	// one of its subresources, and returns the object as the server answers it.
	// Only the name, the namespace and, for errors, the UID of obj are used.
	Patch(ctx context.Context, obj T, pt types.PatchType, data []byte, subresources ...string) (T, error)
}

// Repository is one kind on the API server. Implementations are safe for
// concurrent use and return an error for which k8s.io/apimachinery/pkg/api/errors
// tells the reason.
type Repository[T Object] interface {
	Patcher[T]
	// Get reads the object from the API server, as of now (a quorum read), never
	// from a cache.
	Get(ctx context.Context, key types.NamespacedName) (T, error)
	// Kind returns the kind of T.
	Kind() schema.GroupVersionKind
	// ListerWatcher feeds an informer.
	ListerWatcher() cache.ListerWatcher
}

// Namespaced is an optional interface that can be implemented by a [Repository]
// that can list and watch a single namespace. If implemented, an informer can be
// limited to namespaces.
type Namespaced interface {
	// Namespaces returns the namespaces that the repository is confined to; none
	// means all.
	Namespaces() []string
	// ListerWatcherIn is like ListerWatcher, for one namespace.
	ListerWatcherIn(namespace string) cache.ListerWatcher
}

// Resourced is an optional interface that can be implemented by a [Repository]
// that knows the resource, the lower-case plural in the API server's URLs, of its
// kind.
type Resourced interface {
	Resource() schema.GroupVersionResource
}

// DryRunner is an optional interface that can be implemented by a [Repository] all of
// whose writes may be dry runs. If it reports true, controller.New refuses the repository,
// and package status does not take what it sent for what the server has.
type DryRunner interface {
	DryRun() bool
}

// Key returns the namespace and the name of obj. The namespace is empty for
// cluster-scoped kinds.
func Key(obj metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}
}
