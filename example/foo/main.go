package main

import (
	"context"
	_ "embed"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/example/foo/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

//go:embed config/foo.kuberator.dev_foos.yaml
var crd []byte

// Controller is the controller of Foos.
type Controller = controller.Controller[*v1alpha1.Foo, controller.Funcs[*v1alpha1.Foo]]

// newController returns the controller. It does no I/O.
func newController(cfg *rest.Config, events event.Recorder, opts *controller.Options) (*Controller, error) {
	k, err := newKeeper(cfg, events, opts.Informer.Namespaces)
	if err != nil {
		return nil, err
	}
	return k.controller(k.apply, opts)
}

func newKeeper(cfg *rest.Config, events event.Recorder, namespaces []string) (*keeper, error) {
	foos, err := repository.New[v1alpha1.Foo](cfg, types(), v1alpha1.GroupVersion().WithResource("foos"))
	if err != nil {
		return nil, err
	}
	deployments, err := repository.New[appsv1.Deployment](cfg, types(), appsv1.SchemeGroupVersion.WithResource("deployments"))
	if err != nil {
		return nil, err
	}
	cache, err := informer.New(deployments, &informer.Options{Namespaces: namespaces})
	if err != nil {
		return nil, err
	}
	err = cache.AddIndex(byOwner, func(d *appsv1.Deployment) []string {
		if owner := metav1.GetControllerOf(d); owner != nil {
			return []string{string(owner.UID)}
		}
		return nil
	})
	return &keeper{foos, deployments, cache, events}, err
}

// controller has no finalizer: the Deployment goes with its owner.
func (k *keeper) controller(apply func(context.Context, *v1alpha1.Foo) (controller.Action, error), opts *controller.Options) (*Controller, error) {
	c, err := controller.New(k.foos, controller.Funcs[*v1alpha1.Foo]{FinalizerName: controller.NoFinalizer, ApplyFunc: apply}, opts)
	if err == nil {
		controller.References(c, k.cache) // what apply reads is what leads to the next one
	}
	return c, err
}

func types() *runtime.Scheme {
	s := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(s))
	utilruntime.Must(v1alpha1.AddToScheme(s))
	return s
}

func main() { operator.Main(program()) }

// program returns the arguments of operator.Main.
func program() (name string, setup operator.Setup, opts *operator.Options) {
	setup = func(p *operator.Process) error {
		c, err := newController(p.Config, p.Events, p.Options())
		if err == nil {
			p.Lead(c)
		}
		return err
	}
	return "foo.kuberator.dev/foo", setup, &operator.Options{
		Description: "foo runs a Deployment for each Foo.",
		Scheme:      types(), CRDs: crd,
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get", "create", "patch", "delete"},
		}},
	}
}
