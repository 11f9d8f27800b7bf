package debug_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

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

// A controller that does not run is not ready, and nothing is wrong with it.
func ExampleReadyz() {
	cfg := &rest.Config{Host: "https://10.0.0.1"}
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		fmt.Println(err)
	}
	c, err := controller.New(repo, hello{}, nil)
	if err != nil {
		fmt.Println(err)
	}
	for _, probe := range []http.Handler{debug.Readyz(c), debug.Livez(c)} {
		answer := httptest.NewRecorder()
		probe.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
		fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	}
	// Output:
	// 503 controller "configmap" does not run
	// 200 ok
}
