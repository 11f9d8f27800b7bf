package main

import (
	"context"
	"fmt"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kuberator/kuberator/example/configmirror"
	"github.com/kuberator/kuberator/test/cluster"
)

// place is the API server at which everything happens.
type place struct {
	about      string // in what it differs from the others
	admin      *rest.Config
	kubeconfig string // of the admin; empty: the one that kubectl uses anyway
	ours       bool   // it goes as a whole when the demo ends

	lost  <-chan struct{} // closed when it ends by itself; nil: it is somebody else's to watch
	err   func() error    // why it ended
	close func() error    // ends it, if it is ours
}

// places are where the demo can run, by the name that the flag has for them.
var places = map[string]func(context.Context, *narrator) (*place, error){
	"simulated": simulated,
	"local":     local,
	"current":   current,
}

// local starts a real control plane of the demo's own.
func local(ctx context.Context, n *narrator) (*place, error) {
	n.say(stageHand, "starting a real control plane on this machine")
	c, err := cluster.New(ctx, &cluster.Options{Log: n})
	if err != nil {
		return nil, err
	}
	return &place{
		about: "This API server is real: etcd, kube-apiserver and kube-controller-manager run on this machine,\n" +
			"for this demonstration only.",
		admin: c.Config(), kubeconfig: c.Kubeconfig(), ours: true, lost: c.Done(), err: c.Err, close: c.Stop,
	}, nil
}

// current is the cluster of the current kubeconfig context.
func current(context.Context, *narrator) (*place, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	admin, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("read the current kubeconfig context: %w", err)
	}
	admin.QPS = -1 // the default of five requests a second would show
	return &place{
		about: "This API server is that of the current context of your kubeconfig. The demonstration makes namespaces\n" +
			"that begin with demo-, a CustomResourceDefinition, and the rights of the operator.",
		admin: admin, close: func() error { return nil },
	}, nil
}

// open finds or starts the API server, and says what it is.
func open(ctx context.Context, where string, n *narrator) (*place, error) {
	found, ok := places[where]
	if !ok {
		return nil, fmt.Errorf("-cluster is simulated, local or current, not %q", where)
	}
	p, err := found(ctx, n)
	if err != nil {
		return nil, err
	}
	n.section(p.about + "\n")
	n.say(stageHand, "the API server is %s", p.admin.Host)
	return p, nil
}

// install creates the CRD and the rights of the operator, and returns the configuration of its
// service account.
func (p *place) install(ctx context.Context, n *narrator) (*rest.Config, error) {
	if err := cluster.InstallCRDs(ctx, p.admin, configmirror.CRD()); err != nil {
		return nil, err
	}
	if err := cluster.ApplyYAML(ctx, p.admin, configmirror.RBAC()); err != nil {
		return nil, err
	}
	n.say(stageHand, "installed the CRD and the rights of the operator")
	return cluster.ServiceAccount(ctx, p.admin, configmirror.Namespace, configmirror.ServiceAccount)
}

// end ends what is ours, and says what stays.
func (p *place) end(n *narrator) error {
	err := p.close()
	if p.ours {
		n.say(stageHand, "the API server has stopped")
	} else {
		n.say(stageHand, "left in the cluster: the CRD, the ClusterRole and its binding, and namespace %s", configmirror.Namespace)
	}
	return err
}

// help says how to look around.
func (p *place) help() string {
	head := "The operator keeps running. Try, in another terminal:\n\n"
	if p.kubeconfig != "" {
		head += "  export KUBECONFIG=" + p.kubeconfig + "\n"
	}
	return head +
		"  kubectl get configmirrors\n" +
		"  kubectl describe configmirror " + name + "\n" +
		"  kubectl get configmaps -A -l " + configmirror.LabelMirror + "\n" +
		"  kubectl label namespace " + web2 + " " + label + "=" + team + "\n" +
		"  kubectl -n " + web1 + " delete configmap " + name + "\n" +
		"  kubectl delete configmirror " + name + "\n\n" +
		"Ctrl-C ends everything."
}
