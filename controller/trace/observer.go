package trace

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"

	"github.com/kuberator/kuberator/controller"
	"github.com/kuberator/kuberator/kerr"
)

// scope is the name of the instrumentation.
const scope = "github.com/kuberator/kuberator/controller/trace"

// mostLinks is how many objects an observer remembers the last span of. An attempt for another one
// has no link.
const mostLinks = 4096

// Observer returns an observer that makes a span for each attempt, for Options.Observer. It is nil,
// which Options.Observer and controller.Observers take for none, if nothing is configured: if
// provider is nil, or the one of package noop.
//
// A span is named after the controller, and has the object, the reasons, how long the object
// waited, and in the end the last step, the result (success, requeue, error), the class and the
// text of the error, the number of writes, and when the object comes again.
//
// An attempt that an earlier one for the object caused, by its failure, its Requeue or its writes,
// is linked to the span of that. The last 4096 objects are remembered.
func Observer(provider trace.TracerProvider) controller.Observer {
	tracer := tracerOf(provider)
	if tracer == nil {
		return nil
	}
	return &observer{tracer: tracer, last: lru.New(mostLinks)}
}

// tracerOf returns nil if nothing is configured.
func tracerOf(provider trace.TracerProvider) trace.Tracer {
	switch provider.(type) {
	case nil, noop.TracerProvider, *noop.TracerProvider:
		return nil
	default:
		return provider.Tracer(scope)
	}
}

type observer struct {
	tracer trace.Tracer
	last   *lru.Cache // the trace.SpanContext of the last attempt, by identity
}

// identity names an object.
type identity struct {
	controller string
	key        types.NamespacedName
	uid        types.UID
}

func identityOf(at controller.Attempt) identity { return identity{at.Controller, at.Key, at.UID} }

// spanKey is where an observer finds its span in the end: others may have begun spans in it.
type spanKey struct{ o *observer }

// Started implements [controller.Observer].
func (o *observer) Started(ctx context.Context, at controller.Attempt) context.Context {
	var opts []trace.SpanStartOption
	if cause, ok := o.cause(at); ok {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: cause}))
	}
	ctx, span := o.tracer.Start(ctx, "reconcile "+at.Controller, opts...)
	if !span.IsRecording() {
		return ctx
	}
	span.SetAttributes(
		attribute.String("kuberator.controller", at.Controller),
		attribute.String("k8s.namespace.name", text(at.Key.Namespace)),
		attribute.String("kuberator.object.name", text(at.Key.Name)),
		attribute.String("kuberator.object.uid", text(string(at.UID))),
		attribute.StringSlice("kuberator.reasons", reasons(at)),
		attribute.Bool("kuberator.self_triggered", at.SelfTriggered),
		attribute.Float64("kuberator.queued_seconds", at.Queued.Seconds()),
		attribute.Float64("kuberator.parked_seconds", at.Parked.Seconds()),
	)
	return context.WithValue(ctx, spanKey{o}, span)
}

// cause returns the span of the earlier attempt that caused this one.
func (o *observer) cause(at controller.Attempt) (trace.SpanContext, bool) {
	caused := at.SelfTriggered
	for _, reason := range at.Reasons {
		caused = caused || reason.Verb == controller.VerbRetry || reason.Verb == controller.VerbTimer
	}
	if !caused {
		return trace.SpanContext{}, false
	}
	last, ok := o.last.Get(identityOf(at))
	if !ok {
		return trace.SpanContext{}, false
	}
	return last.(trace.SpanContext), true //nolint:forcetypeassert // nothing else is in it
}

// Ended implements [controller.Observer].
func (o *observer) Ended(ctx context.Context, at controller.Attempt) {
	span, ok := ctx.Value(spanKey{o}).(trace.Span)
	if !ok {
		return
	}
	defer span.End()
	result := "success"
	switch _, again := at.Action.After(); {
	case at.Err != nil:
		result = "error"
		span.SetAttributes(attribute.String("kuberator.class", kerr.ClassOf(at.Err).String()), attribute.Int("kuberator.failures", at.Failures))
		span.SetStatus(codes.Error, text(at.Err.Error()))
	case again:
		result = "requeue"
	}
	span.SetAttributes(
		attribute.String("kuberator.op", text(string(at.Op))), attribute.String("kuberator.result", result),
		attribute.Int("kuberator.writes", at.Writes), attribute.Bool("kuberator.bypassed", at.Bypassed),
	)
	if at.Next >= 0 {
		span.SetAttributes(attribute.Float64("kuberator.next_seconds", at.Next.Seconds()))
	}
	if at.Next >= 0 || at.Writes > 0 { // else it causes nothing
		o.last.Add(identityOf(at), span.SpanContext())
	}
}

// Trouble implements [controller.Observer]. It belongs to no span.
func (o *observer) Trouble(controller.Trouble) {}

// reasons are those of an attempt as text.
func reasons(at controller.Attempt) []string {
	texts := make([]string, 0, len(at.Reasons)+1)
	for _, reason := range at.Reasons {
		texts = append(texts, text(reason.String()))
	}
	if at.MoreReasons > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", at.MoreReasons))
	}
	return texts
}

// text is what users may have written, as it may be shown.
func text(s string) string { return kerr.Text(s, kerr.MaxLog) }
