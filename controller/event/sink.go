package event

import (
	"context"
	"sync"

	eventsv1 "k8s.io/api/events/v1"
)

// toSend is an event to create, or one that is there already to patch.
type toSend struct {
	event *eventsv1.Event
	patch []byte // nil for a create
}

// sink is what client-go's broadcaster hands events to. client-go would send each on a goroutine of its
// own, for up to two minutes, and holds a lock while it sends counts: with an API server that does not
// answer, the goroutines would be as many as the events. A sink takes them at once, into a queue that is
// bounded; what is too much is dropped.
type sink struct {
	mu      sync.Mutex
	closed  bool
	queue   chan toSend
	dropped func(reason string) // one event that there is no room for
}

func newSink(size int, dropped func(reason string)) *sink {
	return &sink{queue: make(chan toSend, size), dropped: dropped}
}

// Create takes a new event. An instance is called after the reporter and the host, whose names can be too
// long together.
func (s *sink) Create(_ context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	event.ReportingInstance = event.ReportingInstance[:min(len(event.ReportingInstance), maxWord)]
	return s.take(toSend{event: event})
}

// Patch takes what changes in an event: its count.
func (s *sink) Patch(_ context.Context, event *eventsv1.Event, data []byte) (*eventsv1.Event, error) {
	return s.take(toSend{event: event.DeepCopy(), patch: data})
}

// Update is not called by client-go.
func (s *sink) Update(ctx context.Context, event *eventsv1.Event) (*eventsv1.Event, error) {
	return s.Create(ctx, event)
}

func (s *sink) take(one toSend) (*eventsv1.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.dropped(one.event.Reason)
		return one.event, nil
	}
	select {
	case s.queue <- one:
	default:
		s.dropped(one.event.Reason)
	}
	return one.event, nil
}

// close ends the queue; what is in it can still be sent.
func (s *sink) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	close(s.queue)
}
