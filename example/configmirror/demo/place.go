package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/discovery"
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

	installed bool // something was put into it

	lost  <-chan struct{} // closed when it ends by itself; nil: somebody else looks after it
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
		about: "This API server is real: etcd, kube-apiserver and a controller manager run on this machine,\n" +
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

// day is how long the token of the operator is good: longer than anybody watches a demonstration.
const day = 24 * time.Hour

// install creates the CRD and the rights of the operator, and returns the configuration of its
// service account.
func (p *place) install(ctx context.Context, n *narrator) (*rest.Config, error) {
	version, err := discovery.NewDiscoveryClientForConfig(p.admin)
	if err != nil {
		return nil, err
	}
	if _, err := version.ServerVersion(); err != nil {
		return nil, fmt.Errorf("reach the API server: %w", err)
	}
	p.installed = true // from here on
	if err := cluster.InstallCRDs(ctx, p.admin, configmirror.CRD()); err != nil {
		return nil, err
	}
	if err := cluster.ApplyYAML(ctx, p.admin, configmirror.RBAC()); err != nil {
		return nil, err
	}
	n.say(stageHand, "installed the CRD and the rights of the operator")
	return cluster.ServiceAccount(ctx, p.admin, configmirror.Namespace, configmirror.ServiceAccount, day)
}

// end ends what is ours, and says what stays.
func (p *place) end(n *narrator) error {
	err := p.close()
	switch {
	case p.ours:
		n.say(stageHand, "the API server has stopped")
	case p.installed:
		n.say(stageHand, "left in the cluster: the CRD, the ClusterRole and its binding, and namespace %s", configmirror.Namespace)
	}
	return err
}

// help says how to look around.
func (p *place) help(pages string) string {
	head := "The operator keeps running. What it does, and why, is on a page, for a browser or curl:\n\n" + pages + "\nTry, in another terminal:\n\n"
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
