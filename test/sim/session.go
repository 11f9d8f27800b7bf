package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Session is how one process sees the server: its connections, which can be severed as a
// crash does, and its view of the watch caches, which can be held back.
type Session struct {
	server *Server
	name   string

	mu      sync.Mutex
	severed bool
	views   map[schema.GroupResource]*view
	changed chan struct{} // closed when severed or a view changes
}

var errSevered = errors.New("simulated API server: the connection is severed")

// Session returns new connections for a simulated process. name appears in [Change].Session.
// [Session.Sever] and [Session.Watches] affect these connections only.
func (s *Server) Session(name string) *Session { return newSession(s, name) }

func newSession(s *Server, name string) *Session {
	return &Session{server: s, name: name, views: map[schema.GroupResource]*view{}, changed: make(chan struct{})}
}

// Config returns a configuration for clients of this session.
func (s *Session) Config() *rest.Config {
	return &rest.Config{Host: "http://simulated", Transport: s, QPS: -1, UserAgent: "sim"}
}

// Sever cuts the connections for ever, as the crash of a process does: from now on no request of
// this session takes effect and no answer comes back; each call waits until its ctx ends or the
// server is closed.
func (s *Session) Sever() {
	s.server.store.mu.Lock() // so that no write is half done
	defer s.server.store.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.severed {
		s.severed = true
		close(s.changed)
	}
}

func (s *Session) isSevered() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.severed
}

// RoundTrip answers a request, for [rest.Config].Transport. It ends with the request's ctx,
// also while it waits.
//
// A request with a bearer token is sent by the user of the token ([Server.Token], or a service
// account); a request without one is sent by an administrator.
func (s *Session) RoundTrip(r *http.Request) (*http.Response, error) { return s.exchange(r, nil) }

// exchange answers a request. stranger is who sends one without a token.
func (s *Session) exchange(r *http.Request, stranger *user) (*http.Response, error) {
	ctx := r.Context()
	if d := s.server.opts.Latency; d > 0 {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	body, err := readBody(r)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var response *http.Response
	if err == nil {
		response, err = s.handle(r, body, stranger)
	}
	if s.isSevered() { // now, or while it was on its way
		if response != nil {
			_ = response.Body.Close() // nobody reads a watch that was just opened
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.server.closed:
			return nil, errSevered
		}
	}
	if err != nil {
		response, err = failed(err, r.Header)
	}
	if err != nil {
		return nil, err
	}
	response.Request = r
	return response, nil
}

// make creates an object of the server's own, with its kind.
func (s *Session) make(ctx context.Context, res *resource, object map[string]any) error {
	return s.makeIn(ctx, res, "", object)
}

// makeIn creates an object in a namespace.
func (s *Session) makeIn(ctx context.Context, res *resource, namespace string, object map[string]any) error {
	body, err := json.Marshal(object)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	_, err = s.serve(&request{
		ctx: ctx, session: s, resource: res, verb: "create", namespace: namespace, query: url.Values{}, header: http.Header{}, body: body, contentType: "application/json",
	})
	return err
}
