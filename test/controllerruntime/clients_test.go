package controllerruntime_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/record"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/controllerruntime/internal/website"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

// mirrors uses the clients that pages does not: watches of metadata alone, unstructured objects, reads that
// pass by the cache, deletion of collections, CreateOrPatch, the old recorder, and a goroutine of its own.
type mirrors struct {
	client.Client
	reader   client.Reader
	recorder record.EventRecorder
}

func (m *mirrors) setup(mgr ctrl.Manager) error {
	m.Client, m.reader = mgr.GetClient(), mgr.GetAPIReader()
	m.recorder = mgr.GetEventRecorderFor("mirrors") //nolint:staticcheck // many operators still use it
	err := mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		for tick := time.NewTicker(time.Minute); ; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return nil
			}
		}
	}))
	if err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).For(&website.Website{}).Owns(&corev1.Secret{}, builder.OnlyMetadata).Complete(m)
}

func (m *mirrors) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	site := &unstructured.Unstructured{}
	site.SetGroupVersionKind(website.GroupVersion.WithKind("Website"))
	if err := m.reader.Get(ctx, req.NamespacedName, site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if site.GetDeletionTimestamp() != nil {
		err := m.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(website.Routes), client.MatchingLabels{"site": site.GetName()})
		if err == nil && controllerutil.RemoveFinalizer(site, website.Finalizer) {
			err = client.IgnoreNotFound(m.Update(ctx, site))
		}
		return ctrl.Result{}, err
	}
	if controllerutil.AddFinalizer(site, website.Finalizer) {
		if err := m.Update(ctx, site); err != nil {
			return ctrl.Result{}, err
		}
	}
	route := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: website.Routes, Name: site.GetName()}}
	_, err := controllerutil.CreateOrPatch(ctx, m.Client, route, func() error {
		image, _, _ := unstructured.NestedString(site.Object, "spec", "image")
		route.Labels, route.Data = map[string]string{"site": site.GetName()}, map[string]string{"image": image}
		return nil
	})
	if err != nil {
		return ctrl.Result{}, err
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: site.GetNamespace(), Name: site.GetName()}}
	if err := controllerutil.SetControllerReference(site, secret, m.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	if err := m.Create(ctx, secret); client.IgnoreAlreadyExists(err) != nil {
		return ctrl.Result{}, err
	}
	m.recorder.Event(site, corev1.EventTypeNormal, "Mirrored", "it has its route and its Secret")
	return ctrl.Result{}, nil
}

func TestClients(t *testing.T) {
	explore.Run(t, explore.Case[*website.Website]{
		Kinds:  append(sim.CRDFiles("internal/website/crd"), sim.Core("configmaps", "secrets")...),
		Scheme: website.Scheme(),
		New:    controllerruntime.New(func(mgr ctrl.Manager) error { return (&mirrors{}).setup(mgr) }),
		Script: []explore.Step{
			explore.Create(&website.Website{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: website.Spec{Image: "1"}}), explore.Settle(),
			explore.Update("a", func(w *website.Website) { w.Spec.Image = "2" }), explore.Settle(),
			explore.DeleteObject(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
			explore.Create(&website.Website{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: website.Spec{Image: "3"}}), explore.Settle(),
		},
	})
}
