package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"

	webv1 "github.com/kuberator/kuberator/example/tutorial/step5/api/v1"
)

func TestExplored(t *testing.T) {
	known, err := newScheme()
	require.NoError(t, err)
	deployment := deploymentOf(home())
	explore.Run(t, explore.Case[*webv1.Website]{
		Kinds:    append(sim.Core("configmaps", "services", "deployments.apps"), sim.CRD(crd)...),
		Scheme:   known,
		External: map[string]func() explore.External{"dns": func() explore.External { return &fakeDNS{} }},
		New: func(env *explore.Env) (explore.Process, error) {
			o := &Operator{events: &event.FakeRecorder{}, dns: linkedDNS{env.External("dns")}}
			return New(env.Config(), o, &controller.Options{Logger: env.Logger()})
		},
		Script: []explore.Step{
			explore.Create(home()), explore.Settle(),
			explore.UpdateObject(deployment, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(5)) }), explore.Settle(),
			explore.DeploymentAvailable("website-home"), explore.Settle(),
			explore.Update("home", func(site *webv1.Website) { site.Spec.Host = "www.example.com" }), explore.Settle(),
			explore.Delete("home"), explore.Settle(),
		},
	})
}

// Snapshot returns what is compared between runs.
func (d *fakeDNS) Snapshot() any { return d.Records() }

// linkedDNS is the fakeDNS for one process, so that its calls can fail, and end with a crash.
type linkedDNS struct{ link *explore.Link }

func (d linkedDNS) Create(ctx context.Context, record string) (id string, err error) {
	err = d.link.Call(ctx, "create", record, func() (err error) {
		id, err = d.link.System().(*fakeDNS).Create(ctx, record)
		return err
	})
	return id, err
}

func (d linkedDNS) Put(ctx context.Context, id, record string) error {
	return d.link.Call(ctx, "put", record, func() error { return d.link.System().(*fakeDNS).Put(ctx, id, record) })
}

func (d linkedDNS) Delete(ctx context.Context, id string) error {
	return d.link.Call(ctx, "delete", "", func() error { return d.link.System().(*fakeDNS).Delete(ctx, id) })
}
