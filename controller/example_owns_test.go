package controller_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// settings keeps a ConfigMap for each Deployment.
type settings struct {
	configMaps *repository.Live[*corev1.ConfigMap]
}

func (settings) Finalizer() string { return controller.NoFinalizer } // the garbage collector deletes the child

func (s settings) Apply(ctx context.Context, d *appsv1.Deployment) (controller.Action, error) {
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name + "-settings"}}
	_, err := s.configMaps.Ensure(ctx, child, func(cm *corev1.ConfigMap) error {
		cm.Data = map[string]string{"size": d.Labels["size"]}
		return repository.SetController(d, appsv1.SchemeGroupVersion.WithKind("Deployment"), cm)
	})
	return controller.AwaitChange(), err
}

func (settings) Cleanup(context.Context, *appsv1.Deployment) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// A child that another client deletes is a reason to reconcile its owner.
func ExampleOwns() {
	cs := fake.NewClientset(&appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1", Labels: map[string]string{"size": "small"}},
	})
	deployments := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	configMaps := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	children, err := informer.New(configMaps, nil)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	step := 0
	c, err := controller.New(deployments, settings{configMaps}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(ctx context.Context, a controller.Attempt) {
			fmt.Println("writes:", a.Writes, "because", a.Reasons[0])
			switch step++; step {
			case 2: // another client
				_ = cs.CoreV1().ConfigMaps("shop").Delete(context.WithoutCancel(ctx), "web-settings", metav1.DeleteOptions{})
			case 4:
				cancel()
			}
		}},
	})
	if err != nil {
		panic(err)
	}
	controller.Owns(c, children)
	fmt.Println(c.Run(ctx))
	// Output:
	// writes: 1 because Deployment shop/web added
	// writes: 0 because ConfigMap shop/web-settings added
	// writes: 1 because ConfigMap shop/web-settings deleted
	// writes: 0 because ConfigMap shop/web-settings added
	// <nil>
}
