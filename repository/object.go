// Package repository reads and writes objects of one kind on the API server.
//
// [New] makes a [Live] repository from a rest.Config, without generated code; [FromClient] makes
// one from a generated clientset, also a fake. Each write of a Live is noted for the reconcile in
// its ctx, so that later reads and attempts consider it. The errors of a Live are or wrap a
// [*kerr.Error], which says what failed on which object.
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
	// Patch sends data as a patch of type pt to the object that obj names, or to one of its
	// subresources, and returns the object as the server stored it. Of obj only the name, the
	// namespace and, for errors, the UID are used: a patch that must not reach a new object of
	// that name has to test the UID itself.
	Patch(ctx context.Context, obj T, pt types.PatchType, data []byte, subresources ...string) (T, error)
}

// Repository reads and patches the objects of one kind on the API server. [Live] implements it.
// Implementations must be safe for concurrent use, and their errors must work with the functions
// of k8s.io/apimachinery/pkg/api/errors.
type Repository[T Object] interface {
	Patcher[T]
	// Get reads the object from the API server, as of now (a quorum read), never
	// from a cache.
	Get(ctx context.Context, key types.NamespacedName) (T, error)
	// Kind returns the kind of T.
	Kind() schema.GroupVersionKind
	// ListerWatcher returns what an informer lists and watches.
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

// Resourced is an optional interface that can be implemented by a [Repository] that knows the
// resource of its kind: the lower-case plural in the URLs of the API server.
type Resourced interface {
	// Resource returns the group, the version and the plural. It sends no request.
	Resource() schema.GroupVersionResource
}

// DryRunner is an optional interface that can be implemented by a [Repository] all of whose
// writes may be dry runs. If DryRun returns true, controller.New refuses the repository, and
// package status does not remember what it sent.
type DryRunner interface {
	// DryRun reports whether all writes are dry runs.
	DryRun() bool
}

// Authenticated is an optional interface that can be implemented by a [Repository] that knows its credentials. If
// implemented, a controller does not let the objects whose attempts fail for that reason wait for the end of their
// backoff when the server accepts the credentials again.
type Authenticated interface {
	// Unauthenticated reports whether err, or one that it wraps, is of a request that was sent with the credentials
	// of this repository, and that was refused with 401, or not sent since the certificate of the server could not
	// be verified.
	Unauthenticated(err error) bool
}

// Key returns the namespace and the name of obj. The namespace is empty for
// cluster-scoped kinds.
func Key(obj metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: obj.GetNamespace(), Name: obj.GetName()}
}
