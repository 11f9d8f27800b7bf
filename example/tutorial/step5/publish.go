package main

import (
	"context"
	"fmt"

	"github.com/kuberator/kuberator/controller"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step5/api/v1"
)

// Finalizer returns the name of the finalizer: Kubernetes does not know of the DNS record.
func (*Operator) Finalizer() string { return "web.example.com/dns" }

// publish makes the DNS record of the Website what it should be. Its id is the UID of the Website, so that
// a second attempt finds the record of the first one.
func (o *Operator) publish(ctx context.Context, site *webv1.Website) error {
	record := fmt.Sprintf("%s CNAME %s.%s.svc", site.Spec.Host, metaOf(site).Name, site.Namespace)
	return o.dns.Put(ctx, string(site.UID), record)
}

// Cleanup deletes the DNS record. Kubernetes deletes the children.
func (o *Operator) Cleanup(ctx context.Context, site *webv1.Website) (controller.Action, error) {
	return controller.AwaitChange(), o.dns.Delete(ctx, string(site.UID))
}
