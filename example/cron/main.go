// Command cron is an operator that runs Jobs at certain times, as the CronJobs of Kubernetes do. See --help.
package main

import (
	_ "embed"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/kuberator/kuberator/example/cron/api/v1alpha1"
	"github.com/kuberator/kuberator/operator"
)

//go:embed config/cron.kuberator.dev_crontasks.yaml
var crd []byte

func main() { operator.Main(program()) }

// program returns the arguments of operator.Main.
func program() (name string, setup operator.Setup, opts *operator.Options) {
	setup = func(p *operator.Process) error {
		c, err := newController(p.Config, p.Events, p.Options())
		p.Lead(c)
		return err
	}
	return "cron.kuberator.dev/cron", setup, &operator.Options{
		Description: "cron runs Jobs at the times that CronTasks name.",
		Scheme:      v1alpha1.Scheme(), CRDs: crd,
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"get", "create", "delete"}}},
	}
}
