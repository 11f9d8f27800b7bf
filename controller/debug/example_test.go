package debug_test

import (
	"context"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/debug"
	"github.com/kuberator/kuberator/repository"
)

type hello struct{}

func (hello) Finalizer() string { return controller.NoFinalizer }

func (hello) Apply(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func (hello) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func run(ctx context.Context, repo repository.Repository[*corev1.ConfigMap]) error {
	inspector := debug.New(nil)
	c, err := controller.New(repo, hello{}, &controller.Options{Observer: inspector})
	if err != nil {
		return err
	}
	http.Handle("/debug/controllers", inspector)
	http.Handle("/readyz", debug.Readyz(c))
	http.Handle("/livez", debug.Livez(c))
	server := &http.Server{Addr: "localhost:8081", ReadHeaderTimeout: time.Second}
	go func() { _ = server.ListenAndServe() }()
	defer server.Close()
	return c.Run(ctx)
}

// Probes and a page, on an address of the process.
func Example() {
	_ = run
}
