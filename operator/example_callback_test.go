package operator_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

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
