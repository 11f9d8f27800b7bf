// Package metrics exports what controllers do to Prometheus.
//
//	m, err := metrics.New(registry)
//	repo, err := repository.New[v1.Foo](m.Instrument(cfg), scheme, gvr)
//	err = controller.Run(ctx, repo, foo, &controller.Options{Observer: m})
//
// All is registered with the registerer that the program passes, and nowhere else: client-go's
// hooks for metrics, which are global, are not used.
//
// Where the meaning is the same, metrics have the names and labels that controller-runtime and the
// workqueue of client-go give them (controller_runtime_*, workqueue_*, rest_client_*,
// leader_election_master_status), so that dashboards and alerts that exist go on to work. Others
// begin with kuberator_. docs/operating.md explains each. Durations are classic histograms and
// native ones at once.
//
// No label has the name of an object, or text that a user wrote.
package metrics
