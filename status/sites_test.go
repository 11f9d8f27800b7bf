package status_test

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/status"
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

// site is a kind of your own.
type site struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Status            siteStatus `json:"status"`
}

// DeepCopyObject is usually generated, by controller-gen.
func (s *site) DeepCopyObject() runtime.Object {
	c := &site{TypeMeta: s.TypeMeta, Status: s.Status}
	s.DeepCopyInto(&c.ObjectMeta)
	c.Status.Conditions = append([]metav1.Condition(nil), s.Status.Conditions...)
	return c
}

var siteKind = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Site"}

// siteTypes returns the Go types of Sites.
func siteTypes() *runtime.Scheme {
	known := runtime.NewScheme()
	known.AddKnownTypeWithName(siteKind, &site{})
	metav1.AddToGroupVersion(known, siteKind.GroupVersion())
	return known
}

// sites publishes Sites.
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

// newSites returns the controller. It sends no request.
func newSites(cfg *rest.Config, publish func(context.Context, *site) error, opts *controller.Options) (controller.Runner, error) {
	repo, err := repository.New[site](cfg, siteTypes(), siteKind.GroupVersion().WithResource("sites"))
	if err != nil {
		return nil, err
	}
	return controller.New(repo, sites{repo, publish}, opts)
}
