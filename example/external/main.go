// Command external is an operator that keeps a bucket outside of the cluster for each object. See --help.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"net/http"
	"time"

	"github.com/kuberator/kuberator/example/external/api/v1alpha1"
	"github.com/kuberator/kuberator/operator"
)

//go:embed config/external.kuberator.dev_buckets.yaml
var crd []byte

func main() { operator.Main(program()) }

// program returns the arguments of operator.Main.
func program() (name string, setup operator.Setup, opts *operator.Options) {
	flags := flag.NewFlagSet("external", flag.ContinueOnError)
	address := flags.String("provider", "", "the `URL` of the provider's API")
	cluster := flags.String("cluster", "", "the `name` of this cluster, which no other one has that uses the provider")
	setup = func(p *operator.Process) error {
		if *address == "" || *cluster == "" {
			return errors.New("give --provider and --cluster")
		}
		c, err := newController(p.Config, &client{*address, &http.Client{Timeout: 30 * time.Second}}, *cluster, p.Options())
		p.Lead(c)
		return err
	}
	return "external.kuberator.dev/external", setup, &operator.Options{
		Description: "external keeps a bucket of a provider for each Bucket.",
		Scheme:      v1alpha1.Scheme(), CRDs: crd, Flags: flags,
	}
}
