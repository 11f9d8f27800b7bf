package status_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
)

func ExamplePatch() {
	ctx := context.Background()
	cs := fake.NewClientset(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web"},
		Status:     appsv1.DeploymentStatus{Replicas: 2, ReadyReplicas: 1},
	})
	repo := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	web, err := repo.Get(ctx, repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "web"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	cs.ClearActions()
	for range 2 {
		web, err = status.Patch(ctx, repo, web, appsv1.DeploymentStatus{Replicas: 3})
		fmt.Println(web.Status.Replicas, web.Status.ReadyReplicas, err)
	}
	fmt.Println("requests:", len(cs.Actions()))
	// Output:
	// 3 0 <nil>
	// 3 0 <nil>
	// requests: 1
}
