package website

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
)

// Finalizer holds a Website until its route is gone.
const Finalizer = "example.com/route"

// Routes is the namespace in which the routes of all sites lie, where an owner reference cannot reach.
const Routes = "kube-system"

// Reconciler runs each Website as a Deployment behind a Service, and tells the world of it by a route.
type Reconciler struct {
	client.Client
}

// SetupWithManager adds the controller to a manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).For(&Website{}).Owns(&appsv1.Deployment{}).Owns(&corev1.Service{}).Complete(r)
}

// Reconcile brings one site to what its spec asks for.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	site := &Website{}
	if err := r.Get(ctx, req.NamespacedName, site); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !site.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, r.cleanUp(ctx, site)
	}
	if controllerutil.AddFinalizer(site, Finalizer) {
		if err := r.Update(ctx, site); err != nil {
			return ctrl.Result{}, err
		}
	}
	deployment, err := r.deployment(ctx, site)
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.service(ctx, site); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.route(ctx, site); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.report(ctx, site, deployment)
}

func (r *Reconciler) cleanUp(ctx context.Context, site *Website) error {
	if !controllerutil.ContainsFinalizer(site, Finalizer) {
		return nil
	}
	if err := client.IgnoreNotFound(r.Delete(ctx, routeOf(site))); err != nil {
		return err
	}
	controllerutil.RemoveFinalizer(site, Finalizer)
	return client.IgnoreNotFound(r.Update(ctx, site))
}

func (r *Reconciler) deployment(ctx context.Context, site *Website) (*appsv1.Deployment, error) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, d, func() error {
		labels := map[string]string{"site": site.Name}
		d.Spec.Replicas = &site.Spec.Replicas
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		d.Spec.Template.Labels = labels
		if len(d.Spec.Template.Spec.Containers) == 0 {
			d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "site"}}
		}
		d.Spec.Template.Spec.Containers[0].Image = site.Spec.Image
		return controllerutil.SetControllerReference(site, d, r.Scheme())
	})
	return d, err
}

func (r *Reconciler) service(ctx context.Context, site *Website) error {
	s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: site.Name}}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, s, func() error {
		s.Spec.Selector = map[string]string{"site": site.Name}
		if len(s.Spec.Ports) == 0 {
			s.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		}
		return controllerutil.SetControllerReference(site, s, r.Scheme())
	})
	return err
}

func routeOf(site *Website) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: Routes, Name: site.Namespace + "." + site.Name}}
}

func (r *Reconciler) route(ctx context.Context, site *Website) error {
	route := routeOf(site)
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, route, func() error {
		route.Data = map[string]string{"to": site.Name + "." + site.Namespace + ".svc"}
		return nil
	})
	return err
}

// report writes the status, if it is another one.
func (r *Reconciler) report(ctx context.Context, site *Website, d *appsv1.Deployment) error {
	before := site.DeepCopy()
	site.Status.ObservedGeneration = site.Generation
	ready := metav1.Condition{Type: "Ready", Status: metav1.ConditionFalse, Reason: "Starting", ObservedGeneration: site.Generation}
	if d.Status.ReadyReplicas >= site.Spec.Replicas {
		ready.Status, ready.Reason = metav1.ConditionTrue, "Running"
	}
	meta.SetStatusCondition(&site.Status.Conditions, ready)
	if equality.Semantic.DeepEqual(before.Status, site.Status) {
		return nil
	}
	return r.Status().Update(ctx, site)
}
