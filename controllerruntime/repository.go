package controllerruntime

import (
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/kuberator/kuberator/repository"
)

// Repository returns a repository of the kind whose Go type is E, with the rest.Config, the scheme and the mapper of
// a manager:
//
//	shops, err := controllerruntime.Repository[shopv1.Shop](mgr)
//
// It is repository.New, for which the mapper of the manager says the resource, and whether the kind has namespaces.
// It reads and watches by itself: the manager's cache is not used.
//
// # Errors
//
// An error if E is in the scheme under no kind or several. An error if the server does not serve the kind, or cannot
// be asked: the mapper sends a request at its first use. Those of repository.New.
func Repository[E any, T interface {
	*E
	repository.Object
}](mgr manager.Manager, opts ...repository.Option) (*repository.Live[T], error) {
	gvk, err := apiutil.GVKForObject(T(new(E)), mgr.GetScheme())
	if err != nil {
		return nil, fmt.Errorf("new repository of %T: %w", *new(E), err)
	}
	mapping, err := mapping(mgr, gvk)
	if err != nil {
		return nil, fmt.Errorf("new repository of %T: %w", *new(E), err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		opts = append([]repository.Option{repository.ClusterScoped()}, opts...)
	}
	return repository.New[E, T](mgr.GetConfig(), mgr.GetScheme(), mapping.Resource, opts...)
}

func mapping(mgr manager.Manager, gvk schema.GroupVersionKind) (*meta.RESTMapping, error) {
	return mgr.GetRESTMapper().RESTMapping(gvk.GroupKind(), gvk.Version)
}
