package contender

import "github.com/prometheus/client_golang/prometheus"

// Register has the metrics of all operators registered with that, until restore is called.
func Register(with prometheus.Registerer) (restore func()) {
	was := newRegistry
	newRegistry = func() prometheus.Registerer { return with }
	return func() { newRegistry = was }
}
