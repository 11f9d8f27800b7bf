package cluster

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/test/internal/access"
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
	if err := WriteKubeconfig(path, config, name); err != nil {
		return "", err
	}
	return path, nil
}

// WriteKubeconfig does what [Cluster.KubeconfigFor] does for any cluster, and writes to path. The name is
// that of the context.
func WriteKubeconfig(path string, config *rest.Config, name string) error {
	return access.WriteKubeconfig(path, config, name)
}
