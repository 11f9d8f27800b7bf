// Package trace makes OpenTelemetry spans: one for each attempt to reconcile an object, and below
// it one for each request to the API server.
//
//	repo, err := repository.New[v1.Foo](trace.Instrument(cfg, provider), scheme, gvr)
//	err = controller.Run(ctx, repo, foo, &controller.Options{Observer: trace.Observer(provider)})
//
// Spans of your own, and those of other clients, belong to the attempt if they are begun with the
// ctx of Apply or Cleanup.
//
// The provider is an argument, and never the global one. With nil, or with the one of
// go.opentelemetry.io/otel/trace/noop, there is no observer and no transport, and nothing is paid.
//
// Like log records, spans have the names of objects, the reasons, classes and the text of errors,
// bounded and escaped, and never what is in an object.
package trace
