package main

import (
	"context"
	"fmt"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/status"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step4/api/v1"
)

// Finalizer returns the name of the finalizer: Kubernetes does not know of the DNS record.
func (*Operator) Finalizer() string { return "web.example.com/dns" }

// publish makes the DNS record of the Website what it should be.
func (o *Operator) publish(ctx context.Context, site *webv1.Website) error {
	record := fmt.Sprintf("%s CNAME %s.%s.svc", site.Spec.Host, metaOf(site).Name, site.Namespace)
	if site.Status.RecordID != "" {
		return o.dns.Put(ctx, site.Status.RecordID, record)
	}
	id, err := o.dns.Create(ctx, record)
	if err != nil {
		return err
	}
	site.Status.RecordID = id
	_, err = status.Patch(ctx, o.sites, site, site.Status)
	return err
}

// Cleanup deletes the DNS record. Kubernetes deletes the children.
func (o *Operator) Cleanup(ctx context.Context, site *webv1.Website) (controller.Action, error) {
	if site.Status.RecordID == "" {
		return controller.AwaitChange(), nil
	}
	return controller.AwaitChange(), o.dns.Delete(ctx, site.Status.RecordID)
}
