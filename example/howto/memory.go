package main

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// namesOnly leaves of a Pod what identifies it, and its labels.
func namesOnly(pod *corev1.Pod) *corev1.Pod {
	pod.Spec, pod.Status, pod.Annotations = corev1.PodSpec{}, corev1.PodStatus{}, nil
	return pod
}

// smallPods returns an informer of Pods with a small cache, for controller.Owns, References or Watches.
func smallPods(cfg *rest.Config) (*informer.Informer[*corev1.Pod], error) {
	repo, err := repository.New[corev1.Pod](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("pods"))
	if err != nil {
		return nil, err
	}
	pods, err := informer.New(repo, nil)
	if err != nil {
		return nil, err
	}
	return pods, pods.SetTransform(namesOnly) // before it runs
}
