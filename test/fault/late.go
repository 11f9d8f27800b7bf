package fault

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Late has the request arrive after a time, also if its ctx has ended by then and the client has
// given it up: as with a process that is stopped (SIGSTOP) after it has sent, or a network that
// keeps what it cannot deliver. Nothing is left of the request if the server is closed before.
//
// A rule for all requests of a process, On("*", "*"), is that process being stopped for that time, as
// far as the server can tell. Its timers go on.
func Late(d time.Duration) Outcome {
	return Outcome{name: fmt.Sprintf("Late(%s)", d), err: errorIf(d < 0, "it is negative"), do: func(x *exchange, next send) (*http.Response, error) {
		ctx := x.request.Context()
		x.request = x.request.WithContext(context.WithoutCancel(ctx))
		type answered struct {
			response *http.Response
			err      error
		}
		done := make(chan answered)
		go func() {
			time.Sleep(d)
			response, err := next()
			select {
			case done <- answered{response, err}:
			case <-ctx.Done():
				if response != nil {
					_ = response.Body.Close() // nobody reads it
				}
			}
		}()
		select {
		case a := <-done:
			return a.response, a.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}
