package contender

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/controller/leader"
	"github.com/kuberator/kuberator/controller/metrics"
)

// newRegistry is another one in a test, which looks at what is registered.
var newRegistry = func() prometheus.Registerer { return prometheus.NewRegistry() }

// observed returns what an operator of this library has metrics by, as docs/operating.md sets it up: a copy of cfg whose
// requests are counted, and the observer of its controllers. Nobody scrapes them, as nobody does those of controller-runtime.
func observed(cfg *rest.Config) (*rest.Config, *metrics.Metrics, error) {
	m, err := metrics.New(newRegistry())
	if err != nil {
		return nil, nil, err
	}
	return m.Instrument(cfg), m, nil
}

// lead has a controller run while this process holds the lease.
func lead(cfg *rest.Config, m *metrics.Metrics, lease types.NamespacedName, opts leader.Options, c controller.Runner) (*leader.Elector, error) {
	opts.Logger = logger()
	elector, err := leader.New(cfg, lease, &opts)
	if err != nil {
		return nil, err
	}
	m.Leader(lease.Name, func() bool { return elector.Status().Leading })
	elector.Lead(c)
	return elector, nil
}
