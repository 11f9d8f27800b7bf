package informer

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
)

// unreachable is a failure after which client-go's reflector asks for a stream again without telling anybody.
func unreachable(err error) bool {
	return err != nil && (utilnet.IsConnectionRefused(err) || apierrors.IsTooManyRequests(err))
}

// open makes the request for a stream. A stream of everything, for which the server cannot be reached, or asks
// to wait, is asked for again here, with the backoff of the reflector: that waits without looking at its ctx
// (client-go 0.37, Reflector.watchList), so that an operator whose server is away would need up to a minute to
// end. When ctx ends, the error is its own, which the reflector does not wait after.
func (s *source) open(ctx context.Context, ask func() (watch.Interface, error), lists bool) (watch.Interface, error) {
	backoff := wait.Backoff{Duration: 800 * time.Millisecond, Factor: 2, Jitter: 1, Steps: 6, Cap: 30 * time.Second}
	for {
		stream, err := accepted(ctx, s, ask)
		if !lists || !unreachable(err) {
			return stream, err
		}
		if s.onSilent != nil {
			s.onSilent(err)
		}
		s.waiting(true)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(backoff.Step()):
			s.waiting(false)
		}
	}
}
