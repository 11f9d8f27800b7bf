package trace_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
)

// recorder is a provider that keeps spans, as an SDK does.
type recorder struct {
	embedded.TracerProvider
	dropped bool // no span is recorded

	mu    sync.Mutex
	spans []*span
}

func (r *recorder) Tracer(string, ...oteltrace.TracerOption) oteltrace.Tracer {
	return tracer{r: r}
}

type tracer struct {
	embedded.Tracer
	r *recorder
}

func (t tracer) Start(ctx context.Context, name string, opts ...oteltrace.SpanStartOption) (context.Context, oteltrace.Span) {
	if t.r.dropped {
		return noop.NewTracerProvider().Tracer("").Start(ctx, name)
	}
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	cfg := oteltrace.NewSpanStartConfig(opts...)
	s := &span{name: name, links: cfg.Links(), kind: cfg.SpanKind(), attributes: map[attribute.Key]any{}, r: t.r}
	s.parent, _ = oteltrace.SpanFromContext(ctx).(*span)
	var id oteltrace.SpanID
	binary.BigEndian.PutUint64(id[:], uint64(len(t.r.spans)+1))
	s.context = oteltrace.NewSpanContext(oteltrace.SpanContextConfig{TraceID: oteltrace.TraceID{1}, SpanID: id, TraceFlags: oteltrace.FlagsSampled})
	t.r.spans = append(t.r.spans, s)
	return oteltrace.ContextWithSpan(ctx, s), s
}

// named returns the spans of that name, in the order of their starts.
func (r *recorder) named(name string) (found []*span) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		if s.name == name {
			found = append(found, s)
		}
	}
	return found
}

// text is all that left the process.
func (r *recorder) text() (all string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		all += fmt.Sprintln(s.name, s.attributes, s.status, s.description)
	}
	return all
}

type span struct {
	noop.Span
	r           *recorder
	name        string
	parent      *span
	context     oteltrace.SpanContext
	links       []oteltrace.Link
	kind        oteltrace.SpanKind
	attributes  map[attribute.Key]any
	status      codes.Code
	description string
	ended       int
}

func (s *span) IsRecording() bool                        { return true }
func (s *span) SpanContext() oteltrace.SpanContext       { return s.context }
func (s *span) TracerProvider() oteltrace.TracerProvider { return s.r }

func (s *span) End(...oteltrace.SpanEndOption) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.ended++
}

func (s *span) SetStatus(code codes.Code, description string) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	s.status, s.description = code, description
}

func (s *span) SetAttributes(all ...attribute.KeyValue) {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	for _, a := range all {
		s.attributes[a.Key] = a.Value.AsInterface()
	}
}
