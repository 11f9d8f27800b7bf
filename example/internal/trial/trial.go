// Package trial has what the tests of the examples share.
package trial

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/operator"
	"github.com/kuberator/kuberator/test/sim"
)

// Program is what an example gives to operator.Main, and its flags.
type Program struct {
	Name  string
	Setup operator.Setup
	Opts  *operator.Options
	Args  []string
}

// Of makes a Program of what an example's function Program returns.
func Of(name string, setup operator.Setup, opts *operator.Options) Program {
	return Program{Name: name, Setup: setup, Opts: opts}
}

// Run runs a controller on a simulated API server, with the rights of the example's manifests and no others,
// while story does what users do. It fails the test if the server refuses something for want of a right.
// Call it in a bubble of testing/synctest.
func Run(t *testing.T, kinds []sim.Kind, p Program, newController func(cfg *rest.Config, opts *controller.Options) (controller.Runner, error),
	story func(ctx context.Context, cfg *rest.Config),
) {
	t.Helper()
	kinds = append(kinds, sim.Core("clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io")...)
	srv, err := sim.New(sim.Options{Kinds: kinds, GarbageCollection: true})
	require.NoError(t, err)
	defer srv.Close()
	limited := srv.Session("operator").Config()
	limited.Impersonate.UserName = install(t, srv.Config(), p)

	missing := make(chan error, 100)
	c, err := newController(limited, &controller.Options{Observer: controller.ObserverFuncs{
		EndedFunc:   func(_ context.Context, at controller.Attempt) { forbidden(missing, at.Err) },
		TroubleFunc: func(trouble controller.Trouble) { forbidden(missing, trouble.Err) },
	}})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	story(ctx, srv.Config())
	cancel()
	require.NoError(t, <-ended)
	close(missing)
	for err := range missing {
		require.NoError(t, err)
	}
}

// forbidden keeps an error that is about rights.
func forbidden(missing chan<- error, err error) {
	if err == nil || kerr.ClassOf(err) != kerr.ClassForbidden {
		return
	}
	select {
	case missing <- err:
	default:
	}
}

// install gives the service account of the manifests its rights in the whole cluster, and returns its name.
func install(t *testing.T, cfg *rest.Config, p Program) (user string) {
	t.Helper()
	files, err := operator.Manifests(p.Name, p.Args, p.Setup, p.Opts)
	require.NoError(t, err)
	client, err := kubernetes.NewForConfig(cfg)
	require.NoError(t, err)
	for document := range strings.SplitSeq("\n"+string(files["base/rbac.yaml"]), "\n---\n") {
		obj, _, err := scheme.Codecs.UniversalDeserializer().Decode([]byte(document), nil, nil)
		require.NoError(t, err)
		require.NoError(t, grant(t.Context(), client, obj))
		if binding, ok := obj.(*rbacv1.ClusterRoleBinding); ok {
			user = "system:serviceaccount:" + binding.Subjects[0].Namespace + ":" + binding.Subjects[0].Name
		}
	}
	return user
}

func grant(ctx context.Context, client kubernetes.Interface, obj runtime.Object) (err error) {
	switch obj := obj.(type) {
	case *rbacv1.ClusterRole:
		_, err = client.RbacV1().ClusterRoles().Create(ctx, obj, metav1.CreateOptions{})
	case *rbacv1.ClusterRoleBinding:
		_, err = client.RbacV1().ClusterRoleBindings().Create(ctx, obj, metav1.CreateOptions{})
	}
	return err
}
