package main

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/status"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step3/api/v1"
)

// served is the reason of the event that a Website is served.
var served = event.Normal("Served", "Serve")

// validate finds what the definition of the kind cannot check.
func validate(site *webv1.Website) error {
	if _, found := site.Spec.Pages["index.html"]; !found {
		return kerr.Invalid(errors.New("spec.pages has no index.html"))
	}
	return nil
}

// report writes into the status what an attempt has found, and records an event when the Website becomes ready.
func (o *Operator) report(ctx context.Context, site *webv1.Website, deployment *appsv1.Deployment, failure error) error {
	wasReady := meta.IsStatusConditionTrue(site.Status.Conditions, webv1.ConditionReady)
	meta.SetStatusCondition(&site.Status.Conditions, ready(site, deployment, failure))
	if _, err := status.Patch(ctx, o.sites, site, site.Status); err != nil {
		return err
	}
	if !wasReady && meta.IsStatusConditionTrue(site.Status.Conditions, webv1.ConditionReady) {
		o.events.Eventf(site, deployment, served, "all Pods of http://%s are available", site.Spec.Host)
	}
	return nil
}

// ready returns the condition Ready.
func ready(site *webv1.Website, deployment *appsv1.Deployment, failure error) metav1.Condition {
	c := metav1.Condition{Type: webv1.ConditionReady, Status: metav1.ConditionFalse, ObservedGeneration: site.Generation}
	switch {
	case errors.Is(failure, kerr.ErrInvalid):
		c.Reason, c.Message = "Invalid", kerr.Text(failure.Error(), kerr.MaxMessage)
	case failure != nil:
		c.Reason, c.Message = "Failed", kerr.Text(failure.Error(), kerr.MaxMessage)
	case available(deployment) < site.Spec.Replicas:
		c.Reason = "Starting"
		c.Message = fmt.Sprintf("%d of %d Pods are available", available(deployment), site.Spec.Replicas)
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, "Served", "all Pods are available"
	}
	return c
}

// available returns how many Pods of a Deployment are available, as it is now.
func available(d *appsv1.Deployment) int32 {
	if d.Status.ObservedGeneration < d.Generation {
		return 0 // its status is about what it was before
	}
	return d.Status.AvailableReplicas
}
