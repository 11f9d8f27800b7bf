package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/kerr"
	"github.com/kuberator/kuberator/repository"
)

// This test binary is also the program that competes for a lease: with these variables it is one
// of its processes.
const (
	leaderKubeconfig = "E2E_LEADER_KUBECONFIG"
	leaderNamespace  = "E2E_LEADER_NAMESPACE"
	leaderIdentity   = "E2E_LEADER_IDENTITY"
	leaderLease      = "E2E_LEADER_LEASE" // LeaseDuration; with it, RetryPeriod is a second
	leaderApply      = "E2E_LEADER_APPLY" // how long Apply of the busy object takes, before it writes
)

// busy is the object that the one that leads changes all the time.
const busy = "busy"

func theLease(namespace string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: "operator"}
}

// leaderProcess says on standard output when it is ready, when it first applies, and what it was
// refused. It ends with SIGTERM, and at once with a second one.
func leaderProcess() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if err := runLeaderProcess(ctx); err != nil {
		fmt.Fprintln(os.Stderr, os.Getenv(leaderIdentity), err)
		return 1
	}
	return 0
}

func say(what string) { fmt.Fprintf(os.Stdout, "%s %d\n", what, time.Now().UnixNano()) }

func runLeaderProcess(ctx context.Context) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", os.Getenv(leaderKubeconfig))
	if err != nil {
		return err
	}
	namespace, me := os.Getenv(leaderNamespace), os.Getenv(leaderIdentity)
	cfg.UserAgent = me // in the audit log
	takes, _ := time.ParseDuration(os.Getenv(leaderApply))
	repo, err := repository.New[corev1.ConfigMap](cfg, scheme.Scheme, corev1.SchemeGroupVersion.WithResource("configmaps"), repository.InNamespaces(namespace))
	if err != nil {
		return err
	}
	first := sync.OnceFunc(func() { say("applies") })
	apply := func(ctx context.Context, cm *corev1.ConfigMap) (controller.Action, error) {
		if first(); cm.Name != busy {
			return controller.AwaitChange(), nil
		}
		select {
		case <-time.After(takes):
		case <-ctx.Done():
		}
		_, err := repo.Patch(ctx, cm, types.MergePatchType, fmt.Appendf(nil, `{"data":{"by":%q,"at":"%d"}}`, me, time.Now().UnixNano()))
		return controller.Requeue(20 * time.Millisecond), err
	}
	refused := func(err error) {
		if err != nil && kerr.ClassOf(err) == kerr.ClassForbidden {
			say("refused")
		}
	}
	c, err := controller.New(repo, controller.Funcs[*corev1.ConfigMap]{FinalizerName: controller.NoFinalizer, ApplyFunc: apply}, &controller.Options{
		Logger: zap.NewNop(), Observer: controller.ObserverFuncs{
			EndedFunc:   func(_ context.Context, a controller.Attempt) { refused(a.Err) },
			TroubleFunc: func(t controller.Trouble) { refused(t.Err) },
		},
	})
	if err != nil {
		return err
	}
	opts := &leader.Options{Identity: me, Logger: zap.NewNop()}
	if opts.LeaseDuration, _ = time.ParseDuration(os.Getenv(leaderLease)); opts.LeaseDuration > 0 {
		opts.RetryPeriod = time.Second
	}
	elector, err := leader.New(cfg, theLease(namespace), opts)
	if err != nil {
		return err
	}
	elector.Lead(c)
	go func() {
		for c.Ready() != nil && ctx.Err() == nil {
			refused(elector.Status().Err)
			time.Sleep(10 * time.Millisecond)
		}
		if ctx.Err() == nil {
			say("ready")
		}
		for ctx.Err() == nil {
			refused(elector.Status().Err)
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return elector.Run(ctx)
}
