package sim

import (
	"errors"
	"io"
	"maps"
	"net/http"
)

// ServeHTTP answers a request that came over a network, for [http.Server]. Unlike a client in the
// process, one that sends no token is system:anonymous, which may see the health and the version
// of the server, and nothing else. Give the client a token of [Server.Token].
//
// Package loopback in this folder does the listening.
func (s *Session) ServeHTTP(w http.ResponseWriter, r *http.Request) { serveHTTP(w, r, network{s}) }

// network answers requests of clients that are nobody without a token.
type network struct{ session *Session }

func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	return n.session.exchange(r, nobody())
}

// Handler is like [Session.ServeHTTP], for requests that pass through something which may delay,
// change or lose them and their answers, such as the faults of test/fault. wrap gets what answers
// requests, and returns what is asked instead; where that returns an error, the client loses its
// connection. A nil wrap changes nothing.
func (s *Session) Handler(wrap func(http.RoundTripper) http.RoundTripper) http.Handler {
	through := http.RoundTripper(network{s})
	if wrap != nil {
		through = wrap(through)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serveHTTP(w, r, through) })
}

func serveHTTP(w http.ResponseWriter, r *http.Request, through http.RoundTripper) {
	response, err := through.RoundTrip(r)
	if err != nil { // severed, closed, or the client has gone: there is no answer
		panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler says so
	}
	defer func() { _ = response.Body.Close() }()
	maps.Copy(w.Header(), response.Header)
	w.WriteHeader(response.StatusCode)
	if response.ContentLength >= 0 {
		_, _ = io.Copy(w, response.Body) // an error is the client's, which has gone
		return
	}
	if err := forward(w, response.Body); err != nil { // it must not look like an end
		panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler says so
	}
}

// forward passes on what a watch shows, event by event, until it ends.
func forward(w http.ResponseWriter, events io.Reader) error {
	client := http.NewResponseController(w)
	buffer := make([]byte, 32<<10)
	for {
		if err := client.Flush(); err != nil {
			return err
		}
		n, err := events.Read(buffer)
		if _, failed := w.Write(buffer[:n]); failed != nil {
			return failed
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
