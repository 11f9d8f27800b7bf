package main

import (
	"context"

	"github.com/kuberator/kuberator/test/sim"
	"github.com/kuberator/kuberator/test/sim/loopback"
)

const aboutSimulated = `This API server is simulated, inside this process (package test/sim). It starts at once and keeps
everything in memory. The operator reaches it over HTTPS, with no rights but those of its service
account; watches, patches, finalizers, CRD schemas, garbage collection and the deletion of namespaces
work as on a real server. A real one adds admission webhooks, validation rules in CEL, and the
controllers that make Pods. To see the same story there:

  make run CLUSTER=local     etcd and kube-apiserver on this machine; building them takes minutes, once
  make run CLUSTER=current   the current context of your kubeconfig`

// simulated serves a simulated API server on a loopback port.
func simulated(context.Context, *narrator) (*place, error) {
	srv, err := sim.New(sim.Options{
		Kinds: sim.Core("configmaps", "secrets", "serviceaccounts", "events", "services", "pods", "deployments.apps", "replicasets.apps",
			"roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
			"clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io",
			"leases.coordination.k8s.io", "events.events.k8s.io"),
		GarbageCollection: true, NamespaceDeletion: true,
	})
	if err != nil {
		return nil, err
	}
	served, err := loopback.Serve(srv, nil)
	if err != nil {
		srv.Close()
		return nil, err
	}
	return &place{
		about: aboutSimulated, admin: served.Config(), kubeconfig: served.Kubeconfig(), ours: true,
		lost: served.Done(), err: served.Err,
		close: func() error {
			defer srv.Close()
			return served.Close()
		},
	}, nil
}
