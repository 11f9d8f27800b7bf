package status_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
	"github.com/kuberator/kuberator/test/sim"
)

// siteStatus is the status of a kind of your own.
type siteStatus struct {
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	LastError          string             `json:"lastError,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// ObserveGeneration makes siteStatus a GenerationObserver.
func (s *siteStatus) ObserveGeneration(generation int64) { s.ObservedGeneration = generation }

// ObserveError makes siteStatus an ErrorObserver.
func (s *siteStatus) ObserveError(err error) {
	s.LastError = ""
	if err != nil {
		s.LastError = err.Error()
	}
}

// site is the kind. Its DeepCopyObject is generated, as a rule.
type site struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Status            siteStatus `json:"status"`
}

func (s *site) DeepCopyObject() runtime.Object {
	c := &site{TypeMeta: s.TypeMeta, Status: s.Status}
	s.DeepCopyInto(&c.ObjectMeta)
	c.Status.Conditions = append([]metav1.Condition(nil), s.Status.Conditions...)
	return c
}

// sites publishes them.
type sites struct {
	repo    *repository.Live[*site]
	publish func(context.Context, *site) error
}

func (sites) Finalizer() string { return controller.NoFinalizer }

func (s sites) Apply(ctx context.Context, site *site) (controller.Action, error) {
	if err := s.publish(ctx, site); err != nil {
		return controller.AwaitChange(), err // HandleError shows it
	}
	return controller.AwaitChange(), s.report(ctx, site, nil)
}

// HandleError makes sites an ErrorHandler: it gets what Apply returned, and also its panic and its timeout.
func (s sites) HandleError(ctx context.Context, site *site, failure error) (controller.Action, error) {
	return controller.AwaitChange(), errors.Join(failure, s.report(ctx, site, failure))
}

// report writes Ready and Degraded: what is wrong, if something is.
func (s sites) report(ctx context.Context, site *site, failure error) error {
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Published", ObservedGeneration: site.Generation}
	degraded := metav1.Condition{Type: "Degraded", Status: metav1.ConditionFalse, Reason: "AsExpected", ObservedGeneration: site.Generation}
	if failure != nil {
		message := kerr.Text(failure.Error(), kerr.MaxMessage)
		ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, "PublishFailed", message
		degraded.Status, degraded.Reason, degraded.Message = metav1.ConditionTrue, "PublishFailed", message
	}
	meta.SetStatusCondition(&site.Status.Conditions, ready) // lastTransitionTime changes only with the status
	meta.SetStatusCondition(&site.Status.Conditions, degraded)
	_, err := status.PatchError(ctx, s.repo, site, &site.Status, failure)
	return err
}

func (sites) Cleanup(context.Context, *site) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// The status says what the last attempt found: a condition, the last error, and the generation
// that both are about.
func ExamplePatchError() {
	kind := schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Site"}
	known := runtime.NewScheme()
	known.AddKnownTypeWithName(kind, &site{})
	metav1.AddToGroupVersion(known, kind.GroupVersion())
	srv, err := sim.New(sim.Options{Kinds: sim.Schemaless(kind, true)})
	if err != nil {
		panic(err)
	}
	defer srv.Close()
	repo, err := repository.New[site](srv.Config(), known, kind.GroupVersion().WithResource("sites"))
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
	_ = controller.Run(ctx, repo, sites{repo, publish}, &controller.Options{
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
