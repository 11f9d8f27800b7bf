package main

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// lamps returns the repository of a kind without a Go type.
func lamps(client dynamic.Interface) *repository.Live[*unstructured.Unstructured] {
	version := schema.GroupVersion{Group: "example.com", Version: "v1"}
	return repository.FromDynamic(client, version.WithResource("lamps"), version.WithKind("Lamp"))
}

// podNames returns the repository of the metadata of Pods: nothing else of them is fetched or cached.
func podNames(client metadata.Interface) *repository.Live[*metav1.PartialObjectMetadata] {
	return repository.FromMetadata(client, corev1.SchemeGroupVersion.WithResource("pods"), corev1.SchemeGroupVersion.WithKind("Pod"))
}

// newLamps returns a controller of Lamps. A change of a Pod whose controller is a Lamp leads to a call of Apply, too.
// Under a lease, cfg is Process.LeaderConfig() or Elector.Config(…).
func newLamps(
	cfg *rest.Config, user controller.Context[*unstructured.Unstructured], opts *controller.Options,
) (controller.Runner, error) {
	dynamicClient, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	metadataClient, err := metadata.NewForConfig(cfg)
	if err != nil {
		return nil, err
	}
	pods, err := informer.New(podNames(metadataClient), nil)
	if err != nil {
		return nil, err
	}
	c, err := controller.New(lamps(dynamicClient), user, opts)
	if err != nil {
		return nil, err
	}
	controller.Owns(c, pods)
	return c, nil
}
