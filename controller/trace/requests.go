package trace

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/client-go/rest"
)

// Instrument returns a copy of cfg whose requests are spans, if they are sent with the ctx of an
// attempt, or of another span that is recorded. Lists and watches of informers are none. The API server gets the
// W3C header traceparent: if it traces too, its spans are below ours.
//
// If nothing is configured, see [Observer], the copy is like cfg.
func Instrument(cfg *rest.Config, provider trace.TracerProvider) *rest.Config {
	c := rest.CopyConfig(cfg)
	if tracer := tracerOf(provider); tracer != nil {
		c.Wrap(func(next http.RoundTripper) http.RoundTripper { return &transport{next, tracer} })
	}
	return c
}

type transport struct {
	next   http.RoundTripper
	tracer trace.Tracer
}

// RoundTrip implements [http.RoundTripper]. The span ends with the first byte of the answer.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !trace.SpanFromContext(r.Context()).IsRecording() {
		return t.next.RoundTrip(r)
	}
	ctx, span := t.tracer.Start(r.Context(), r.Method+" "+resourceOf(r.URL.Path), trace.WithSpanKind(trace.SpanKindClient))
	defer span.End()
	r = r.Clone(ctx)
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(r.Header))
	answer, err := t.next.RoundTrip(r)
	span.SetAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("server.address", r.URL.Host), attribute.String("url.path", text(r.URL.Path)),
	)
	switch {
	case err != nil:
		span.SetStatus(codes.Error, text(err.Error()))
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", answer.StatusCode))
		if answer.StatusCode >= http.StatusBadRequest {
			span.SetStatus(codes.Error, http.StatusText(answer.StatusCode))
		}
	}
	return answer, err
}

// WrappedRoundTripper is how client-go finds the transport under it.
func (t *transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// resourceOf returns the resource and the subresource that a path is about, such as
// "deployments/status", without names: spans are grouped by it. A path of another shape is "other".
func resourceOf(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return "other"
	}
	if len(parts) > 2 && parts[0] == "namespaces" && parts[2] != "status" && parts[2] != "finalize" {
		parts = parts[2:]
	}
	if len(parts) > 2 {
		return parts[0] + "/" + parts[2]
	}
	return parts[0]
}
