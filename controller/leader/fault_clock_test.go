package leader_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
)

// wallClock is a transport of a process whose wall clock is wrong: the times in the leases that it writes and
// reads are off.
type wallClock struct {
	next http.RoundTripper
	off  *atomic.Int64
}

var leaseTime = regexp.MustCompile(`"(acquireTime|renewTime)":"([^"]+)"`)

func shifted(body io.ReadCloser, by time.Duration) (io.ReadCloser, int64, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, 0, err
	}
	text = leaseTime.ReplaceAllFunc(text, func(field []byte) []byte {
		part := leaseTime.FindSubmatch(field)
		at, err := time.Parse(time.RFC3339Nano, string(part[2]))
		if err != nil {
			return field
		}
		return []byte(`"` + string(part[1]) + `":"` + at.Add(by).UTC().Format("2006-01-02T15:04:05.000000Z") + `"`)
	})
	return io.NopCloser(bytes.NewReader(text)), int64(len(text)), body.Close()
}

func (c wallClock) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	if !isLease(r) {
		return c.next.RoundTrip(r)
	}
	off := time.Duration(c.off.Load())
	r = r.Clone(r.Context())
	if r.Body != nil && r.Body != http.NoBody {
		if r.Body, r.ContentLength, err = shifted(r.Body, off); err != nil {
			return nil, err
		}
	}
	if answer, err = c.next.RoundTrip(r); err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength, err = shifted(answer.Body, -off)
	return answer, err
}

// TestFault16WallClocksAreNotBelieved: the wall clock of the one that leads is hours off, and jumps; so does that
// of the one that stands by. The lease is kept as long as it is renewed, and taken as long after its last
// renewal as it is when all clocks are right: what counts is how much time has passed, by the monotonic clock
// of each. That clocks run at different rates is explored: TestGreeterUnderALease.
func TestFault16WallClocksAreNotBelieved(t *testing.T) {
	inBubble(t, func(w *world) {
		clocked := func(name string) (*process, *atomic.Int64) {
			off := &atomic.Int64{}
			p := w.process(name)
			p.cfg.ContentType = runtime.ContentTypeJSON // as the transport reads it
			p.cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return wallClock{next, off} })
			return p, off
		}
		a, offA := clocked("a")
		b, offB := clocked("b")
		offA.Store(int64(5 * time.Hour))
		a.start()
		settle(5 * time.Second)
		require.WithinDuration(w.t, time.Now().Add(5*time.Hour), w.lease().Spec.RenewTime.Time, 3*time.Second, "the clock is wrong")
		b.start()
		for _, jump := range []time.Duration{-time.Hour, 10 * time.Hour, 0, time.Minute, -20 * time.Second} {
			for _, off := range []*atomic.Int64{offA, offB} {
				off.Store(int64(jump))
				settle(time.Minute)
				require.Equal(w.t, []string{"a"}, w.leaders(), "%s", jump)
				require.Equal(w.t, 1, a.elector.Status().Terms)
			}
		}
		offA.Store(int64(7 * time.Hour))
		settle(time.Minute)
		a.session.Sever()
		settle(10 * time.Second)
		require.Empty(w.t, w.leaders(), "not before the lease is over")
		settle(7 * time.Second)
		require.Equal(w.t, []string{"b"}, w.leaders())
	})
}
