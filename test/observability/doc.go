// Package observability holds tests of what is measured against the code that others read it with:
// the queries of the dashboard and of the alerts are evaluated by Prometheus's engine. The module is
// one of its own: the library does not depend on it.
package observability
