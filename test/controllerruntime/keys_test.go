package controllerruntime_test

import (
	"context"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// KeyReconciler gives each Website a Secret with a generated name. It has a bug.
type KeyReconciler struct{ client.Client }

func (r *KeyReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	site := &website.Website{}
	if err := r.Get(ctx, req.NamespacedName, site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if site.Status.Secret != "" {
		return ctrl.Result{}, nil // it has one
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, GenerateName: site.Name + "-"}}
	if err := controllerutil.SetControllerReference(site, secret, r.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Create(ctx, secret); err != nil {
		return ctrl.Result{}, err
	}
	site.Status.Secret = secret.Name
	return ctrl.Result{}, r.Status().Update(ctx, site)
}

// RepairedReconciler gives each Website a Secret with a name that does not depend on chance.
type RepairedReconciler struct{ client.Client }

func (r *RepairedReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	site := &website.Website{}
	if err := r.Get(ctx, req.NamespacedName, site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if site.Status.Secret != "" {
		return ctrl.Result{}, nil // it has one
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name + "-key"}}
	if err := controllerutil.SetControllerReference(site, secret, r.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Create(ctx, secret); client.IgnoreAlreadyExists(err) != nil {
		return ctrl.Result{}, err
	}
	site.Status.Secret = secret.Name
	return ctrl.Result{}, r.Status().Update(ctx, site)
}

func keyCase(make func(c client.Client) reconcile.Reconciler) explore.Case[*website.Website] {
	return explore.Case[*website.Website]{
		Kinds:  append(sim.CRDFiles("internal/website/crd"), sim.Core("secrets")...),
		Scheme: website.Scheme(),
		New: controllerruntime.New(func(mgr ctrl.Manager) error {
			return ctrl.NewControllerManagedBy(mgr).For(&website.Website{}).Complete(make(mgr.GetClient()))
		}),
		Script: []explore.Step{
			explore.Create(&website.Website{ObjectMeta: metav1.ObjectMeta{Name: "blog"}, Spec: website.Spec{Image: "blog:1"}}), explore.Settle(),
		},
	}
}

var duration = regexp.MustCompile(` in [0-9.]+m?s`)

// The guide shows a report: this one.
func TestKeys(t *testing.T) {
	result, err := explore.Explore(t, keyCase(func(c client.Client) reconcile.Reconciler { return &KeyReconciler{c} }))
	require.NoError(t, err)
	t.Log(result.Took)
	report := duration.ReplaceAllString(result.String(), " in 400ms")
	guide, err := os.ReadFile("../../docs/testing-controller-runtime.md")
	require.NoError(t, err)
	require.Contains(t, string(guide), "```text\n"+report+"```", "the guide does not show what a report is: %s", report)
}

func TestRepairedKeys(t *testing.T) {
	explore.Run(t, keyCase(func(c client.Client) reconcile.Reconciler { return &RepairedReconciler{c} }))
}
