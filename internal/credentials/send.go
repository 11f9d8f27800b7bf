package credentials

import (
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// RoundTrip implements [http.RoundTripper]. An answer with 401 is an error, of that status, if the files
// cannot be read.
func (f *follower) RoundTrip(r *http.Request) (*http.Response, error) {
	now := f.current()
	answer, err := now.send(r)
	if !refused(answer, err) {
		return answer, err
	}
	next, unread := f.after(now)
	if unread != nil {
		discard(answer)
		if err == nil {
			err = apierrors.NewUnauthorized("the server does not accept the credentials")
		}
		return nil, fmt.Errorf("%w, and they cannot be read again: %w", err, unread)
	}
	again, ok := repeated(r)
	if next == now || !ok {
		return answer, err
	}
	discard(answer)
	return next.send(again)
}

// send adds the token to a request that is not authenticated by its caller.
func (c *credentials) send(r *http.Request) (*http.Response, error) {
	if c.token != "" && r.Header.Get("Authorization") == "" {
		r = utilnet.CloneRequest(r)
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.next.RoundTrip(r)
}

// refused reports whether the server did not accept the credentials, or was not accepted itself: the
// request had no effect.
func refused(answer *http.Response, err error) bool {
	if err != nil {
		return Unverified(err)
	}
	return answer.StatusCode == http.StatusUnauthorized
}

// repeated returns the request as it was before it was sent, if it can be sent twice.
func repeated(r *http.Request) (*http.Request, bool) {
	if r.Body == nil || r.Body == http.NoBody {
		return r, true
	}
	if r.GetBody == nil {
		return nil, false
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, false
	}
	r = r.WithContext(r.Context())
	r.Body = body
	return r, true
}

// discard gives the connection of an answer back.
func discard(answer *http.Response) {
	if answer == nil {
		return
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10)
	_ = answer.Body.Close()
}
