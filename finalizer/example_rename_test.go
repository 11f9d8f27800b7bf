package finalizer_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/finalizer"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/sim"
)

const (
	former  = "example.com/hello"    // of the releases before
	present = "example.com/greeting" // of this one: what Finalizer returns
)

// rename takes the former finalizer from the objects, and returns how many may still carry it.
// Call it, beside the controller, until there are none.
func rename(
	ctx context.Context, repo *repository.Live[*corev1.ConfigMap], cleanup func(context.Context, *corev1.ConfigMap) error,
) (left int, err error) {
	objs, err := repo.List(ctx, "", metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	var failures []error
	for _, obj := range objs {
		switch {
		case !finalizer.Held(obj, former):
			continue
		case finalizer.Held(obj, present): // the controller cleans it up
			err = finalizer.Remove(ctx, repo, former, obj)
		case obj.DeletionTimestamp != nil: // no other finalizer can be added, so the controller does not
			_, err = finalizer.Reconcile(ctx, repo, former, obj, nothing, func(ctx context.Context, obj *corev1.ConfigMap) (struct{}, error) {
				return struct{}{}, cleanup(ctx, obj)
			})
		default:
			err = nil // the controller will add its own
		}
		left++
		failures = append(failures, err)
	}
	return left, errors.Join(failures...)
}

// renameAll calls rename each minute until nothing carries the former finalizer. It waits for objects that are paused,
// to which the controller adds no finalizer: see what is logged.
func renameAll(
	ctx context.Context, repo *repository.Live[*corev1.ConfigMap], cleanup func(context.Context, *corev1.ConfigMap) error,
) error {
	for {
		left, err := rename(ctx, repo, cleanup)
		if left == 0 && err == nil {
			<-ctx.Done() // a runner that returns early is an error
			return nil
		}
		slog.InfoContext(ctx, "objects carry the former finalizer", "left", left, "error", err)
		select {
		case <-time.After(time.Minute):
		case <-ctx.Done():
			return nil
		}
	}
}

// A release gives its finalizer another name.
func Example_rename() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for name, finalizers := range map[string][]string{"new": {present}, "seen": {former, present}, "unseen": {former}, "going": {former}} {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Finalizers: finalizers}}
		if _, err := repo.Create(ctx, cm); err != nil {
			panic(err)
		}
	}
	going, err := repo.Get(ctx, repository.Key(&metav1.ObjectMeta{Namespace: "default", Name: "going"}))
	if err != nil {
		panic(err)
	}
	fmt.Println(repo.Delete(ctx, going))
	for range 2 {
		fmt.Println(rename(ctx, repo, func(_ context.Context, cm *corev1.ConfigMap) error {
			fmt.Println("clean up", cm.Name)
			return nil
		}))
	}
	ended, end := context.WithCancel(ctx)
	end()
	fmt.Println(renameAll(ended, repo, nil)) // "unseen" waits for the controller
	all, err := repo.List(ctx, "default", metav1.ListOptions{})
	for _, cm := range all {
		fmt.Println(cm.Name, cm.Finalizers)
	}
	fmt.Println(err)
	// Output:
	// <nil>
	// clean up going
	// 3 <nil>
	// 1 <nil>
	// <nil>
	// new [example.com/greeting]
	// seen [example.com/greeting]
	// unseen [example.com/hello]
	// <nil>
}

func ExampleRelease() {
	srv, err := sim.New(sim.Options{Kinds: sim.Core("configmaps")})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[corev1.ConfigMap](srv.Config(), scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	cm, err := repo.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "world", Finalizers: []string{present}}})
	if err != nil {
		panic(err)
	}
	fmt.Println(finalizer.Release(ctx, repo, present, cm, func(context.Context, *corev1.ConfigMap) (string, error) { return "cleaned up", nil }))
	cm, err = repo.Get(ctx, repository.Key(cm))
	fmt.Println(finalizer.Held(cm, present), err)
	// Output:
	// cleaned up <nil>
	// false <nil>
}
