package operator

import (
	"cmp"
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// ownNamespace is where the kubelet writes the namespace of a Pod.
const ownNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// target finds out which API server to work on, and in which namespace the lease is.
func (p *Process) target() (*rest.Config, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = p.settings.kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find out which cluster to work on: %w", err)
	}
	cfg.UserAgent = p.names.Name + "/" + version() + " " + rest.DefaultKubernetesUserAgent()
	if cfg.QPS == 0 {
		cfg.QPS = -1
	}
	p.lease.Namespace = cmp.Or(p.settings.leaseIn, podNamespace(), p.opts.Namespace)
	return cfg, nil
}

// podNamespace is the namespace of the Pod that this process runs in; empty outside of one.
func podNamespace() string {
	if name := os.Getenv("POD_NAMESPACE"); name != "" {
		return name
	}
	name, err := os.ReadFile(ownNamespace)
	if err != nil {
		return ""
	}
	return string(name)
}
