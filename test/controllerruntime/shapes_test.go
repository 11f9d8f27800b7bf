package controllerruntime_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// pages uses what website does not: several workers, predicates, an index, a mapping, events, patches of
// the status with and without a lock, server-side apply, RetryOnConflict, and a periodic look.
type pages struct {
	client.Client
	recorder events.EventRecorder
}

const byImage = "spec.image"

func (p *pages) setup(mgr ctrl.Manager) error {
	p.Client, p.recorder = mgr.GetClient(), mgr.GetEventRecorder("pages")
	images := func(o client.Object) []string { return []string{o.(*website.Website).Spec.Image} }
	if err := mgr.GetFieldIndexer().IndexField(context.Background(), &website.Website{}, byImage, images); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&website.Website{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(p.sitesOf)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 4}).
		Complete(p)
}

func (p *pages) sitesOf(ctx context.Context, cm client.Object) (out []reconcile.Request) {
	sites := &website.WebsiteList{}
	if err := p.List(ctx, sites, client.InNamespace(cm.GetNamespace()), client.MatchingFields{byImage: cm.GetName()}); err != nil {
		log.FromContext(ctx).Error(err, "sites of a ConfigMap")
	}
	for _, site := range sites.Items {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&site)})
	}
	return out
}

func (p *pages) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	site := &website.Website{}
	if err := p.Get(ctx, req.NamespacedName, site); err != nil || !site.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	cm := &corev1.ConfigMap{}
	if err := p.Get(ctx, types.NamespacedName{Namespace: site.Namespace, Name: site.Spec.Image}, cm); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	}
	secret := &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name}, Data: map[string][]byte{"page": []byte(cm.Data["page"])},
	}
	if err := controllerutil.SetControllerReference(site, secret, p.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	if err := p.Patch(ctx, secret, client.Apply, client.FieldOwner("pages"), client.ForceOwnership); err != nil { //nolint:staticcheck // the field does
		return ctrl.Result{}, err
	}
	p.recorder.Eventf(site, nil, corev1.EventTypeNormal, "Rendered", "Render", "the page has %d bytes", len(cm.Data["page"]))
	before := site.DeepCopy()
	site.Status.Secret = secret.Name
	if err := p.Status().Patch(ctx, site, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if err := p.Get(ctx, req.NamespacedName, site); err != nil {
			return err
		}
		before := site.DeepCopy()
		if !meta.SetStatusCondition(&site.Status.Conditions, metav1.Condition{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Rendered"}) {
			return nil
		}
		return p.Status().Patch(ctx, site, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	return ctrl.Result{RequeueAfter: 5 * time.Minute}, client.IgnoreNotFound(err)
}

func TestPages(t *testing.T) {
	page := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "blog-1"}, Data: map[string]string{"page": "hello"}}
	var sites []explore.Step
	for _, name := range []string{"a", "b"} {
		sites = append(sites, explore.Create(&website.Website{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: website.Spec{Image: "blog-1"}}))
	}
	explore.Run(t, explore.Case[*website.Website]{
		Kinds:  append(sim.CRDFiles("internal/website/crd"), sim.Core("configmaps", "secrets")...),
		Scheme: website.Scheme(),
		New:    controllerruntime.New(func(mgr ctrl.Manager) error { return (&pages{}).setup(mgr) }),
		Script: append(sites, explore.Settle(),
			explore.Create(page), explore.Settle(),
			explore.UpdateObject(page, func(cm *corev1.ConfigMap) { cm.Data["page"] = "hello, world" }), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
		),
	})
}

// With leader election, and options of its own. The Lease is not compared.
func TestOptions(t *testing.T) {
	c := keyCase(nil)
	c.New = func(env *explore.Env) (explore.Process, error) {
		options := controllerruntime.Options(env)
		options.LeaderElection, options.LeaderElectionID, options.LeaderElectionNamespace = true, "pages", "kube-system"
		return controllerruntime.NewProcess(env, options, func(mgr ctrl.Manager) error { return (&pages{}).setup(mgr) })
	}
	c.Kinds = append(c.Kinds, sim.Core("configmaps")...)
	result, err := explore.Explore(t, c, explore.Crashes(1))
	require.NoError(t, err)
	require.Empty(t, result.Failures, "%s", result)
}
