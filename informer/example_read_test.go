package informer_test

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"

	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

// labelled returns a Pod.
func labelled(namespace, name, app string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": app}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: app, Image: "registry.example.com/" + app}}},
	}
}

// filled fills the cache of an informer. A controller does so by itself.
func filled(pods *informer.Informer[*corev1.Pod]) (end func()) {
	subscription, err := pods.Keep(context.Background(), func(err error) { fmt.Println(err) })
	if err != nil {
		panic(err)
	}
	cache.WaitFor(context.Background(), "", subscription.Synced()...)
	return func() {
		if err := subscription.Stop(); err != nil {
			fmt.Println(err)
		}
	}
}

func ExampleInformer_List() {
	ctx := context.Background()
	cs := fake.NewClientset(labelled("shop", "web-0", "web"), labelled("shop", "db-0", "db"), labelled("test", "web-0", "web"))
	pods, err := informer.New(repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("Pod"), cs.CoreV1().Pods), nil)
	if err != nil {
		panic(err)
	}
	defer filled(pods)()
	found, err := pods.List(ctx, informer.In("shop"), informer.MatchingLabels(map[string]string{"app": "web"}))
	fmt.Println(len(found), repository.Key(found[0]), err)
	// Output: 1 shop/web-0 <nil>
}

// A cache that does not know is not one in which an object does not exist.
func ExampleInformer_Get() {
	cs := fake.NewClientset(labelled("shop", "web-0", "web"))
	pods, err := informer.New(repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("Pod"), cs.CoreV1().Pods), nil)
	if err != nil {
		panic(err)
	}
	key := repository.Key(labelled("shop", "web-0", "web"))
	_, err = pods.Get(context.Background(), key)
	fmt.Println(errors.Is(err, informer.ErrNotKnown))
	defer filled(pods)()
	pod, err := pods.Get(context.Background(), key)
	fmt.Println(pod.Labels["app"], err)
	// Output:
	// true
	// web <nil>
}

// ofWeb limits a cache to the Pods of one namespace with one label.
func ofWeb() *informer.Options {
	return &informer.Options{
		Namespaces:    []string{"shop"},
		LabelSelector: labels.SelectorFromSet(labels.Set{"app": "web"}),
	}
}

// The cache has what the selectors select, and no more.
func ExampleOptions() {
	ctx := context.Background()
	srv, err := sim.New(sim.Options{Kinds: sim.Core("pods"), Namespaces: []string{"shop"}})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[corev1.Pod](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("pods"))
	if err != nil {
		panic(err)
	}
	for _, pod := range []*corev1.Pod{labelled("shop", "web-0", "web"), labelled("shop", "db-0", "db"), labelled("default", "web-0", "web")} {
		if _, err := repo.Create(ctx, pod); err != nil {
			panic(err)
		}
	}
	pods, err := informer.New(repo, ofWeb())
	if err != nil {
		panic(err)
	}
	defer filled(pods)()
	found, err := pods.List(ctx)
	fmt.Println(len(found), repository.Key(found[0]), err)
	// Output: 1 shop/web-0 <nil>
}

// namesOnly leaves of a Pod what identifies it, and its labels.
func namesOnly(pod *corev1.Pod) *corev1.Pod {
	pod.Spec, pod.Status, pod.Annotations = corev1.PodSpec{}, corev1.PodStatus{}, nil
	return pod
}

// Parts of objects that nobody reads take no memory.
func ExampleInformer_SetTransform() {
	cs := fake.NewClientset(labelled("shop", "web-0", "web"))
	pods, err := informer.New(repository.FromClient(cs, corev1.SchemeGroupVersion.WithKind("Pod"), cs.CoreV1().Pods), nil)
	if err != nil {
		panic(err)
	}
	if err := pods.SetTransform(namesOnly); err != nil { // before it runs
		panic(err)
	}
	defer filled(pods)()
	all, err := pods.List(context.Background())
	fmt.Println(all[0].Name, all[0].Labels, len(all[0].Spec.Containers), err)
	// Output: web-0 map[app:web] 0 <nil>
}
