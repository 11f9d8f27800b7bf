package operator_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/event"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

var greeted = event.Normal("Greeted", "Greet")

type greeter struct{ events event.Recorder }

func (greeter) Finalizer() string { return controller.NoFinalizer }

func (g greeter) Apply(_ context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
	g.events.Eventf(cm, nil, greeted, "Hello, %s", cm.Data["name"])
	return controller.AwaitChange(), nil
}

func (greeter) Cleanup(context.Context, *corev1.ConfigMap) (controller.Action, error) {
	return controller.AwaitChange(), nil
}

// setup makes the controllers, with what the flags say.
func setup(p *operator.Process) error {
	repo, err := repository.New[corev1.ConfigMap](p.Config, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"))
	if err != nil {
		return err
	}
	c, err := controller.New(repo, greeter{p.Events}, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	return nil
}

func run() {
	operator.Main("example.com/shop-operator", setup, &operator.Options{
		Description: "shop-operator greets all shops.",
		Rules: []rbacv1.PolicyRule{ // what Apply and Cleanup send, beside what the library does
			{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"create", "patch"}},
		},
	})
}

// A whole operator: this and an image are all that a cluster needs.
func Example() {
	_ = run
}

// The files with which it is installed, for instance to compare them in a test with those in the
// repository.
func ExampleManifests() {
	files, err := operator.Manifests("example.com/shop-operator", []string{"--namespaces=red,blue"}, setup, nil)
	if err != nil {
		fmt.Println(err)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Println(path)
	}
	// Output:
	// base/deployment.yaml
	// base/kustomization.yaml
	// base/namespace.yaml
	// base/networkpolicy.yaml
	// base/poddisruptionbudget.yaml
	// base/rbac.yaml
	// base/service.yaml
	// monitoring/dashboard.yaml
	// monitoring/kustomization.yaml
	// monitoring/prometheusrule.yaml
	// monitoring/servicemonitor.yaml
	// uninstall/job.yaml
	// uninstall/kustomization.yaml
}

// A wrong flag is an error. Otherwise the process runs until its ctx ends.
func ExampleRun() {
	err := operator.Run(context.Background(), "example.com/shop-operator", []string{"--workers=none"}, setup, nil, os.Stdout)
	fmt.Println(err)
	// Output: invalid argument "none" for "--workers" flag: strconv.ParseInt: parsing "none": invalid syntax; --help lists the flags
}
