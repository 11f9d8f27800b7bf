package main

import (
	"context"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/test/cluster"
)

// place is the cluster that everything happens in.
type place struct {
	local *cluster.Cluster // nil: somebody else's
	admin *rest.Config
	// operator is its service account.
	operator *rest.Config
}

// open finds or starts the cluster, and installs the operator's manifests.
func open(ctx context.Context, where string, n *narrator) (*place, error) {
	p := &place{}
	var err error
	switch where {
	case "local":
		n.say(stageHand, "starting a control plane on this machine")
		if p.local, err = cluster.New(ctx, &cluster.Options{Log: n}); err != nil {
			return nil, err
		}
		p.admin = p.local.Config()
	case "current":
		rules := clientcmd.NewDefaultClientConfigLoadingRules()
		if p.admin, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig(); err != nil {
			return nil, fmt.Errorf("read the current kubeconfig context: %w", err)
		}
		p.admin.QPS = -1 // the default of five requests a second would show
	default:
		return nil, fmt.Errorf("-cluster is local or current, not %q", where)
	}
	n.say(stageHand, "the API server is %s", p.admin.Host)
	if err := p.install(ctx, n); err != nil {
		_ = p.close(n)
		return nil, err
	}
	return p, nil
}

// install creates the CRD and the rights, and gets a token for the operator.
func (p *place) install(ctx context.Context, n *narrator) error {
	if err := cluster.InstallCRDs(ctx, p.admin, configmirror.CRD()); err != nil {
		return err
	}
	if err := cluster.ApplyYAML(ctx, p.admin, configmirror.RBAC()); err != nil {
		return err
	}
	n.say(stageHand, "installed the CRD and the rights of the operator")
	var err error
	if p.local != nil {
		p.operator, err = p.local.ServiceAccount(ctx, configmirror.Namespace, configmirror.ServiceAccount)
	} else {
		p.operator, err = serviceAccount(ctx, p.admin)
	}
	return err
}

// serviceAccount returns the configuration of the operator in a cluster that is not
// ours. Its token is good for a day.
func serviceAccount(ctx context.Context, admin *rest.Config) (*rest.Config, error) {
	client, err := kubernetes.NewForConfig(admin)
	if err != nil {
		return nil, err
	}
	seconds := int64(24 * 60 * 60)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	issued, err := client.CoreV1().ServiceAccounts(configmirror.Namespace).
		CreateToken(ctx, configmirror.ServiceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("request a token for service account %s/%s: %w", configmirror.Namespace, configmirror.ServiceAccount, err)
	}
	cfg := rest.AnonymousClientConfig(admin)
	cfg.BearerToken = issued.Status.Token
	return cfg, nil
}

// help says how to look around.
func (p *place) help() string {
	kubectl := "kubectl"
	head := "The operator keeps running. Try, in another terminal:\n\n"
	if p.local != nil {
		head += "  export KUBECONFIG=" + p.local.Kubeconfig() + "\n"
	}
	return head +
		"  " + kubectl + " get configmirrors\n" +
		"  " + kubectl + " get configmaps -A -l " + configmirror.LabelMirror + "\n" +
		"  " + kubectl + " label namespace " + web2 + " " + label + "=" + team + "\n" +
		"  " + kubectl + " -n " + web1 + " delete configmap " + name + "\n\n" +
		"Ctrl-C ends everything."
}

// lost is closed when the local control plane ends by itself.
func (p *place) lost() <-chan struct{} {
	if p.local == nil {
		return nil
	}
	return p.local.Done()
}

func (p *place) lostErr() error { return p.local.Err() }

func (p *place) close(n *narrator) error {
	if p.local == nil {
		n.say(stageHand, "left in the cluster: the CRD, the ClusterRole and its binding, and namespace %s", configmirror.Namespace)
		return nil
	}
	err := p.local.Stop()
	n.say(stageHand, "the control plane has stopped")
	return err
}
