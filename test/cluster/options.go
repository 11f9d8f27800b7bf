package cluster

import (
	"cmp"
	"fmt"
	"io"
	"os"
)

// Options configures [Start] and [New]. A nil *Options and the zero value mean
// the same: a throw-away control plane on free ports.
type Options struct {
	// Dir is the directory for data, keys, logs and the kubeconfig. It is made if
	// it does not exist, and kept by Stop: a later control plane in the same
	// directory finds the same objects, the same certificate and the same admin
	// token. Only one control plane at a time can use a directory.
	//
	// If Dir is empty, a temporary directory is used which Stop removes.
	Dir string

	// Log receives progress, one line at a time, and only where there is something
	// to wait for or to know: that the control plane is being built, or that a
	// part is missing. If Log is nil, os.Stderr is used, so that a first build,
	// which takes minutes, never looks like a hang.
	Log io.Writer

	// APIServerPort is the port of 127.0.0.1 that the API server listens on. If it
	// is zero, a free one is chosen. If it is taken, starting fails with an error
	// that names the port.
	APIServerPort int

	// APIServerFlags are appended to the flags of the API server, for instance
	// "--feature-gates=ShardedListAndWatch=true" or "--audit-log-path=…". A flag
	// given here overrides the one that this package would set.
	APIServerFlags []string

	// ControllerManagerFlags are appended to the flags of the controller manager.
	// A flag given here overrides the one that this package would set, but for lists,
	// which it adds to: of the controllers that run none can be taken away, but
	// "--concurrent-deployment-syncs=0" gives one no workers. The program that is built
	// from Go modules has four controllers, and refuses flags of others; the original,
	// from KUBEBUILDER_ASSETS, has all.
	ControllerManagerFlags []string

	// NoControllerManager leaves the controller manager out. The control plane
	// then takes 150 MB less, but a namespace is never really deleted, dependents
	// are not garbage collected, and Deployments make no ReplicaSets.
	NoControllerManager bool
}

// withDefaults returns a copy of o in which every default is set.
func (o *Options) withDefaults() Options {
	filled := *cmp.Or(o, &Options{})
	if filled.Log == nil {
		filled.Log = os.Stderr
	}
	return filled
}

func (o *Options) validate() error {
	if o.APIServerPort < 0 || o.APIServerPort > 65535 {
		return fmt.Errorf("options: APIServerPort %d is not a port", o.APIServerPort)
	}
	return nil
}
