package fence

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Transport asks a fence once more, after everything that a client does before it sends: it may
// wait for a rate limiter, or sign.
type Transport struct {
	next http.RoundTripper
	of   func(context.Context) *Fence
}

// Wrap returns a transport that asks the fence that of returns for each request that changes
// something; nil is none.
func Wrap(next http.RoundTripper, of func(context.Context) *Fence) *Transport {
	return &Transport{next, of}
}

// WrappedRoundTripper is how apimachinery finds the transport inside.
func (t *Transport) WrappedRoundTripper() http.RoundTripper { return t.next }

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions {
		return t.next.RoundTrip(r)
	}
	f := t.of(r.Context())
	if f == nil {
		return t.next.RoundTrip(r)
	}
	ctx, leave, err := f.Enter(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // as a RoundTripper must, also beside an error
		}
		return nil, err
	}
	answer, err := t.next.RoundTrip(f.checking(r.WithContext(ctx))) //nolint:bodyclose // the caller does
	if err != nil {
		leave()
		return nil, err
	}
	answer.Body = &body{ReadCloser: answer.Body, leave: sync.OnceFunc(leave)}
	return answer, nil
}

// checking returns the request with a body that asks the fence whenever it is read: the last time is
// right before the last bytes are sent. Before that the transport may wait for a connection, and hand
// the request from one goroutine to the next, and the process may be stopped meanwhile. A request whose
// body is not complete has no effect.
func (f *Fence) checking(r *http.Request) *http.Request {
	if r.Body == nil || r.Body == http.NoBody {
		return r
	}
	r.Body = &checked{r.Body, f}
	if again := r.GetBody; again != nil {
		r.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			return &checked{body, f}, err
		}
	}
	return r
}

type checked struct {
	io.ReadCloser
	fence *Fence
}

func (c *checked) Read(p []byte) (int, error) {
	if err := c.fence.Check(); err != nil {
		return 0, err
	}
	n, err := c.ReadCloser.Read(p)
	if closed := c.fence.Check(); closed != nil {
		return 0, closed
	}
	return n, err
}

// body is that of an answer: the request ends with it.
type body struct {
	io.ReadCloser
	leave func()
}

func (b *body) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}
