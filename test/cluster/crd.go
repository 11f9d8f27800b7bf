package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const (
	// establishTimeout bounds the wait if ctx does not end sooner. It takes less
	// than a second; a minute is for machines that are busy with other tests.
	establishTimeout = time.Minute
	// establishInterval is short against the time a test takes to notice.
	establishInterval = 50 * time.Millisecond
)

// InstallCRDs installs the CustomResourceDefinitions in the documents, or updates
// them, and returns when the server serves every version of each, so that the
// caller can create objects at once. A document is YAML or JSON and may hold
// several definitions, parted by "---": what controller-gen writes.
//
// It works with any cluster. It waits no longer than ctx allows, and a minute at
// most.
//
// # Errors
//
// An error names the definition. It says so if a document holds another kind or
// none, if the server refuses the definition or its names, and what the definition's
// conditions say if it is not established in time.
func InstallCRDs(ctx context.Context, config *rest.Config, crds ...[]byte) error {
	definitions, err := decode(crds)
	if err != nil {
		return fmt.Errorf("installing CRDs: %w", err)
	}
	if len(definitions) == 0 {
		return errors.New("installing CRDs: there are none in the documents")
	}
	for _, definition := range definitions {
		if definition.GetKind() != "CustomResourceDefinition" {
			return fmt.Errorf("installing CRDs: %s is not a CustomResourceDefinition", describe(definition))
		}
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("installing CRDs: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	for _, definition := range definitions {
		resource := client.Resource(crdResource(definition))
		if _, err := resource.Apply(ctx, definition.GetName(), definition, applyOptions()); err != nil {
			return fmt.Errorf("installing CRD %s: %w", definition.GetName(), err)
		}
	}
	for _, definition := range definitions {
		if err := awaitEstablished(ctx, client, definition); err != nil {
			return fmt.Errorf("waiting for CRD %s: %w", definition.GetName(), err)
		}
	}
	return nil
}

func crdResource(definition *unstructured.Unstructured) schema.GroupVersionResource {
	return definition.GroupVersionKind().GroupVersion().WithResource("customresourcedefinitions")
}

func awaitEstablished(ctx context.Context, client dynamic.Interface, definition *unstructured.Unstructured) error {
	ticker := time.NewTicker(establishInterval)
	defer ticker.Stop()
	for {
		pending, err := checkServed(ctx, client, definition)
		if err != nil {
			return err
		}
		if pending == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; it is not served: %s", ctx.Err(), pending)
		case <-ticker.C:
		}
	}
}

// checkServed returns what is still missing, or "" if objects can be created. The
// error is for what waiting will not change.
func checkServed(ctx context.Context, client dynamic.Interface, definition *unstructured.Unstructured) (string, error) {
	current, err := client.Resource(crdResource(definition)).Get(ctx, definition.GetName(), metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if names := condition(current, "NamesAccepted"); names.status == "False" {
		return "", fmt.Errorf("its names are not accepted: %s", names.message)
	}
	established := condition(current, "Established")
	if established.status != "True" {
		return "condition Established is " + established.status + ": " + established.message, nil
	}
	for _, resource := range servedResources(current) {
		// The handler of a version comes a moment after the condition. Whoever may
		// not list gets that answer before the server looks for the handler; that is
		// all such a caller can learn.
		_, err := client.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
		if apierrors.IsNotFound(err) {
			return resource.GroupVersion().String() + " is not there yet", nil
		}
		if err != nil && !apierrors.IsForbidden(err) {
			return "listing " + resource.String() + ": " + err.Error(), nil
		}
	}
	return "", nil
}

// servedResources returns the resource of every version that is served.
func servedResources(definition *unstructured.Unstructured) []schema.GroupVersionResource {
	group, _, _ := unstructured.NestedString(definition.Object, "spec", "group")
	plural, _, _ := unstructured.NestedString(definition.Object, "spec", "names", "plural")
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	var resources []schema.GroupVersionResource
	for _, version := range versions {
		fields, _ := version.(map[string]any)
		name, _, _ := unstructured.NestedString(fields, "name")
		if served, _, _ := unstructured.NestedBool(fields, "served"); served {
			resources = append(resources, schema.GroupVersionResource{Group: group, Version: name, Resource: plural})
		}
	}
	return resources
}

type conditionText struct{ status, message string }

// condition returns the condition of that type, or status Unknown if the server
// has not set it.
func condition(object *unstructured.Unstructured, kind string) conditionText {
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		fields, _ := entry.(map[string]any)
		if fields["type"] != kind {
			continue
		}
		status, _, _ := unstructured.NestedString(fields, "status")
		message, _, _ := unstructured.NestedString(fields, "message")
		return conditionText{status, message}
	}
	return conditionText{status: "Unknown"}
}
