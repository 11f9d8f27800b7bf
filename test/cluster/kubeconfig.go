package cluster

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Kubeconfig returns the path of a kubeconfig file of the admin, for kubectl and
// other programs. It is in the data directory and is gone when that is.
func (c *Cluster) Kubeconfig() string { return c.kubeconfig }

// KubeconfigFor writes a kubeconfig file for config, which must be one of this
// cluster ([Cluster.Config], [Cluster.ServiceAccount]), and returns its path. It
// is in the data directory, is called name + ".kubeconfig", and replaces an
// earlier one of that name. Only the owner can read it, for it holds a token.
func (c *Cluster) KubeconfigFor(config *rest.Config, name string) (string, error) {
	if name == "" || name != filepath.Base(name) {
		return "", fmt.Errorf("kubeconfig name %q is not a plain file name", name)
	}
	path := c.directory.join(name + ".kubeconfig")
	if err := writeKubeconfig(path, config, name); err != nil {
		return "", err
	}
	return path, nil
}

func writeKubeconfig(path string, config *rest.Config, user string) error {
	const cluster = "kuberator"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[cluster] = &clientcmdapi.Cluster{
		Server:                   config.Host,
		CertificateAuthorityData: config.CAData,
	}
	kubeconfig.AuthInfos[user] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	kubeconfig.Contexts[cluster] = &clientcmdapi.Context{Cluster: cluster, AuthInfo: user}
	kubeconfig.CurrentContext = cluster
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("writing the kubeconfig of %s: %w", user, err)
	}
	return nil
}
