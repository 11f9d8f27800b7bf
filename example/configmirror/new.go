package configmirror

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/informer"
	"github.com/kuberator/kuberator/repository"
)

// workers is the default for Options.Workers: an Apply waits for the API server
// nearly all the time.
const workers = 8

// Controller is the controller of ConfigMirrors.
type Controller = controller.Controller[*v1alpha1.ConfigMirror, *Operator]

// New returns the operator for the API server of cfg. opts may be nil; if its
// Workers is zero, 8 run. It does no I/O.
func New(cfg *rest.Config, opts *controller.Options) (*Controller, error) {
	s := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(s), v1alpha1.AddToScheme(s)); err != nil {
		return nil, err
	}
	mirrors, err := repository.New[v1alpha1.ConfigMirror](cfg, s, v1alpha1.Resource(), repository.ClusterScoped())
	if err != nil {
		return nil, err
	}
	namespaces, err := repository.New[corev1.Namespace](cfg, s, corev1.SchemeGroupVersion.WithResource("namespaces"), repository.ClusterScoped())
	if err != nil {
		return nil, err
	}
	configMaps, err := repository.New[corev1.ConfigMap](cfg, s, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return nil, err
	}
	secrets, err := repository.New[corev1.Secret](cfg, s, corev1.SchemeGroupVersion.WithResource("secrets"))
	if err != nil {
		return nil, err
	}
	return assemble(repositories{mirrors, namespaces, configMaps, secrets}, opts)
}

// repositories is what the operator reads and writes.
type repositories struct {
	mirrors    *repository.Live[*v1alpha1.ConfigMirror]
	namespaces *repository.Live[*corev1.Namespace]
	configMaps *repository.Live[*corev1.ConfigMap]
	secrets    *repository.Live[*corev1.Secret]
}

// assemble makes the operator and its controller, and wires them.
func assemble(r repositories, opts *controller.Options) (*Controller, error) {
	var options controller.Options
	if opts != nil {
		options = *opts
	}
	if options.Workers == 0 {
		options.Workers = workers
	}
	namespaces, err := informer.New(r.namespaces, nil)
	if err != nil {
		return nil, err
	}
	configMaps, err := newCopier(r.configMaps, configMapContent())
	if err != nil {
		return nil, err
	}
	secrets, err := newCopier(r.secrets, secretContent())
	if err != nil {
		return nil, err
	}
	o := &Operator{mirrors: r.mirrors, namespaces: namespaces, configMaps: configMaps, secrets: secrets}
	c, err := controller.New(r.mirrors, o, &options)
	if err != nil {
		return nil, err
	}
	// What Apply reads is what leads to the next Apply. Of a namespace it reads the
	// labels, and whether it is going.
	controller.References(c, namespaces, informer.LabelsChanged[*corev1.Namespace], informer.LifecycleChanged[*corev1.Namespace])
	controller.References(c, configMaps.cache)
	controller.References(c, secrets.cache)
	return c, nil
}
