package operator_test

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/repository"
)

// confined is a setup of an operator that works in the namespaces of its flag --namespaces.
func confined(p *operator.Process) error {
	repo, err := repository.New[corev1.ConfigMap](p.Config, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"),
		repository.InNamespaces(p.Namespaces...)) // those of --namespaces; all if there are none
	if err != nil {
		return err
	}
	fmt.Println(repo.Namespaces())
	c, err := controller.New(repo, greeter{p.Events}, p.Options())
	if err != nil {
		return err
	}
	p.Lead(c)
	return nil
}

// With --namespaces the manifests bind the rights in each of them, and nowhere else.
func ExampleProcess() {
	files, err := operator.Manifests("example.com/shop-operator", []string{"--namespaces=red,blue", "--metrics-addr=0"}, confined, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	bindings := 0
	for line := range strings.SplitSeq(string(files["base/rbac.yaml"]), "\n") {
		if line == "kind: RoleBinding" {
			bindings++
		}
		if line == "kind: ClusterRoleBinding" {
			fmt.Println("rights in all namespaces")
		}
	}
	fmt.Println(bindings, "bindings") // one is for the lease
	// Output:
	// [blue red]
	// 3 bindings
}
