package controllerruntime

import (
	"sync"

	"k8s.io/apimachinery/pkg/watch"
)

// stream is a watch of requests. Who adds to it never waits.
type stream struct {
	of   *requests
	out  chan watch.Event
	wake chan struct{}
	end  chan struct{}
	once sync.Once

	pending []watch.Event // under of.mu
}

func newStream(of *requests) *stream {
	s := &stream{of: of, out: make(chan watch.Event), wake: make(chan struct{}, 1), end: make(chan struct{})}
	go s.pump()
	return s
}

// add must be called under of.mu.
func (s *stream) add(e watch.Event) {
	s.pending = append(s.pending, e)
	select {
	case s.wake <- struct{}{}:
	default: // it is awake
	}
}

func (s *stream) pump() {
	defer close(s.out)
	for {
		select {
		case <-s.wake:
		case <-s.end:
			return
		}
		for _, e := range s.take() {
			select {
			case s.out <- e:
			case <-s.end:
				return
			}
		}
	}
}

func (s *stream) take() (events []watch.Event) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	events, s.pending = s.pending, nil
	return events
}

// ResultChan implements watch.Interface.
func (s *stream) ResultChan() <-chan watch.Event { return s.out }

// Stop implements watch.Interface.
func (s *stream) Stop() {
	s.once.Do(func() {
		s.of.mu.Lock()
		delete(s.of.streams, s)
		s.of.mu.Unlock()
		close(s.end)
	})
}
