package repository_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/metadata"
	metadatafake "k8s.io/client-go/metadata/fake"

	"github.com/kuberator/kuberator/repository"
)

// lamps returns the repository of a kind without a Go type.
func lamps(client dynamic.Interface) *repository.Live[*unstructured.Unstructured] {
	version := schema.GroupVersion{Group: "example.com", Version: "v1"}
	return repository.FromDynamic(client, version.WithResource("lamps"), version.WithKind("Lamp"))
}

// A kind that is known at run time only: its objects are maps.
func ExampleFromDynamic() {
	lamp := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.com/v1", "kind": "Lamp",
		"metadata": map[string]any{"namespace": "default", "name": "desk"},
		"spec":     map[string]any{"watts": int64(40)},
	}}
	client := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme(), lamp)
	got, err := lamps(client).Get(context.Background(), repository.Key(lamp))
	if err != nil {
		panic(err)
	}
	watts, found, err := unstructured.NestedInt64(got.Object, "spec", "watts")
	fmt.Println(watts, found, err)
	// Output: 40 true <nil>
}

// podNames returns the repository of the metadata of Pods: nothing else of them is fetched or cached.
func podNames(client metadata.Interface) *repository.Live[*metav1.PartialObjectMetadata] {
	return repository.FromMetadata(client, corev1.SchemeGroupVersion.WithResource("pods"), corev1.SchemeGroupVersion.WithKind("Pod"))
}

func ExampleFromMetadata() {
	known := metadatafake.NewTestScheme()
	if err := metav1.AddMetaToScheme(known); err != nil {
		panic(err)
	}
	client := metadatafake.NewSimpleMetadataClient(known, &metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-0", Labels: map[string]string{"app": "web"}},
	})
	pods, err := podNames(client).List(context.Background(), "default", metav1.ListOptions{LabelSelector: "app=web"})
	fmt.Println(len(pods), pods[0].Name, err)
	// Output: 1 web-0 <nil>
}
