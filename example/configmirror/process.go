package configmirror

import (
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/operator"
)

// Name is the name of the operator.
const Name = "mirror.kuberator.dev/configmirror"

// Setup makes the controller of a process, with what the flags say.
func Setup(p *operator.Process) error {
	c, err := New(p.Config, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	return nil
}

// ProcessOptions say what is particular about the operator as a process.
func ProcessOptions() *operator.Options {
	known := runtime.NewScheme()
	utilruntime.Must(scheme.AddToScheme(known))
	utilruntime.Must(v1alpha1.AddToScheme(known))
	return &operator.Options{
		Description: "configmirror copies a ConfigMap, and a Secret if asked to, into all namespaces that a ConfigMirror selects.",
		Namespace:   Namespace,
		Scheme:      known,
		Rules:       Rules(),
		CRDs:        CRD(),
		ClusterWide: true,
	}
}
