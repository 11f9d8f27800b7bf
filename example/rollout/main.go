package main

import (
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

// newControllers returns the controllers of the three kinds, each with the options of a call of opts. It does no I/O.
func newControllers(cfg *rest.Config, events event.Recorder, opts func() *controller.Options) (all []controller.Runner, err error) {
	config, err := newCaches(cfg, &informer.Options{Namespaces: opts().Informer.Namespaces})
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		add(&all, "deployments", cfg, opts(), config, events, func(d *appsv1.Deployment) *corev1.PodTemplateSpec { return &d.Spec.Template }),
		add(&all, "statefulsets", cfg, opts(), config, events, func(s *appsv1.StatefulSet) *corev1.PodTemplateSpec { return &s.Spec.Template }),
		add(&all, "daemonsets", cfg, opts(), config, events, func(d *appsv1.DaemonSet) *corev1.PodTemplateSpec { return &d.Spec.Template }))
	return all, err
}

// add adds the controller of a kind.
func add[E any, T interface {
	*E
	repository.Object
}](all *[]controller.Runner, resource string, cfg *rest.Config, opts *controller.Options, config caches, events event.Recorder, template func(T) *corev1.PodTemplateSpec) error {
	repo, err := repository.New[E, T](cfg, scheme.Scheme, appsv1.SchemeGroupVersion.WithResource(resource))
	if err != nil {
		return err
	}
	r := &roller[T]{repo, template, config, events}
	c, err := controller.New(repo, controller.Funcs[T]{FinalizerName: controller.NoFinalizer, ApplyFunc: r.apply}, opts)
	if err != nil {
		return err
	}
	for _, cache := range config {
		controller.References(c, cache, digestChanged)
	}
	*all = append(*all, c)
	return nil
}

func main() { operator.Main(program()) }

// program returns the arguments of operator.Main.
func program() (name string, setup operator.Setup, opts *operator.Options) {
	setup = func(p *operator.Process) error {
		all, err := newControllers(p.Config, p.Events, func() *controller.Options {
			opts := p.Options()
			opts.NoStatus = true
			return opts
		})
		p.Lead(all...)
		return err
	}
	return "rollout.kuberator.dev/rollout", setup, &operator.Options{
		Description: "rollout restarts workloads with the annotation " + AnnotationOn + "=true when a ConfigMap or Secret that their Pods are made with changes.",
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{"apps"}, Resources: []string{"deployments", "statefulsets", "daemonsets"}, Verbs: []string{"patch"},
		}},
	}
}
