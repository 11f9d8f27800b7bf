// Package observability holds tests of what is measured against the code that others read it with:
// the queries of the dashboard and of the alerts are evaluated by Prometheus's engine, and spans are
// made by OpenTelemetry's SDK. The module is one of its own: the library depends on neither.
package observability
