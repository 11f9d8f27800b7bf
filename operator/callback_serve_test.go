package operator_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

// changed answers POST /changed/NAMESPACE/NAME, which another system calls at any replica. It writes an annotation, and the
// leader gets the event of that change.
func changed(repo *repository.Live[*corev1.ConfigMap]) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /changed/{namespace}/{name}", func(w http.ResponseWriter, r *http.Request) {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}}
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/changed":%q}}}`, time.Now().UTC().Format(time.RFC3339Nano))
		switch _, err := repo.Patch(r.Context(), cm, types.MergePatchType, patch); {
		case apierrors.IsNotFound(err):
			http.Error(w, "there is no such object", http.StatusNotFound)
		case err != nil:
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusAccepted)
		}
	})
	return mux
}

// serve serves HTTP at an address until its ctx ends.
func serve(addr string, handler http.Handler) controller.RunnerFunc {
	return func(ctx context.Context) error {
		server := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		failed := make(chan error, 1)
		go func() { failed <- server.ListenAndServe() }()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done(): // requests that are being answered may end
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return server.Shutdown(ctx)
		}
	}
}

// fetch is Apply: it reads what the other system has for the object.
func fetch(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// withCallbacks is the setup of an operator that another system calls.
func withCallbacks(p *operator.Process) error {
	repo, err := repository.New[corev1.ConfigMap](p.Config, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer, ApplyFunc: fetch}, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	p.EachReplica(serve(":8090", changed(repo)))
	return nil
}
