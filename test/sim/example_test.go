package sim_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/test/sim"
)

// greet is an operator: it labels each new ConfigMap, until ctx ends.
func greet(ctx context.Context, cfg *rest.Config) {
	maps := kubernetes.NewForConfigOrDie(cfg).CoreV1().ConfigMaps("default")
	informer := informerOf(maps, &corev1.ConfigMap{})
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(obj any) {
		o := obj.(*corev1.ConfigMap).DeepCopy()
		o.Labels = map[string]string{"greeted": "yes"}
		_, _ = maps.Update(ctx, o, metav1.UpdateOptions{})
	}})
	informer.RunWithContext(ctx)
}

func TestOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // an hour takes no time
		srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps", "deployments.apps")})
		require.NoError(t, err)
		defer srv.Close()

		operator := srv.Session("operator") // connections of its own
		go greet(t.Context(), operator.Config())

		client := kubernetes.NewForConfigOrDie(srv.Config())
		_, err = client.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("a"), metav1.CreateOptions{})
		require.NoError(t, err)
		time.Sleep(time.Hour)
		a, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "a", metav1.GetOptions{})
		require.NoError(t, err)
		require.Equal(t, "yes", a.Labels["greeted"])

		operator.Watches("configmaps").Hold() // its watches are behind from now on
		operator.Sever()                      // it crashes: nothing that it sends takes effect any more
	})
}

// exampleServer has a ConfigMap in it.
func exampleServer(opts sim.Options) (*sim.Server, kubernetes.Interface) {
	srv, err := sim.New(opts)
	if err != nil {
		panic(err)
	}
	client := kubernetes.NewForConfigOrDie(srv.Config())
	if _, err := client.CoreV1().ConfigMaps("default").Create(context.Background(), configMap("a"), metav1.CreateOptions{}); err != nil {
		panic(err)
	}
	return srv, client
}

// Any client works. A write that is based on an old state is refused.
func ExampleNew() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	ctx := context.Background()
	maps := kubernetes.NewForConfigOrDie(srv.Config()).CoreV1().ConfigMaps("default")

	old, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
	fmt.Println(old.Name, err)
	newer := old.DeepCopy()
	newer.Data = map[string]string{"colour": "blue"}
	_, err = maps.Update(ctx, newer, metav1.UpdateOptions{})
	fmt.Println(err)
	old.Data = map[string]string{"colour": "red"}
	_, err = maps.Update(ctx, old, metav1.UpdateOptions{})
	fmt.Println(err)
	// Output:
	// a <nil>
	// <nil>
	// Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again
}

// CustomResourceDefinitions are served as a real server does, with their schemas.
func ExampleCRD() {
	srv, err := sim.New(sim.Options{Kinds: sim.CRD([]byte(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: lamps.example.com}
spec:
  group: example.com
  names: {kind: Lamp, plural: lamps}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {watts: {type: integer, maximum: 100}}}
`))})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	fmt.Println(srv.Resources())
	// Output:
	// [customresourcedefinitions.apiextensions.k8s.io lamps.example.com namespaces]
}

// A session is a process: its watches can fall behind, while other clients see everything.
func ExampleWatches_Hold() {
	srv, client := exampleServer(sim.Options{Kinds: sim.Core("configmaps")})
	defer srv.Close()
	ctx := context.Background()
	operator := srv.Session("operator")
	its := kubernetes.NewForConfigOrDie(operator.Config()).CoreV1().ConfigMaps("default")

	operator.Watches("configmaps").Hold()
	_ = client.CoreV1().ConfigMaps("default").Delete(ctx, "a", metav1.DeleteOptions{})

	cached, err := its.List(ctx, metav1.ListOptions{ResourceVersion: "0"}) // any state, as informers may list
	fmt.Println("cached:", len(cached.Items), err)
	newest, err := its.List(ctx, metav1.ListOptions{})
	fmt.Println("newest:", len(newest.Items), err)
	operator.Watches("configmaps").Release()
	cached, err = its.List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	fmt.Println("cached:", len(cached.Items), err)
	// Output:
	// cached: 1 <nil>
	// newest: 0 <nil>
	// cached: 0 <nil>
}

// A crash cuts the connections: what was sent before took effect, and nothing does after it.
func ExampleSession_Sever() {
	srv, client := exampleServer(sim.Options{Kinds: sim.Core("configmaps")})
	defer srv.Close()
	operator := srv.Session("operator")
	its := kubernetes.NewForConfigOrDie(operator.Config()).CoreV1().ConfigMaps("default")

	operator.Sever()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err := its.Delete(ctx, "a", metav1.DeleteOptions{}) // waits for an answer that never comes
	fmt.Println(ctx.Err() != nil, err != nil)
	_, err = client.CoreV1().ConfigMaps("default").Get(context.Background(), "a", metav1.GetOptions{})
	fmt.Println(err)
	// Output:
	// true true
	// <nil>
}

// After a compaction, who continues from an old resourceVersion has to list again.
func ExampleServer_Expire() {
	srv, client := exampleServer(sim.Options{Kinds: sim.Core("configmaps")})
	defer srv.Close()
	maps := client.CoreV1().ConfigMaps("default")
	list, err := maps.List(context.Background(), metav1.ListOptions{})
	fmt.Println(len(list.Items), err)
	_ = maps.Delete(context.Background(), "a", metav1.DeleteOptions{})
	srv.Expire()
	w, err := maps.Watch(context.Background(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()
	event := <-w.ResultChan()
	fmt.Println(event.Type, apierrors.IsResourceExpired(apierrors.FromObject(event.Object)))
	// Output:
	// 1 <nil>
	// ERROR true
}

// A backup is restored: later changes are undone, and their resourceVersions are used again.
func ExampleServer_Rewind() {
	srv, client := exampleServer(sim.Options{Kinds: sim.Core("configmaps")})
	defer srv.Close()
	maps := client.CoreV1().ConfigMaps("default")
	backup := srv.RV()
	fmt.Println(maps.Delete(context.Background(), "a", metav1.DeleteOptions{}))
	fmt.Println(srv.Rewind(backup))
	_, err := maps.Get(context.Background(), "a", metav1.GetOptions{})
	fmt.Println(err, srv.RV() == backup)
	// Output:
	// <nil>
	// <nil>
	// <nil> true
}

// An operator gets by with its rights, or does not: it impersonates its service account.
func Example_rights() {
	srv, client := exampleServer(sim.Options{Kinds: sim.Core("configmaps", "roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")})
	defer srv.Close()
	ctx := context.Background()
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "operator"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get"}},
	}}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "operator"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "operator"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "default", Name: "operator"}},
	}
	_, err := client.RbacV1().Roles("default").Create(ctx, role, metav1.CreateOptions{})
	fmt.Println(err)
	_, err = client.RbacV1().RoleBindings("default").Create(ctx, binding, metav1.CreateOptions{})
	fmt.Println(err)

	cfg := srv.Config()
	cfg.Impersonate.UserName = "system:serviceaccount:default:operator"
	maps := kubernetes.NewForConfigOrDie(cfg).CoreV1().ConfigMaps("default")
	_, err = maps.Get(ctx, "a", metav1.GetOptions{})
	fmt.Println(err)
	fmt.Println(maps.Delete(ctx, "a", metav1.DeleteOptions{}))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// configmaps "a" is forbidden: User "system:serviceaccount:default:operator" cannot delete resource "configmaps" in API group "" in the namespace "default"
}
