package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
)

type hello struct{}

func (hello) Finalizer() string { return "example.com/hello" }

func (hello) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	log.Printf("hello, %s", cm.Name)
	return controller.AwaitChange(), nil
}

func (hello) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func main() {
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // $KUBECONFIG, or the usual file
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		log.Fatal(err)
	}
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := controller.Run(ctx, repo, hello{}, nil); err != nil {
		log.Fatal(err)
	}
}
