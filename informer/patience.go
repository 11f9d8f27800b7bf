package informer

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kuberator/kuberator/internal/credentials"
)

// refusedEvery is how often a request is repeated whose credentials the server does not accept, or whose server
// cannot be verified, and sayRefused every how many times that is reported. The reflector's own wait grows to a
// minute, which is long for a watch that needs nothing but the new token or authority, which is there.
const (
	refusedEvery = 3 * time.Second
	sayRefused   = 10
)

// unreachable is a failure after which client-go's reflector asks for a stream again without telling anybody.
func unreachable(err error) bool {
	return err != nil && (utilnet.IsConnectionRefused(err) || apierrors.IsTooManyRequests(err))
}

// patience is which failures of a request the reflector is not told of: the request is repeated instead.
type patience struct {
	streams bool // the request is for a stream of everything
	refused int
	away    wait.Backoff
}

// newPatience returns the patience for one request. A stream of everything, for which the server cannot be
// reached, or asks to wait, is repeated with the backoff of the reflector: that waits without looking at its ctx
// (client-go 0.37, Reflector.watchList), so that an operator whose server is away would need up to a minute to end.
func newPatience(streams bool) *patience {
	return &patience{streams: streams, away: wait.Backoff{Duration: 800 * time.Millisecond, Factor: 2, Jitter: 1, Steps: 6, Cap: 30 * time.Second}}
}

// after returns how long to wait after a failure, and whether it is to be reported. ok is false for what is not
// repeated.
func (p *patience) after(err error) (pause time.Duration, report, ok bool) {
	switch {
	case credentials.Refused(err):
		p.refused++
		return refusedEvery, p.refused%sayRefused == 1, true
	case p.streams && unreachable(err):
		return p.away.Step(), true, true
	default:
		return 0, false, false
	}
}

// ask makes a request of the reflector, and repeats it as long as the patience says so. When ctx ends, the error
// is that of ctx, which the reflector neither reports nor waits after.
func ask[R any](ctx context.Context, s *source, p *patience, send func() (R, error)) (R, error) {
	for {
		got, err := send()
		pause, report, ok := p.after(err)
		if !ok || s.onSilent == nil {
			return got, err
		}
		if report {
			s.onSilent(err)
		}
		s.waiting(true)
		select {
		case <-ctx.Done():
			return got, ctx.Err()
		case <-time.After(pause):
			s.waiting(false)
		}
	}
}

// waiting notes that the last request failed, and that it is repeated now.
func (s *source) waiting(waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = waits
}
