package informer

import (
	"context"
	"time"

	"github.com/kuberator/kuberator/internal/credentials"
)

// refusedEvery is how often a request is repeated whose credentials the server does not accept, or whose server
// cannot be verified, and sayRefused every how many times that is reported. The reflector's own wait grows to a
// minute, which is long for a watch that needs nothing but the new token or authority, which is there.
const (
	refusedEvery = 3 * time.Second
	sayRefused   = 10
)

// accepted makes a request of the reflector until the server accepts its credentials, or ctx ends.
func accepted[R any](ctx context.Context, s *source, ask func() (R, error)) (R, error) {
	for n := 0; ; n++ {
		got, err := ask()
		if s.onSilent == nil || !credentials.Refused(err) {
			return got, err
		}
		if n%sayRefused == 0 {
			s.onSilent(err)
		}
		s.waiting(true)
		select {
		case <-ctx.Done():
			return got, err
		case <-time.After(refusedEvery):
			s.waiting(false)
		}
	}
}

// waiting notes that the last request was refused, and that it is repeated now.
func (s *source) waiting(waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = waits
}
