package repository_test

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// onServer returns a repository of ConfigMaps over a simulated API server.
func onServer() (configMaps *repository.Live[*corev1.ConfigMap], end func()) {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps"), Namespaces: []string{"shop"}})
	if err != nil {
		panic(err)
	}
	configMaps, err = repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	return configMaps, srv.Close
}

// An attempt that is repeated finds what it has created. An object of another owner is an error.
func ExampleLive_Create() {
	configMaps, end := onServer()
	defer end()
	ctx := context.Background()
	create := func(owner *appsv1.Deployment) error {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"}}
		if err := repository.SetController(owner, appsv1.SchemeGroupVersion.WithKind("Deployment"), cm); err != nil {
			return err
		}
		_, err := configMaps.Create(ctx, cm)
		return err
	}
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}}
	db := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "db", UID: "2"}}
	fmt.Println(create(web), create(web))
	fmt.Println(apierrors.IsAlreadyExists(create(db)))
	// Output:
	// <nil> <nil>
	// true
}

// Only what differs is sent, and only onto the state that the decision was made on.
func ExampleLive_Update() {
	configMaps, end := onServer()
	defer end()
	ctx := context.Background()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"}}
	before, err := configMaps.Create(ctx, cm)
	if err != nil {
		panic(err)
	}
	after := before.DeepCopy()
	after.Data = map[string]string{"size": "small"}
	_, err = configMaps.Update(ctx, before, after)
	fmt.Println(err)
	after.Data["size"] = "large"
	_, err = configMaps.Update(ctx, before, after) // but the object is not as before any more
	fmt.Println(kerr.ClassOf(err))
	// Output:
	// <nil>
	// Conflict
}

// A list of the server, as of now, and not of a cache.
func ExampleLive_List() {
	configMaps, end := onServer()
	defer end()
	ctx := context.Background()
	for _, name := range []string{"a", "b"} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"name": name}}}
		if _, err := configMaps.Create(ctx, cm); err != nil {
			panic(err)
		}
	}
	all, err := configMaps.List(ctx, "", metav1.ListOptions{LabelSelector: "name in (b, c)"})
	fmt.Println(len(all), all[0].Name, err)
	// Output: 1 b <nil>
}

// What the server would say, and nothing is stored.
func ExampleDryRun() {
	configMaps, end := onServer()
	defer end()
	ctx := context.Background()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "Not A Name"}}
	_, err := configMaps.Create(ctx, cm, repository.DryRun())
	fmt.Println(kerr.ClassOf(err))
	cm.Name = "a-name"
	_, err = configMaps.Create(ctx, cm, repository.DryRun())
	fmt.Println(err)
	_, err = configMaps.Get(ctx, repository.Key(cm))
	fmt.Println(kerr.ClassOf(err))
	// Output:
	// Invalid
	// <nil>
	// NotFound
}

// An owner reference that would make the garbage collector delete the child at once is an error.
func ExampleSetController() {
	kind := appsv1.SchemeGroupVersion.WithKind("Deployment")
	web := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", UID: "1"}}
	child := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"}}
	fmt.Println(repository.SetController(web, kind, child), child.OwnerReferences[0].Name)
	elsewhere := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "audit", Name: "settings"}}
	fmt.Println(repository.SetController(web, kind, elsewhere))
	// Output:
	// <nil> web
	// make Deployment shop/web the controller of audit/settings: an owner must be cluster-scoped or in the namespace of its child
}

// mine marks what this operator has made.
const mine = "example.com/made-by"

// Ensure changes an object of that name whoever made it, unless the function refuses.
func ExampleLive_Ensure_foreign() {
	configMaps, end := onServer()
	defer end()
	ctx := context.Background()
	ensure := func(name string) error {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
		_, err := configMaps.Ensure(ctx, cm, func(cm *corev1.ConfigMap) error {
			if cm.UID != "" && cm.Labels[mine] != "shop-operator" { // it exists, and is not ours
				return kerr.Terminal(errors.New("it was not made by this operator"))
			}
			metav1.SetMetaDataLabel(&cm.ObjectMeta, mine, "shop-operator")
			return nil
		})
		return err
	}
	theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "theirs"}}
	if _, err := configMaps.Create(ctx, theirs); err != nil {
		panic(err)
	}
	fmt.Println(ensure("ours"))
	fmt.Println(ensure("theirs"))
	// Output:
	// <nil>
	// ensure ConfigMap shop/theirs: it was not made by this operator
}
