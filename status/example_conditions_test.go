package status_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/sim"
)

// The status says what the last attempt found: a condition, the last error, and the generation
// that both are about.
func ExamplePatchError() {
	srv, err := sim.New(sim.Options{Kinds: sim.Schemaless(siteKind, true)})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[site](srv.Config(), siteTypes(), siteKind.GroupVersion().WithResource("sites"))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	shop := &site{TypeMeta: metav1.TypeMeta{APIVersion: "example.com/v1", Kind: "Site"}, ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "shop"}}
	if _, err := repo.Create(ctx, shop); err != nil {
		panic(err)
	}
	attempt := 0
	publish := func(ctx context.Context, _ *site) error {
		switch attempt++; attempt {
		case 1:
			return errors.New("the disk is full")
		case 2:
			panic("a bug")
		case 3:
			<-ctx.Done()
			return ctx.Err()
		default:
			return nil
		}
	}
	c, err := newSites(srv.Config(), publish, &controller.Options{
		Timeout: time.Second,
		Observer: controller.ObserverFuncs{EndedFunc: func(_ context.Context, a controller.Attempt) {
			got, err := repo.Get(context.Background(), a.Key)
			s := got.Status
			for _, c := range s.Conditions {
				fmt.Print(c.Type, "=", c.Status, " ")
			}
			fmt.Println(s.Conditions[0].Reason, s.ObservedGeneration, s.LastError, err)
			if a.Err == nil {
				cancel()
			}
		}},
	})
	if err != nil {
		panic(err)
	}
	_ = c.Run(ctx)
	// Output:
	// Ready=False Degraded=True PublishFailed 1 apply Site default/shop: the disk is full <nil>
	// Ready=False Degraded=True PublishFailed 1 apply Site default/shop: panic: a bug <nil>
	// Ready=False Degraded=True PublishFailed 1 apply Site default/shop: context deadline exceeded <nil>
	// Ready=True Degraded=False Published 1  <nil>
}

// Whether a status is about the object as it is now.
func ExampleObserved() {
	fmt.Println(status.Observed(&metav1.ObjectMeta{Generation: 2}, 1))
	fmt.Println(status.Observed(&metav1.ObjectMeta{Generation: 2}, 2))
	// Output:
	// false
	// true
}

func ExampleSetPaused() {
	var conditions []metav1.Condition
	obj := &metav1.ObjectMeta{Annotations: map[string]string{controller.PausedAnnotation: "true"}}
	status.SetPaused(&conditions, obj)
	fmt.Println(len(conditions), conditions[0].Type, conditions[0].Status, conditions[0].Reason)
	obj.Annotations = nil
	status.SetPaused(&conditions, obj)
	fmt.Println(len(conditions))
	// Output:
	// 1 Paused True Paused
	// 0
}
