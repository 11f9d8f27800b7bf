package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"sync"
)

// stream is one open watch: a goroutine that reads events from the server and hands them on
// when the gate admits them, in their order.
type stream struct {
	gate   *gate
	source io.ReadCloser // the answer's body: what the server sends
	out    *io.PipeWriter

	left func()          // the client has gone
	gone <-chan struct{} // after left

	ending sync.Once
	ended  chan struct{} // closed by end
	last   []byte        // an event to show after it; nil: none
}

// errEnded and errLeft are why a stream stops before the server ends it.
var (
	errEnded = errors.New("the watch was ended")
	errLeft  = errors.New("the client has gone")
)

// watch opens a watch.
func (g *gate) watch(r *http.Request, next http.RoundTripper) (*http.Response, error) {
	response, err := next.RoundTrip(inJSON(r))
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != "application/json" {
		_ = response.Body.Close() // it is not read
		return nil, fmt.Errorf("fault: a watch in %q cannot be read, although JSON was asked for", media)
	}
	in, out := io.Pipe()
	left := make(chan struct{})
	s := &stream{gate: g, source: response.Body, out: out, gone: left, left: sync.OnceFunc(func() { close(left) }), ended: make(chan struct{})}
	g.mu.Lock()
	if g.open == nil {
		g.open = map[*stream]struct{}{}
	}
	g.open[s] = struct{}{}
	g.mu.Unlock()
	// Also if the goroutine waits for the client to read.
	ctx := r.Context()
	stop := context.AfterFunc(ctx, func() { s.leave(ctx.Err()) })
	go func() {
		defer stop()
		s.run()
	}()
	response.Body, response.ContentLength = body{in, s}, -1
	return response, nil
}

// body is what the client reads.
type body struct {
	*io.PipeReader
	stream *stream
}

// Close ends the stream.
func (b body) Close() error {
	err := b.PipeReader.Close()
	b.stream.leave(io.ErrClosedPipe)
	return err
}

// leave is when the client has gone: what is on its way is lost.
func (s *stream) leave(err error) {
	s.left()
	_ = s.out.CloseWithError(err) // it never fails
	_ = s.source.Close()          // so that a read ends
}

// end lets the stream end after the event that the client is reading.
func (s *stream) end(event []byte) {
	s.ending.Do(func() {
		s.last = event
		close(s.ended)
		_ = s.source.Close() // so that a read ends
	})
}

func (s *stream) run() {
	err := s.forward()
	if s.isEnded() {
		err = io.EOF
		if s.last != nil {
			if _, failed := s.out.Write(s.last); failed != nil {
				err = failed // it is not read
			}
		}
	}
	_ = s.out.CloseWithError(err) // it never fails
	_ = s.source.Close()          // it has ended, or is not read
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	delete(s.gate.open, s)
}

// forward hands events on, and returns how the stream ended.
func (s *stream) forward() error {
	decoder := json.NewDecoder(s.source)
	for {
		var event json.RawMessage
		broken := decoder.Decode(&event)
		if err := s.wait(versionOf(event)); err != nil {
			return err
		}
		if broken != nil {
			return broken
		}
		if _, err := s.out.Write(append(event, '\n')); err != nil {
			return err
		}
	}
}

// wait returns nil when the gate admits something with this resourceVersion.
func (s *stream) wait(rv uint64) error {
	for {
		if s.isEnded() {
			return errEnded
		}
		ok, changed := s.gate.admits(rv)
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-s.ended:
		case <-s.gone:
			return errLeft
		}
	}
}

func (s *stream) isEnded() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

// versionOf returns the resourceVersion of an event, 0 if it has none.
func versionOf(event []byte) uint64 {
	var e struct {
		Object struct {
			Metadata struct {
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		} `json:"object"`
	}
	if json.Unmarshal(event, &e) != nil {
		return 0
	}
	return number(e.Object.Metadata.ResourceVersion)
}
