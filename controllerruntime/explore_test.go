package controllerruntime_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kuberator/kuberator/controllerruntime"
	testruntime "github.com/kuberator/kuberator/test/controllerruntime"
	"github.com/kuberator/kuberator/test/explore"
	"github.com/kuberator/kuberator/test/sim"
)

const finalizer = "example.com/copies"

// copier is a reconciler of the usual shape: for each ConfigMap a Secret beside it, which it owns, and one in another
// namespace, which a finalizer is for.
type copier struct{ client.Client }

func (c *copier) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	cm := &corev1.ConfigMap{}
	if err := c.Get(ctx, req.NamespacedName, cm); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	there := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: cm.Name}}
	if !cm.DeletionTimestamp.IsZero() {
		if err := c.Delete(ctx, there); client.IgnoreNotFound(err) != nil {
			return ctrl.Result{}, err
		}
		if controllerutil.RemoveFinalizer(cm, finalizer) {
			return ctrl.Result{}, client.IgnoreNotFound(c.Update(ctx, cm))
		}
		return ctrl.Result{}, nil
	}
	if controllerutil.AddFinalizer(cm, finalizer) {
		if err := c.Update(ctx, cm); err != nil {
			return ctrl.Result{}, err
		}
	}
	here := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name}}
	for _, secret := range []*corev1.Secret{here, there} {
		_, err := controllerutil.CreateOrUpdate(ctx, c.Client, secret, func() error {
			secret.Data = map[string][]byte{"v": []byte(cm.Data["v"])}
			if secret == there {
				return nil
			}
			return controllerutil.SetControllerReference(cm, secret, c.Scheme())
		})
		if err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{}, nil
}

// setup is what a builder did, with Adapt in the place of Complete.
func setup(mgr ctrl.Manager, r reconcile.Reconciler) error {
	b := ctrl.NewControllerManagedBy(mgr).For(&corev1.ConfigMap{}).Owns(&corev1.Secret{})
	return controllerruntime.Adapt(mgr, b, &corev1.ConfigMap{}, r, controller.Options{})
}

// An operator stays as correct as it is, whatever goes wrong, when its reconciler is adapted.
func TestAnAdaptedReconcilerExplored(t *testing.T) {
	explore.Run(t, explore.Case[*corev1.ConfigMap]{
		Kinds: sim.Core("configmaps", "secrets"),
		New: func(env *explore.Env) (explore.Process, error) {
			return testruntime.NewProcess(env, testruntime.Options(env), func(mgr ctrl.Manager) error {
				return setup(mgr, &copier{mgr.GetClient()})
			})
		},
		Script: []explore.Step{
			explore.Create(configMap("a", "v", "1")), explore.Settle(),
			explore.Update("a", set("2")), explore.Settle(),
			explore.DeleteObject(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"}}), explore.Settle(),
			explore.Delete("a"), explore.Settle(),
			explore.Create(configMap("a", "v", "3")), explore.Settle(),
		},
	})
}
