package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Outcome is what happens to a request.
type Outcome struct {
	name  string
	final bool // it does not send the request
	err   error
	do    func(x *exchange, next send) (*http.Response, error)
}

// send is what remains to be done with a request, at its end to send it.
type send func() (*http.Response, error)

// CommitThenEOF lets the request take effect, if the server accepts it, and loses the
// answer, whatever it is: the connection breaks with [io.ErrUnexpectedEOF].
func CommitThenEOF() Outcome {
	return Outcome{name: "CommitThenEOF()", do: func(x *exchange, next send) (*http.Response, error) {
		response, err := next()
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close() // it is not read
		return nil, io.ErrUnexpectedEOF
	}}
}

// CommitThenHang lets the request take effect, if the server accepts it, and never answers:
// the client waits until the request's ctx ends, which is for ever if it has no deadline.
func CommitThenHang() Outcome {
	return Outcome{name: "CommitThenHang()", do: func(x *exchange, next send) (*http.Response, error) {
		response, err := next()
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close() // it is not read
		return nil, hang(x.request.Context())
	}}
}

// NotSent refuses the connection: nothing takes effect, and the client knows.
func NotSent() Outcome {
	return Outcome{name: "NotSent()", final: true, do: func(*exchange, send) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}}
}

// Drop loses the request: nothing takes effect, and the client waits for an answer until
// the request's ctx ends, which is for ever if it has no deadline.
func Drop() Outcome {
	return Outcome{name: "Drop()", final: true, do: func(x *exchange, _ send) (*http.Response, error) {
		return nil, hang(x.request.Context())
	}}
}

// Delay waits before it sends the request. If the ctx ends meanwhile, nothing is sent.
func Delay(d time.Duration) Outcome {
	return Outcome{name: fmt.Sprintf("Delay(%s)", d), err: errorIf(d < 0, "it is negative"), do: func(x *exchange, next send) (*http.Response, error) {
		if err := sleep(x.request.Context(), d); err != nil {
			return nil, err
		}
		return next()
	}}
}

// DelayAnswer sends the request at once, and hands the answer over later. If the ctx ends
// meanwhile, the answer is lost.
func DelayAnswer(d time.Duration) Outcome {
	return Outcome{name: fmt.Sprintf("DelayAnswer(%s)", d), err: errorIf(d < 0, "it is negative"), do: func(x *exchange, next send) (*http.Response, error) {
		response, err := next()
		if err != nil {
			return nil, err
		}
		if err := sleep(x.request.Context(), d); err != nil {
			_ = response.Body.Close() // it is not read
			return nil, err
		}
		return response, nil
	}}
}

// Call calls a function, and sends the request when it has returned: to crash or to change
// something at exactly that moment. It may be called from several goroutines at once.
func Call(f func()) Outcome {
	return Outcome{name: "Call(…)", err: errorIf(f == nil, "the function is nil"), do: func(x *exchange, next send) (*http.Response, error) {
		f()
		return next()
	}}
}

// CallAfter sends the request, and calls a function when the server has answered, before the
// client hears of it: also if there is an error instead of an answer. It may be called from
// several goroutines at once.
func CallAfter(f func()) Outcome {
	return Outcome{name: "CallAfter(…)", err: errorIf(f == nil, "the function is nil"), do: func(x *exchange, next send) (*http.Response, error) {
		response, err := next()
		f()
		return response, err
	}}
}

// TearAnswer sends the request, and breaks the connection when the client has read so many
// bytes of the answer's body, or all of it if it is shorter: with [io.ErrUnexpectedEOF]. The
// request has taken effect, if the status, which the client gets, says so.
func TearAnswer(bytes int64) Outcome {
	return Outcome{name: fmt.Sprintf("TearAnswer(%d)", bytes), err: errorIf(bytes < 0, "it is negative"), do: func(x *exchange, next send) (*http.Response, error) {
		response, err := next()
		if err != nil {
			return nil, err
		}
		response.Body = &torn{ReadCloser: response.Body, left: bytes}
		return response, nil
	}}
}

// torn is a body that breaks off.
type torn struct {
	io.ReadCloser
	left int64
}

func (t *torn) Read(p []byte) (int, error) {
	if t.left == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := t.ReadCloser.Read(p[:min(int64(len(p)), t.left)])
	t.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
