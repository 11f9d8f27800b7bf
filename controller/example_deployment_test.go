package controller_test

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// website is a kind of your own.
type website struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Replicas int32  `json:"replicas"`
		Image    string `json:"image"`
		Proxy    bool   `json:"proxy"`
	} `json:"spec"`
}

// DeepCopyObject is usually generated, by controller-gen.
func (w *website) DeepCopyObject() runtime.Object {
	c := &website{TypeMeta: w.TypeMeta, Spec: w.Spec}
	w.DeepCopyInto(&c.ObjectMeta)
	return c
}

var websiteKind = schema.GroupVersionKind{Group: "example.com", Version: "v1", Kind: "Website"}

// websiteTypes returns the Go types of Websites and of the kinds of Kubernetes.
func websiteTypes() *runtime.Scheme {
	known := runtime.NewScheme()
	known.AddKnownTypeWithName(websiteKind, &website{})
	metav1.AddToGroupVersion(known, websiteKind.GroupVersion())
	utilruntime.Must(scheme.AddToScheme(known))
	return known
}

// websites runs a Deployment for each Website, and a second one with a proxy for those whose spec.proxy is true.
type websites struct {
	sites       *repository.Live[*website]
	deployments *repository.Live[*appsv1.Deployment]
	cache       *informer.Informer[*appsv1.Deployment]
}

// newWebsites returns the controller. It sends no request.
func newWebsites(cfg *rest.Config, opts *controller.Options) (*controller.Controller[*website, *websites], error) {
	known, w, err := websiteTypes(), &websites{}, error(nil)
	if w.sites, err = repository.New[website](cfg, known, websiteKind.GroupVersion().WithResource("websites")); err != nil {
		return nil, err
	}
	if w.deployments, err = repository.New[appsv1.Deployment](cfg, known, appsv1.SchemeGroupVersion.WithResource("deployments")); err != nil {
		return nil, err
	}
	if w.cache, err = informer.New(w.deployments, nil); err != nil {
		return nil, err
	}
	c, err := controller.New(w.sites, w, opts)
	if err != nil {
		return nil, err
	}
	controller.Owns(c, w.cache) // a change of a Deployment is a reason to call Apply for its Website
	return c, nil
}

// Finalizer returns none: the garbage collector deletes the children.
func (w *websites) Finalizer() string { return controller.NoFinalizer }

func (w *websites) Cleanup(context.Context, *website) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

func (w *websites) Apply(ctx context.Context, site *website) (controller.Action, error) {
	err := w.deployment(ctx, site, site.Name, site.Spec.Image)
	if err != nil {
		return controller.AwaitChange(), err
	}
	if site.Spec.Proxy {
		return controller.AwaitChange(), w.deployment(ctx, site, site.Name+"-proxy", "varnish:8.0")
	}
	return controller.AwaitChange(), w.remove(ctx, site, site.Name+"-proxy")
}

// deployment creates a Deployment of the site, or changes what differs.
func (w *websites) deployment(ctx context.Context, site *website, name, image string) error {
	named := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: site.Namespace, Name: name}}
	_, err := w.deployments.Ensure(ctx, named, func(d *appsv1.Deployment) error {
		labels := map[string]string{"app": name}
		d.Spec.Replicas = &site.Spec.Replicas
		d.Spec.Selector = &metav1.LabelSelector{MatchLabels: labels}
		d.Spec.Template.Labels = labels
		pod := &d.Spec.Template.Spec
		if len(pod.Containers) == 0 {
			pod.Containers = []corev1.Container{{Name: "main"}}
		}
		pod.Containers[0].Image = image // set fields: the others of this container have defaults of the server
		return repository.SetController(site, websiteKind, d)
	})
	return err
}

// remove deletes a Deployment that is not wanted any more, if it is one of this site.
func (w *websites) remove(ctx context.Context, site *website, name string) error {
	have, err := w.cache.Get(ctx, types.NamespacedName{Namespace: site.Namespace, Name: name})
	switch {
	case kerr.ClassOf(err) == kerr.ClassNotFound:
		return nil
	case err != nil:
		return err
	case !metav1.IsControlledBy(have, site):
		return nil // it belongs to another object
	}
	return w.deployments.Delete(ctx, have) // what was read: its UID must match
}
