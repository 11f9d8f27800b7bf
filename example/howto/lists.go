package main

import (
	"context"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// byNode is the name of the index of Pods by their Node.
const byNode = "node"

// loads annotates each Node with the number of Pods on it.
type loads struct {
	nodes *repository.Live[*corev1.Node]
	pods  *informer.Informer[*corev1.Pod]
}

func (loads) Finalizer() string { return controller.NoFinalizer }

func (l loads) Apply(ctx context.Context, node *corev1.Node) (controller.Action, error) {
	found, err := l.pods.ByIndex(ctx, byNode, node.Name)
	if err != nil {
		return controller.AwaitChange(), err
	}
	want := node.DeepCopy()
	metav1.SetMetaDataAnnotation(&want.ObjectMeta, "example.com/pods", strconv.Itoa(len(found)))
	_, err = l.nodes.Update(ctx, node, want) // sends nothing if nothing differs
	return controller.AwaitChange(), err
}

func (loads) Cleanup(context.Context, *corev1.Node) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// newLoads returns the controller. It sends no request.
func newLoads(cfg *rest.Config, opts *controller.Options) (controller.Runner, error) {
	nodes, err := repository.New[corev1.Node](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("nodes"))
	if err != nil {
		return nil, err
	}
	repo, err := repository.New[corev1.Pod](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("pods"))
	if err != nil {
		return nil, err
	}
	pods, err := informer.New(repo, nil)
	if err != nil {
		return nil, err
	}
	if err := pods.AddIndex(byNode, func(p *corev1.Pod) []string { return []string{p.Spec.NodeName} }); err != nil {
		return nil, err
	}
	c, err := controller.New(nodes, loads{nodes, pods}, opts)
	if err != nil {
		return nil, err
	}
	controller.References(c, pods) // a Pod that comes, goes or changes on a Node wakes the Node
	return c, nil
}
