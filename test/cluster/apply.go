package cluster

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// fieldManager owns the fields that this package applies.
const fieldManager = "kuberator-cluster"

// ApplyYAML makes the objects in the documents exist as they are written there,
// whether or not they exist already: roles and bindings, namespaces, samples. A
// document is YAML or JSON and may hold several objects, parted by "---". They are
// applied in the order given, by server-side apply, and fields that others own are
// taken over.
//
// It works with any cluster, and as whoever config is. A namespaced object must
// name its namespace. To install a CustomResourceDefinition and use it at once, see
// [InstallCRDs].
//
// # Errors
//
// An error names the object, or the number of the document that cannot be read. It
// ends the call: what comes before it has been applied, what follows has not.
func ApplyYAML(ctx context.Context, config *rest.Config, documents ...[]byte) error {
	objects, err := decode(documents)
	if err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	discoverer, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return fmt.Errorf("applying: %w", err)
	}
	groups, err := restmapper.GetAPIGroupResources(discoverer)
	if err != nil {
		return fmt.Errorf("applying: asking the server for its kinds: %w", err)
	}
	mapper := restmapper.NewDiscoveryRESTMapper(groups)
	for _, object := range objects {
		if err := applyObject(ctx, client, mapper, object); err != nil {
			return fmt.Errorf("applying %s: %w", describe(object), err)
		}
	}
	return nil
}

func applyObject(ctx context.Context, client dynamic.Interface, mapper meta.RESTMapper, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		return fmt.Errorf("the server has no kind %s in %s; is its CustomResourceDefinition installed? %w",
			kind.Kind, kind.GroupVersion(), err)
	}
	if err != nil {
		return err
	}
	resource := dynamic.ResourceInterface(client.Resource(mapping.Resource))
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		if object.GetNamespace() == "" {
			return fmt.Errorf("a %s is namespaced and this one names no namespace", kind.Kind)
		}
		resource = client.Resource(mapping.Resource).Namespace(object.GetNamespace())
	}
	_, err = resource.Apply(ctx, object.GetName(), object, applyOptions())
	return err
}

func applyOptions() metav1.ApplyOptions {
	return metav1.ApplyOptions{FieldManager: fieldManager, Force: true}
}
