package controller_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// notes keeps a ConfigMap beside each Deployment, with the size that the ConfigMap
// "defaults" of its namespace asks for.
type notes struct {
	configMaps *repository.Live[*corev1.ConfigMap]
	cache      *informer.Informer[*corev1.ConfigMap]
}

func (notes) Finalizer() string { return controller.NoFinalizer }

func (n notes) Apply(ctx context.Context, d *appsv1.Deployment) (controller.Action, error) {
	defaults, err := n.cache.Get(ctx, types.NamespacedName{Namespace: d.Namespace, Name: "defaults"})
	switch {
	case apierrors.IsNotFound(err):
		return controller.AwaitChange(), nil // its creation wakes this Deployment
	case err != nil:
		return controller.AwaitChange(), err
	}
	note := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: d.Name + "-note"}}
	note.Data = map[string]string{"size": defaults.Data["size"]}
	if err := repository.SetController(d, appsv1.SchemeGroupVersion.WithKind("Deployment"), note); err != nil {
		return controller.AwaitChange(), err
	}
	have, err := n.cache.Get(ctx, repository.Key(note))
	switch {
	case apierrors.IsNotFound(err):
		_, err = n.configMaps.Create(ctx, note)
		return controller.AwaitChange(), err
	case err != nil:
		return controller.AwaitChange(), err
	}
	want := have.DeepCopy()
	want.Data = note.Data
	_, err = n.configMaps.Update(ctx, have, want) // sends nothing if nothing differs
	return controller.AwaitChange(), err
}

func (notes) Cleanup(context.Context, *appsv1.Deployment) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// What Apply reads from an informer is what wakes it, found or not: there is no mapping
// to write.
func ExampleReferences() {
	cs := fake.NewClientset(
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "defaults"}, Data: map[string]string{"size": "small"}},
	)
	deployments := repository.FromClient(cs, appsv1.SchemeGroupVersion.WithKind("Deployment"), cs.AppsV1().Deployments)
	configMaps := repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("ConfigMap"), cs.CoreV1().ConfigMaps)
	cache, err := informer.New(configMaps, nil)
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c, err := controller.New(deployments, notes{configMaps, cache}, &controller.Options{
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			fmt.Println(a.Key, "writes:", a.Writes, "because", a.Reasons[0])
			if a.Writes == 0 {
				cancel()
			}
		}},
	})
	if err != nil {
		panic(err)
	}
	controller.References(c, cache)
	fmt.Println(c.Run(ctx))
	// Output:
	// shop/web writes: 1 because Deployment shop/web added
	// shop/web writes: 0 because ConfigMap shop/web-note added
	// <nil>
}
