package operator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// changed is what another system calls, at any replica: POST /changed/NAMESPACE/NAME. It writes an annotation, and the
// replica that leads sees that change of the object.
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

// withCallbacks is the setup of an operator that another system calls.
func withCallbacks(p *operator.Process) error {
	repo, err := repository.New[corev1.ConfigMap](p.Config, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	c, err := controller.New(repo, greeter{p.Events}, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	p.EachReplica(serve(":8090", changed(repo)))
	return nil
}

// A call that arrives at any replica wakes the object at the one that leads.
func ExampleProcess_EachReplica() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := repo.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world"}}); err != nil {
		panic(err)
	}
	call := func(path string) { // at a replica that does not lead
		answer := httptest.NewRecorder()
		changed(repo).ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path, http.NoBody))
		fmt.Println(path, answer.Code)
	}
	call("/changed/default/moon")
	attempts := 0
	fmt.Println(controller.Run(ctx, repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			fmt.Println(a.Key, "because", a.Reasons[0].Verb)
			if attempts++; attempts == 2 {
				cancel()
				return
			}
			call("/changed/default/world")
		}},
	}))
	fmt.Println(serve("127.0.0.1:0", changed(repo))(ctx)) // its ctx has ended
	_, err = operator.Manifests("example.com/shop-operator", nil, withCallbacks, nil)
	fmt.Println(err)
	// Output:
	// /changed/default/moon 404
	// default/world because added
	// /changed/default/world 202
	// default/world because updated
	// <nil>
	// <nil>
	// <nil>
}
