package controllerruntime_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

func TestKindThatIsNotServed(t *testing.T) {
	c := keyCase(nil)
	c.New = controllerruntime.New(func(mgr ctrl.Manager) error {
		return (&website.Reconciler{Client: mgr.GetClient()}).SetupWithManager(mgr)
	})
	_, err := explore.Explore(t, c)
	require.ErrorContains(t, err, "the server does not serve Deployment.apps: add it to Case.Kinds")
}

func TestSetupThatFails(t *testing.T) {
	c := keyCase(nil)
	c.New = controllerruntime.New(func(ctrl.Manager) error { return errors.New("no setup today") })
	_, err := explore.Explore(t, c)
	require.ErrorContains(t, err, "no setup today")
	c.New = controllerruntime.New(nil)
	_, err = explore.Explore(t, c)
	require.ErrorContains(t, err, "setup is nil")
}

// Conflicts and AlreadyExists are no alarm, but one that does not end is.
func TestErrorsThatDoNotPass(t *testing.T) {
	c := reconcileCase(func(ctx context.Context, c client.Client, site *website.Website) error {
		return c.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: "taken"}})
	})
	c.Kinds = append(c.Kinds, sim.Core("configmaps")...)
	c.Script = append([]explore.Step{explore.Create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "taken"}})}, c.Script...)
	_, err := explore.Explore(t, c)
	require.ErrorContains(t, err, `configmaps "taken" already exists`)
}

// A panic is an error of its own.
func TestPanic(t *testing.T) {
	_, err := explore.Explore(t, reconcileCase(func(context.Context, client.Client, *website.Website) error { panic("out of order") }))
	require.ErrorContains(t, err, "panic: out of order")
}
