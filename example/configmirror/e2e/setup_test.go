package e2e_test

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/example/configmirror/api/v1alpha1"
	"github.com/kuberator/kuberator/repository"
	"github.com/kuberator/kuberator/test/cluster"
)

// environment is the control plane that the tests of this package share. They run
// one after the other, for ConfigMirrors have no namespaces.
type environment struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	mirrors *repository.Live[*v1alpha1.ConfigMirror]
	account *rest.Config // the operator's
	audit   auditLog
	worlds  atomic.Int64
}

// env is set by TestMain.
var env *environment

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "configmirror")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	flags, log, err := audited(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c, err := cluster.New(context.Background(), &cluster.Options{APIServerFlags: flags})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = c.Stop() }()
	if env, err = prepare(context.Background(), c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	env.audit = log
	return m.Run()
}

func prepare(ctx context.Context, c *cluster.Cluster) (*environment, error) {
	e := &environment{cluster: c}
	if err := cluster.InstallCRDs(ctx, c.Config(), configmirror.CRD()); err != nil {
		return nil, err
	}
	if err := cluster.ApplyYAML(ctx, c.Config(), configmirror.RBAC()); err != nil {
		return nil, err
	}
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		return nil, err
	}
	var err error
	if e.account, err = c.ServiceAccount(ctx, configmirror.Namespace, configmirror.ServiceAccount); err != nil {
		return nil, err
	}
	if e.client, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return nil, err
	}
	e.mirrors, err = repository.New[v1alpha1.ConfigMirror](c.Config(), s, v1alpha1.Resource(), repository.ClusterScoped())
	return e, err
}
