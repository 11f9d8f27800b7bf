package main

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
)

// managerOptions are the flags of kube-controller-manager that its controllers here need, with the
// same names, so that the original starts with them too. Other flags of it are refused.
type managerOptions struct {
	kubeconfig  string
	controllers []string
	qps         float32
	burst       int

	gcWorkers, namespaceWorkers, deploymentWorkers, replicaSetWorkers int

	address       string
	port          int
	cert, certKey string
}

func parseManager(args []string) (*managerOptions, error) {
	o := &managerOptions{}
	fs := pflag.NewFlagSet("kube-controller-manager", pflag.ContinueOnError)
	fs.StringVar(&o.kubeconfig, "kubeconfig", "", "`path` of the admin's kubeconfig")
	fs.StringSliceVar(&o.controllers, "controllers", []string{"*"}, "`names` to run; * is all, -name leaves one out")
	fs.Float32Var(&o.qps, "kube-api-qps", 20, "requests a second of a controller")
	fs.IntVar(&o.burst, "kube-api-burst", 30, "requests at once of a controller")
	fs.IntVar(&o.gcWorkers, "concurrent-gc-syncs", 20, "workers of the garbage collector")
	fs.IntVar(&o.namespaceWorkers, "concurrent-namespace-syncs", 10, "workers of the namespace controller")
	fs.IntVar(&o.deploymentWorkers, "concurrent-deployment-syncs", 5, "workers of the deployment controller")
	fs.IntVar(&o.replicaSetWorkers, "concurrent-replicaset-syncs", 5, "workers of the replica set controller")
	fs.StringVar(&o.address, "bind-address", "127.0.0.1", "`address` of the health endpoint")
	fs.IntVar(&o.port, "secure-port", 10257, "`port` of the health endpoint; 0: none")
	fs.StringVar(&o.cert, "tls-cert-file", "", "`path` of the certificate of the health endpoint")
	fs.StringVar(&o.certKey, "tls-private-key-file", "", "`path` of its key")
	elect := fs.Bool("leader-elect", false, "must be false: there is one")
	accounts := fs.Bool("use-service-account-credentials", false, "must be false: the controllers are the admin")
	logging := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(logging)
	fs.AddGoFlag(logging.Lookup("v"))
	// The health endpoint serves all users.
	fs.String("authentication-kubeconfig", "", "not used")
	fs.String("authorization-kubeconfig", "", "not used")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("there are only flags, and no arguments like %q", fs.Arg(0))
	}
	for _, name := range o.controllers {
		if plain := strings.TrimPrefix(name, "-"); name != "*" && starters[plain] == nil {
			return nil, fmt.Errorf("--controllers: there is no %q, but %q", plain, slices.Sorted(maps.Keys(starters)))
		}
	}
	if *elect || *accounts {
		return nil, fmt.Errorf("--leader-elect and --use-service-account-credentials: %w", errNotHere)
	}
	return o, nil
}

// enabled are the names of the controllers to run. As in the original, the first place that
// names a controller decides, and * is for those that no place names.
func (o *managerOptions) enabled() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(starters)), func(name string) bool {
		at := slices.IndexFunc(o.controllers, func(word string) bool { return strings.TrimPrefix(word, "-") == name })
		if at < 0 {
			return !slices.Contains(o.controllers, "*")
		}
		return o.controllers[at] != name
	})
}
